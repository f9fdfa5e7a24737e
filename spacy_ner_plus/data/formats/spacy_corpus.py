"""`spacy`: .spacy files, spaCy's DocBin, which keep all that a Doc holds."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.tokens import Doc

from spacy_ner_plus.corpus import DocSpool, read_docs
from spacy_ner_plus.data.formats.format import CERTAIN, FEATURES, Reading, Sniff
from spacy_ner_plus.data.records.record import Record, record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import settings


@settings
class SpacyOptions:
    """.spacy files have no options."""


class SpacyCorpus:
    """The format, as `formats/format.py` says."""

    name = "spacy"
    about = "spaCy's own binary corpora (DocBin)"
    endings = (".spacy",)
    options = SpacyOptions
    keeps = frozenset(FEATURES)
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        return Sniff(CERTAIN, "a .spacy file") if source.ending == ".spacy" else None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        for number, doc in enumerate(read_docs(source.path, reading.nlp.vocab), start=1):
            known = record_of(doc)
            yield Record(
                doc,
                # What it was made of is told by the Doc; here it is where it was read.
                f"{source.name}:document {number}",
                known["id"],
                known["meta"],
                known["annotator"],
            )

    def write(self, docs: Iterable[Doc], path: Path, options: SpacyOptions, issues: IssueLog) -> None:
        spool = DocSpool(path.parent)
        try:
            for doc in docs:
                spool.add(doc)
            spool.write(path)
        finally:
            spool.close()


SPACY = SpacyCorpus()
