"""What a format of corpora is: one object, found by its entry point, that recognises, reads and maybe writes.

A package adds one by an entry point of the group `spacy_ner_plus_formats`, whose name is the format's and
whose value is such an object (docs/extending.md has an example).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import Parse, texts_to_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog

# How sure a format is that a source is of it. Two that are equally sure are a tie, which the user decides.
CERTAIN = 1.0  # marks that no other format has
LIKELY = 0.8  # the shape of it, which others might share
POSSIBLE = 0.5  # nothing speaks against it

# What a Doc may hold beside text and flat entities, and a format may have a place for.
TOKENS, SENTENCES, NESTED, MISSING = "tokens", "sentences", "nested spans", "missing annotation"
IDS, META, ANNOTATOR, SPAN_IDS, SCORES = "ids", "meta", "annotators", "span ids", "scores"
SPACES, LABELS, SOFT = "white space", "annotated labels", "soft tags"
FEATURES = (TOKENS, SENTENCES, SPACES, NESTED, MISSING, IDS, META, ANNOTATOR, SPAN_IDS, SCORES, LABELS, SOFT)


class Sniff(NamedTuple):
    """A format's judgement of a source.

    confidence (float): From 0 to 1; CERTAIN, LIKELY or POSSIBLE as a rule.
    why (str): What it was taken for and by what, for the user: 'records with `annotations`[…]`result`'.
    """

    confidence: float
    why: str


class NotRead(str):
    """A note about values of a source that no Doc has, as parts of speech: not all of it was read, by intent."""


@dataclass(frozen=True)
class Reading:
    """What every reader is given.

    nlp (Language): Tokenises texts; its vocab and language.
    options (Any): The format's own settings, an instance of its `options`.
    issues (IssueLog): Where each loss and repair is counted, with its place.
    notes (list[str]): Where is written what was found out about the source.
    """

    nlp: Language
    options: Any
    issues: IssueLog
    notes: list[str]

    def records_of_texts(self, parse: Parse, source: Source, shapes: str) -> Iterator[Record]:
        """Make Records of a source's texts with spans, where `options` are TextOptions.

        parse (Parse): Reads the source anew on each call, as `texts_to_records` says.
        source (Source): For messages.
        shapes (str): What the format looks for as annotation.
        RAISES (UserError): A source in which there is annotation, and none of it could be read.
        """
        return texts_to_records(
            parse,
            self.nlp,
            self.options,
            issues=self.issues,
            notes=self.notes,
            where=source.name,
            shapes=shapes,
        )


@runtime_checkable
class Format(Protocol):
    """A format of corpora.

    name (str): As `--format` takes it, such as 'label-studio'.
    about (str): What it is, in a line.
    endings (tuple[str, ...]): Of its files, such as ('.json',); () where any may be.
    options (type): A class of settings (`settings.py`), all with defaults: how to read and write.
    keeps (frozenset[str]): Of FEATURES, those that its files have a place for; what is written to it and has none
        is counted as lost.
    writes (bool): Whether it writes, too.
    writes_folder (bool): Whether what it writes is a folder; may be left out where it is a file.
    checked (bool): Whether the real tool's files were read and written in a test, rather than files made after
        its documentation.
    """

    name: str
    about: str
    endings: tuple[str, ...]
    options: type
    keeps: frozenset[str]
    writes: bool
    checked: bool

    def sniff(self, source: Source) -> Sniff | None:
        """Judge by the beginning of a source whether it is of this format; None where it is not.

        Never raises, whatever the source holds, and looks at `source.head` and what is made of it alone.
        """

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        """Read a source.

        RAISES (UserError): What can't be read at all, with file and line.
        """

    def write(self, docs: Iterable[Doc], path: Path, options: Any, issues: IssueLog) -> None:
        """Write Docs to a new file or folder at a path; called where `writes` is true alone.

        issues (IssueLog): Where is counted what can't be written, beyond what `keeps` says.
        """
