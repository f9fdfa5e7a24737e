"""`per_type`: a question for each label, each answered with the list of its mentions.

    Text: Ann Lee left Rome.
    I've read this text.
    What describes person in the text?
    {"entities": ["Ann Lee"]}

The conversation is that of UniversalNER (Zhou et al. 2024, arXiv:2308.03279), whose models answer with the bare
list; that is read as well. As in its evaluation, each question is a conversation of its own, so that they are
asked at the same time and none hangs on the answer to another. They begin alike up to the label, which
servers with a cache of prompts compute once.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.base import CharMention, shipped_template
from spacy_ner_plus.llm.formats.json_replies import close_reply, read_json
from spacy_ner_plus.llm.formats.json_shapes import shape_value
from spacy_ner_plus.llm.formats.json_strings import find_strings
from spacy_ner_plus.llm.formats.names import fold
from spacy_ner_plus.llm.formats.reading import WRAPPER, Reading
from spacy_ner_plus.llm.formats.text_grammars.string_lists import list_grammar
from spacy_ner_plus.llm.formats.text_grammars.text_walk import Piece, TextWalk, literal
from spacy_ner_plus.llm.requests import Dialogue, InvalidReply, Message, Outcome, Question

LIST = "entities"
# Keys under which models put the one list, too.
_OTHER_KEYS = frozenset(
    {"entity", "mentions", "spans", "answer", "answers", "result", "results", "list", "output"}
)


def per_type_v1() -> "PerType":
    """Make the format, which configs name 'spacy_ner_plus.per_type.v1' or 'per_type'."""
    return PerType()


class PerType:
    """A conversation for each label, with one list of strings."""

    name = "per_type"

    @property
    def instructions(self) -> str:
        return shipped_template("per_type.v1")

    def skeleton(self, labels: Sequence[str]) -> str:
        return json.dumps({LIST: ["..."]})

    def schema(self, labels: Sequence[str]) -> dict[str, Any]:
        # The list within an object, as OpenAI takes no schema of anything else.
        return {
            "type": "object",
            "properties": {LIST: {"type": "array", "items": {"type": "string"}}},
            "required": [LIST],
            "additionalProperties": False,
        }

    def grammar(self, labels: Sequence[str]) -> None:
        return None

    def text_grammar(self, labels: Sequence[str], text: str, pieces: Sequence[Piece]) -> str | None:
        reply = f"{literal(f'{{{json.dumps(LIST)}: ')} LIST {literal('}')}"
        return list_grammar(TextWalk(text, pieces), reply)

    def turns(self, text: str, labels: Sequence[str]) -> list[Message]:
        return [
            {"role": "user", "content": f"Text: {text}"},
            {"role": "assistant", "content": "I've read this text."},
            {"role": "user", "content": f"What describes {self._only(labels)} in the text?"},
        ]

    def dialogue(
        self, labels: Sequence[str], ask: Callable[[Sequence[str]], Question[Reading]]
    ) -> Dialogue[Outcome[Reading]]:
        outcomes = yield [ask([label]) for label in labels]
        return merge_outcomes(labels, outcomes)

    def parse(self, content: str, labels: Sequence[str], text: str) -> Reading:
        label = self._only(labels)
        repairs = IssueLog()
        value = _find_list(read_json(content, repairs), label, repairs)
        found = shape_value(value, self.schema(labels), text, repairs)[LIST]
        offsets = find_strings(content, [("", item) for item in found], opening="[")
        return Reading(
            [
                Mention(item, label, reply_start=start, reply_end=end)
                for item, (start, end) in zip(found, offsets, strict=True)
            ],
            repairs,
        )

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        read = self.parse(close_reply(content), labels, text)
        # The list may not be in the order of the text.
        read.unread = [(0, len(text))]
        return read

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        found = [text[start:end] for start, end, label in sorted(mentions) if label in labels]
        return json.dumps({LIST: found}, ensure_ascii=False)

    def _only(self, labels: Sequence[str]) -> str:
        if len(labels) != 1:
            raise UserError(Errors.E296.format(format=self.name, count=len(labels)))
        return labels[0]


def merge_outcomes(labels: Sequence[str], outcomes: Sequence[Outcome[Reading]]) -> Outcome[Reading]:
    """Put together what came of a question for each label.

    RETURNS (Outcome[Reading]): The mentions of all labels. No value where one question has no answer, since what
        isn't known to be of that label isn't known to be nothing.
    """
    asked = tuple(one for outcome in outcomes for one in outcome.asked)
    failed = [(label, outcome) for label, outcome in zip(labels, outcomes, strict=True) if outcome.failure]
    kind = failure = ""
    if failed:
        # A text that is too long for one of its questions is asked about in parts.
        kinds = [outcome.kind for _, outcome in failed]
        reasons: dict[str, list[str]] = {}
        for label, outcome in failed:
            reasons.setdefault(outcome.failure, []).append(label)
        failure = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        if any(outcome.value is None for outcome in outcomes):
            return Outcome(None, failure, "cut" if "cut" in kinds else kinds[0], asked)
        kind = kinds[0]
    readings = [outcome.value for outcome in outcomes if outcome.value is not None]
    repairs = IssueLog()
    for reading in readings:
        repairs.merge(reading.repairs)
    unread = sorted({stretch for reading in readings for stretch in reading.unread})
    mentions = [mention for reading in readings for mention in reading]
    doubt = "; ".join(dict.fromkeys(filter(None, (reading.doubt for reading in readings))))
    return Outcome(Reading(mentions, repairs, unread, doubt), failure, kind, asked)


def _find_list(value: Any, label: str, repairs: IssueLog) -> Any:
    """Bring the one list of an answer under its key."""
    if isinstance(value, list):
        # The recipe's own form; a list of one object is a wrapper around the whole.
        is_whole = len(value) == 1 and isinstance(value[0], dict) and "text" not in value[0]
        return value if is_whole else {LIST: value}
    if not isinstance(value, dict):
        return value
    lists = [
        key
        for key, inner in value.items()
        if fold(key) == LIST
        or (fold(key) == fold(label) and isinstance(inner, list | str))
        or (fold(key) in _OTHER_KEYS and isinstance(inner, list))
    ]
    if len(lists) > 1:
        # Left out as a key that wasn't asked for, the one would be lost.
        raise InvalidReply(f"the answer is there twice, under '{lists[0][:60]}' and '{lists[1][:60]}'")
    if len(lists) == 1 and fold(lists[0]) != LIST:
        repairs.add(WRAPPER, f"'{lists[0][:60]}' for '{LIST}'")
        return {LIST if key == lists[0] else key: inner for key, inner in value.items()}
    return value
