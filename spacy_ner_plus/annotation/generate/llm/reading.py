"""A reply's records: each is valid, as it was planned, and has its mentions; or there is a reason why it isn't."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy_ner_plus.alignment.occurrences import cuts_word, occurrences
from spacy_ner_plus.annotation.generate.llm.plan import PlannedRecord
from spacy_ner_plus.annotation.generate.llm.prompt import ENTITIES
from spacy_ner_plus.annotation.generate.records import Record, RecordCheck
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.finish_reasons import FILTERED
from spacy_ner_plus.llm.formats.json_replies import close_reply, read_json
from spacy_ner_plus.llm.formats.names import find_name
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.requests import ChatReply, InvalidReply
from spacy_ner_plus.spans import CharSpan

# Why a record isn't taken, as users read it.
SHAPE = "refused: not in the form that was asked for"
NOT_FOUND = "refused: a mention that isn't in its text"
UNMARKED = "refused: words that are an entity in one place and aren't marked in another"
TWICE = "refused: an entity that is listed twice"
LENGTH = "refused: more or fewer words than were asked for"
LABELS_LACKING = "refused: without an entity of a label that was asked for"
NOT_NEGATIVE = "refused: with entities, where none were asked for"
MISSING = "not written: a record that a reply leaves out"
# A reply may have so many words less or more than was asked for, as a share.
_TOLERANCE = 0.2
_RECORDS, _NUMBER, _TEXT, _ENTITIES = "records", "number", "text", "entities"


@dataclass(frozen=True)
class Refusal:
    """Why there is no record.

    kind (str): As users read it.
    reason (str): As the model is told.
    text (str): What it wrote.
    """

    kind: str
    reason: str
    text: str = ""


@dataclass
class Drafts:
    """What a reply holds.

    records (dict[int, Record]): What can be taken, by place, from 1.
    refusals (dict[int, Refusal]): What can't.
    repairs (IssueLog): What was repaired in the form.
    """

    records: dict[int, Record] = field(default_factory=dict)
    refusals: dict[int, Refusal] = field(default_factory=dict)
    repairs: IssueLog = field(default_factory=IssueLog)

    def __len__(self) -> int:
        return len(self.records)


class DraftReader:
    """Reads replies to a request for records.

    planned (Mapping[int, PlannedRecord]): What was asked for, by place, from 1.
    check (RecordCheck): What makes records; it counts nothing here.
    """

    def __init__(self, planned: Mapping[int, PlannedRecord], labels: LabelSet, check: RecordCheck):
        self._planned = planned
        self._labels = labels
        self._check = check

    def read(self, reply: ChatReply) -> Drafts:
        """Read a reply.

        RAISES (InvalidReply): It holds no list of records.
        """
        if reply.finish_reason == FILTERED:
            raise InvalidReply("the server's content filter stopped the reply", is_final=True)
        return self._read(reply.content)

    def read_cut(self, reply: ChatReply) -> Drafts:
        """RETURNS (Drafts): The whole records of a reply that ended at the limit of tokens."""
        return self._read(close_reply(reply.content))

    def _read(self, content: str) -> Drafts:
        drafts = Drafts()
        for number, item in enumerate(_items(read_json(content, drafts.repairs)), start=1):
            place = _place(item, number)
            if place not in self._planned or place in drafts.records or place in drafts.refusals:
                # Nobody has asked for it: what was asked for and isn't there is missing.
                continue
            found = self._read_one(item, self._planned[place], drafts.repairs)
            if isinstance(found, Record):
                drafts.records[place] = found
            else:
                drafts.refusals[place] = found
        if not drafts.records and not drafts.refusals:
            raise InvalidReply(f"it holds none of the records {', '.join(map(str, self._planned))}")
        for place in self._planned:
            if place not in drafts.records and place not in drafts.refusals:
                drafts.refusals[place] = Refusal(MISSING, "it is missing")
        return drafts

    def _read_one(self, item: Any, planned: PlannedRecord, repairs: IssueLog) -> Record | Refusal:
        text, entities = _field(item, _TEXT), _field(item, _ENTITIES)
        if not isinstance(text, str) or not isinstance(entities, list):
            shown = json.dumps(item, ensure_ascii=False)[:60]
            return Refusal(SHAPE, "it needs a 'text' and a list of 'entities'", shown)
        # Half of a surrogate pair, which JSON can hold and a file can't.
        text = text.strip().encode("utf8", "replace").decode("utf8")
        try:
            reply = json.dumps({_ENTITIES: entities}, ensure_ascii=False)
            mentions = Reading.of(ENTITIES.parse(reply, self._labels.names, text))
        except InvalidReply as error:
            return Refusal(SHAPE, str(error), text)
        repairs.merge(mentions.repairs)
        spans = _place_mentions(text, mentions, is_ambiguous=bool(planned.ambiguous))
        if isinstance(spans, Refusal):
            return spans
        made = self._check.make(text, spans, origin=f"record {planned.number + 1}")
        if not isinstance(made, Record):
            return Refusal(made, made.partition(": ")[2], text)
        return _as_planned(made, planned) or made


def _items(value: Any) -> Sequence[Any]:
    """RETURNS (Sequence[Any]): The records of a reply's JSON.

    RAISES (InvalidReply): Where it isn't a list of them.
    """
    if isinstance(value, dict):
        key = find_name(_RECORDS, value)
        if key is None and find_name(_TEXT, value) is not None:
            return [value]
        value = value.get(key) if key is not None else None
    if not isinstance(value, list) or not value:
        raise InvalidReply("it holds no list of 'records'")
    return value


def _field(item: Any, name: str) -> Any:
    key = find_name(name, item) if isinstance(item, dict) else None
    return item[key] if key is not None else None


def _place(item: Any, number: int) -> int:
    given = _field(item, _NUMBER)
    if isinstance(given, str) and given.strip().isdecimal():
        given = int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else number


def _place_mentions(text: str, mentions: Reading, *, is_ambiguous: bool) -> list[CharSpan] | Refusal:
    """Find each mention in its text, as it is spelled; no other place of its words may be left unmarked.

    is_ambiguous (bool): Whether the same words may be no entity elsewhere in the text.
    """
    places = {mention.text: occurrences(text, mention.text) for mention in mentions}
    spans: dict[CharSpan, None] = {}
    for mention in mentions:
        found = places[mention.text]
        if not found:
            return Refusal(NOT_FOUND, f"'{mention.text}' isn't in its text", text)
        if mention.occurrence > len(found):
            reason = f"'{mention.text}' is {len(found)} times in its text, and not {mention.occurrence} times"
            return Refusal(NOT_FOUND, reason, text)
        start = found[mention.occurrence - 1]
        span = CharSpan(start, start + len(mention.text), mention.label)
        if span in spans:
            return Refusal(TWICE, f"'{mention.text}' is listed twice with the same occurrence", text)
        spans[span] = None
    if not is_ambiguous:
        for mention, starts in places.items():
            for start in starts:
                end = start + len(mention)
                is_whole = (start == 0 or not text[start - 1].isalnum()) and not text[end : end + 1].isalnum()
                if is_whole and not any(span.start <= start and end <= span.end for span in spans):
                    reason = f"'{mention}' is {len(starts)} times in its text: list each that is an entity"
                    return Refusal(UNMARKED, reason, text)
            for found in _in_other_case(text, mention):
                if not any(span.start <= found.start() and found.end() <= span.end for span in spans):
                    reason = f"'{mention}' is an entity, and '{found[0]}' isn't: list each, as it is spelled"
                    return Refusal(UNMARKED, reason, text)
    return sorted(spans)


def _in_other_case(text: str, mention: str) -> Iterator[re.Match[str]]:
    """YIELDS (Match): Where a mention stands in other letters: of several words in any, of one in capitals alone, as
    'apple' is mostly no Apple, and 'It' no IT."""
    for found in re.finditer(re.escape(mention), text, re.IGNORECASE):
        is_name = found[0].isupper() or len(mention.split()) > 1
        is_whole = not cuts_word(text, found.start()) and not cuts_word(text, found.end())
        if found[0] != mention and is_name and is_whole:
            yield found


def _as_planned(record: Record, planned: PlannedRecord) -> Refusal | None:
    """RETURNS (Refusal | None): In what a record isn't as it was planned; None where it is."""
    if not planned.labels and record.spans:
        shown = ", ".join(f"'{text}'" for _, text in record.entities[:3])
        return Refusal(NOT_NEGATIVE, f"it has entities, {shown}, and was to have none", record.text)
    lacking = [name for name in planned.labels if name not in {span.label for span in record.spans}]
    if lacking:
        return Refusal(LABELS_LACKING, f"it has no entity of {', '.join(lacking)}", record.text)
    least, most = planned.words
    words = len(record.text.split())
    if not least * (1 - _TOLERANCE) <= words <= most * (1 + _TOLERANCE):
        return Refusal(LENGTH, f"it has {words} words, and not {least} to {most}", record.text)
    return None
