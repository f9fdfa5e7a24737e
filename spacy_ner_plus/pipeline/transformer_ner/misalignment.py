"""Gold entities that begin or end within a token of the pipeline, which can't be learnt from: counted and told."""

import warnings
from collections.abc import Iterable, Iterator

from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.errors import Errors, UserError, Warnings


class AlignmentCheck:
    """Count gold entities, and those that don't fit the predicted Docs' tokens; warn once.

    name (str): The component's, for messages.
    """

    def __init__(self, name: str):
        self._name = name
        self._warned = False
        self._start()

    def add(self, example: Example) -> None:
        """Count one more example's entities."""
        ents = example.reference.ents
        self._count += len(ents)
        for ent in _misaligned(ents, example):
            self._misaligned += 1
            if not self._first:
                self._first = _show(ent, example.predicted)
                self._lang = example.predicted.lang_

    def finish(self) -> None:
        """Say what was counted, if anything is amiss.

        RAISES (UserError): Where there are entities, and not one of them fits.
        """
        if self._count and self._misaligned == self._count:
            count, first, lang = self._count, self._first, self._lang
            raise UserError(Errors.E236.format(name=self._name, count=count, first=first, lang=lang))
        self._warn()

    def check(self, examples: Iterable[Example]) -> None:
        """Warn of a batch's entities, unless a warning was given before."""
        if not self._warned:
            self._start()
            for eg in examples:
                self.add(eg)
            self._warn()

    def _start(self) -> None:
        self._count = self._misaligned = 0
        self._first = self._lang = ""

    def _warn(self) -> None:
        if self._misaligned:
            self._warned = True
            text = Warnings.W203.format(
                name=self._name,
                misaligned=self._misaligned,
                count=self._count,
                share=self._misaligned / self._count,
                first=self._first,
                lang=self._lang,
            )
            warnings.warn(text, stacklevel=4)


def _misaligned(ents: Iterable[Span], example: Example) -> Iterator[Span]:
    doc = example.predicted
    same = bool(ents) and doc.text == example.reference.text
    for ent in ents:
        is_span = same and doc.char_span(ent.start_char, ent.end_char)
        # spaCy's alignment, which training goes by, is dearer, and more lenient about white space and case.
        if not is_span and not example.get_aligned_spans_y2x([ent], allow_overlap=True):
            yield ent


def _show(ent: Span, doc: Doc) -> str:
    """RETURNS (str): An entity with the tokens that it lies in, as far as they can be found."""
    around = doc.char_span(ent.start_char, ent.end_char, alignment_mode="expand")
    tokens = [token.text for token in around or doc]
    shown = " | ".join(tokens[:6])
    return f"'{_cut(ent.text)}' in '{_cut(shown)}'"


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:59]}\N{HORIZONTAL ELLIPSIS}"
