"""What a gold Doc says about the text of an inference, which may be spelled otherwise."""

from bisect import bisect_left, bisect_right

from spacy.tokens import Doc

from spacy_ner_plus.alignment.normalization import Normalised
from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.learning.scores import RightAnswer
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.spans import IOB_MISSING, CharSpan

NOT_ANNOTATED = "gold texts without any annotation"
CANT_MAP = "answers about another spelling of the text, in which not every gold entity has its place"
MISSING = "answers with entities where gold has no annotation"


class GoldAnswer:
    """The annotation of a Doc, as what would have been right.

    doc (Doc): A gold Doc.
    RAISES (UserError): Where the Doc's annotated labels are no labels, or not those of its entities.
    """

    def __init__(self, doc: Doc):
        self.text = doc.text
        self.spans = tuple(CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)
        self.labels = annotated_labels(doc)
        missing = [token for token in doc if token.ent_iob == IOB_MISSING and not token.is_space]
        self.missing = tuple((token.idx, token.idx + len(token)) for token in missing)
        words = sum(not token.is_space for token in doc)
        self.is_annotated = not words or len(missing) < words

    def says(self) -> tuple[object, ...]:
        """RETURNS (tuple): What is equal where two Docs say the same of the same text."""
        return self.text, self.spans, self.labels, self.missing

    def about(self, inference: Inference) -> RightAnswer | str:
        """Say what would have been right.

        inference (Inference): One whose text has the same normalised form.
        RETURNS (RightAnswer | str): About its text; else why that can't be said.
        """
        spans, missing = self.spans, self.missing
        if inference.text != self.text:
            mapped = self._mapped(inference.text)
            if mapped is None:
                return CANT_MAP
            spans, missing = mapped
        if any(
            span.start < end and start < span.end for span in inference.entities for start, end in missing
        ):
            return MISSING
        return RightAnswer(spans, self.labels, is_whole=not missing)

    def _mapped(self, text: str) -> tuple[tuple[CharSpan, ...], tuple[tuple[int, int], ...]] | None:
        own, other = Normalised(self.text), Normalised(text)
        if own.text != other.text:
            return None
        spans = []
        for span in self.spans:
            place = _place(own, other, span.start, span.end)
            # A part of a character that is one there, as of a ligature.
            if (
                place is None
                or Normalised(text[slice(*place)]).text != Normalised(_part(self.text, span)).text
            ):
                return None
            spans.append(CharSpan(*place, span.label))
        missing = [_place(own, other, *stretch) for stretch in self.missing]
        # What isn't in the normalised form, such as an invisible character, is nowhere.
        return tuple(spans), tuple(place for place in missing if place is not None)


def _part(text: str, span: CharSpan) -> str:
    return text[span.start : span.end]


def _place(own: Normalised, other: Normalised, start: int, end: int) -> tuple[int, int] | None:
    first, last = bisect_right(own.ends, start), bisect_left(own.starts, end)
    return other.original(first, last) if first < last else None
