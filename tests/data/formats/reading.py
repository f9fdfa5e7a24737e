"""Files read by one format, for its tests: what came out, and what was said about it."""

from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import Format, Reading
from spacy_ner_plus.data.formats.options import options_for
from spacy_ner_plus.data.records.record import spans_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog

NLP = spacy.blank("en")


@dataclass
class Found:
    docs: list[Doc]
    issues: IssueLog
    notes: list[str]


def read_file(format: Format, path: Path, content: str | bytes | None = None, **options) -> Found:
    """RETURNS (Found): What a format reads of a file; of one with this content in a folder, where it is given."""
    if content is not None:
        path = path / "source"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    issues, notes = IssueLog(), []
    reading = Reading(NLP, options_for(format, options), issues, notes)
    return Found([record.doc for record in format.read(Source(str(path)), reading)], issues, notes)


def ents(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def all_spans(doc: Doc) -> list[tuple[int, int, str, str, float | None]]:
    """RETURNS (list): Of each span its characters, its label, its id and its score, in the order of the text."""
    found = [(span.start_char, span.end_char, span.label_, span.id_, score) for span, score in spans_of(doc)]
    return sorted(found, key=str)
