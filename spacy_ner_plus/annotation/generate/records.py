"""Synthetic records, and the check that each of them passes: nothing else gets into a corpus.

A record is written as `bio-json`, a text with those of its tokens that have tags. The check writes it, reads it back as
a corpus is read, and refuses it where that doesn't give the same entities.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.bio_json import bio_json_to_docs
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import CharSpan, align, spans_to_tags

# Why something is refused, as users read it.
EMPTY = "refused: no words in the text"
AROUND = "refused: white space around the text"
CONTROL = "refused: control characters in the text"
OUTSIDE = "refused: an entity that isn't within the text"
UNKNOWN_LABEL = "refused: a label that wasn't asked for"
OVERLAP = "refused: entities that overlap"
EDGE = "refused: an entity that begins or ends with white space"
MISALIGNED = "refused: an entity that begins or ends within a token"
READ_OTHERWISE = "refused: entities that would be read otherwise from the file"
# White space that a text may hold.
_SPACES = "\n\t "
_SHOWN = 80


@dataclass(frozen=True)
class Record:
    """A text with its entities, as RecordCheck has found it valid.

    spans (tuple[CharSpan, ...]): Its entities by character, in order; they don't overlap.
    labels (tuple[tuple[str, str], ...]): Tokens with their tags, as `bio-json` has them.
    origin (str): What it was made from, such as a template; no part of what is written.
    """

    text: str
    spans: tuple[CharSpan, ...]
    labels: tuple[tuple[str, str], ...]
    origin: str = ""

    @property
    def entities(self) -> list[tuple[str, str]]:
        """RETURNS (list[tuple[str, str]]): Label and text of each entity, in order."""
        return [(span.label, self.text[span.start : span.end]) for span in self.spans]

    def to_json(self) -> str:
        """RETURNS (str): It as a line of `bio-json`."""
        labels = [list(pair) for pair in self.labels]
        return json.dumps({"text": self.text, "labels": labels}, ensure_ascii=False)

    def to_doc(self, nlp: Language) -> Doc:
        """RETURNS (Doc): A new Doc with its entities."""
        doc = nlp.make_doc(self.text)
        doc.set_ents(align(doc, self.spans)[0])
        return doc


def records_to_json(records: Iterable[Record]) -> str:
    """RETURNS (str): A file of the form `bio-json`, a record a line."""
    return "[\n" + ",\n".join(record.to_json() for record in records) + "\n]\n"


class RecordCheck:
    """Makes records of texts with entities, refuses what is none, and counts why.

    nlp (Language): Whose tokens entities have to begin and end with.
    labels (Collection[str] | None): The labels that entities may have; None for any.
    offered (int): How many texts it was given.
    refused (IssueLog): Those that are no records, by reason, with the first of each.
    """

    def __init__(self, nlp: Language, labels: Collection[str] | None = None):
        self.nlp = nlp
        self.labels = labels
        self.offered = 0
        self.refused = IssueLog()
        self._made: set[Record] = set()
        # Replies of a chat model are read in the thread in which they come, and those of a store in another one.
        self._lock = Lock()

    def __call__(
        self, text: str, spans: Sequence[CharSpan], *, origin: str = "", all_tokens: bool = True
    ) -> Record | None:
        """Make a record.

        spans (Sequence[CharSpan]): Its entities by character.
        origin (str): What it was made from.
        all_tokens (bool): Whether tokens that are O are written, too, where it can't be read otherwise.
        RETURNS (Record | None): None for what isn't valid, which is counted.
        """
        made = self.make(text, spans, origin=origin, all_tokens=all_tokens)
        self.offered += 1
        if isinstance(made, Record):
            self._made.add(made)
            return made
        self.refuse(made, text, origin)
        return None

    def has_made(self, record: Record) -> bool:
        """RETURNS (bool): Whether it is a record that this check made."""
        return isinstance(record, Record) and record in self._made

    def refuse(self, why: str, text: str, where: str = "") -> None:
        """Count something that gets into no corpus.

        why (str): The reason, as users read it.
        where (str): Where it came from.
        """
        shown = " ".join(text.split())
        self.refused.add(why, shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}...", where[:_SHOWN])

    def make(
        self, text: str, spans: Sequence[CharSpan], *, origin: str = "", all_tokens: bool = True
    ) -> Record | str:
        """RETURNS (Record | str): A record, or why it is none; nothing is counted. Any thread may ask."""
        with self._lock:
            return self._make(text, spans, origin, all_tokens)

    def _make(self, text: str, spans: Sequence[CharSpan], origin: str, all_tokens: bool) -> Record | str:
        spans = tuple(sorted(spans))
        if why := self._what_is_wrong(text, spans):
            return why
        doc = self.nlp.make_doc(text)
        fitting, misaligned = align(doc, spans)
        if misaligned:
            return MISALIGNED
        tags = spans_to_tags(fitting, len(doc))
        pairs = [(token.text, tag) for token, tag in zip(doc, tags, strict=True) if not token.is_space]
        found = [tuple(pair for pair in pairs if pair[1] != "O"), *([tuple(pairs)] if all_tokens else ())]
        for labels in found:
            record = Record(text, spans, labels, origin)
            if self.reads_back(record):
                return record
        return READ_OTHERWISE

    def reads_back(self, record: Record) -> bool:
        """RETURNS (bool): Whether its file gives just its entities, and no loss or repair."""
        issues = IssueLog()
        docs = list(bio_json_to_docs([record.to_json()], self.nlp, issues=issues, where=""))
        found = [CharSpan(ent.start_char, ent.end_char, ent.label_) for doc in docs for ent in doc.ents]
        return not len(issues) and len(docs) == 1 and docs[0].text == record.text and found == [*record.spans]

    def _what_is_wrong(self, text: str, spans: Sequence[CharSpan]) -> str:
        if not any(map(str.isalnum, text)):
            return EMPTY
        if text != text.strip():
            return AROUND
        if not all(character.isprintable() or character in _SPACES for character in text):
            return CONTROL
        end = 0
        for span in spans:
            if not 0 <= span.start < span.end <= len(text):
                return OUTSIDE
            if span.start < end:
                return OVERLAP
            if self.labels is not None and span.label not in self.labels:
                return UNKNOWN_LABEL
            mention = text[span.start : span.end]
            if mention != mention.strip():
                return EDGE
            end = span.end
        return ""


def labels_of(records: Iterable[Record]) -> Counter[str]:
    """RETURNS (Counter[str]): How many entities each label has."""
    return Counter(span.label for record in records for span in record.spans)


def surfaces_of(records: Iterable[Record]) -> set[str]:
    """RETURNS (set[str]): The texts of all entities, in lower case."""
    return {text.lower() for record in records for _, text in record.entities}
