"""A pipeline as an annotator: what it says of each text, by characters, whatever its tokens are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.failures import find_failure, is_answered
from spacy_ner_plus.evaluation.predictions import pipe_in_order
from spacy_ner_plus.spans import span_scores

CHANGED = "the pipeline changes the text"
SILENT = "no component says anything about entities, not even that there are none"


@dataclass(frozen=True)
class TextAnswer:
    """What an annotator says of a text.

    spans (list[list]): Entities in order: start and end in characters, label, and score or None where the pipeline
        gives none.
    missing (list[list[int]]): Stretches of which it says nothing, start and end in characters.
    failure (str): Why it says nothing of the text or a part of it; '' where it says something of all.
    """

    spans: list[list[Any]]
    missing: list[list[int]]
    failure: str = ""


class Annotator:
    """A pipeline under the name by which its annotation is known.

    name (str): The name.
    nlp (Language): The pipeline.
    identity (str): A hash of all that its answers depend on beside the texts; '' where that can't be told, and
        nothing of it may be used again.
    batch_size (int | None): How many texts at once; None for the pipeline's own.
    """

    def __init__(self, name: str, nlp: Language, identity: str = "", *, batch_size: int | None = None):
        self.name = name
        self.nlp = nlp
        self.identity = identity
        self._batch_size = batch_size

    def labels(self) -> frozenset[str] | None:
        """RETURNS (frozenset[str] | None): The labels that it looks for; None where a component doesn't say so."""
        known: set[str] = set()
        found = False
        for name in self.nlp.pipe_names:
            if "doc.ents" not in self.nlp.get_pipe_meta(name).assigns:
                continue
            labels = self.nlp.pipe_labels.get(name)
            if not labels:
                return None
            known.update(labels)
            found = True
        return frozenset(known) if found else None

    def annotate(self, texts: Sequence[SourceText]) -> Iterator[TextAnswer]:
        """Annotate texts; one on which the pipeline fails has no annotation, and says why.

        YIELDS (TextAnswer): One for each text, in order.
        RAISES (UserError): Where a setting is at fault, and with it every text would fail.
        """
        done = 0
        # The strings of a shard are forgotten with it.
        with self.nlp.memory_zone():
            try:
                for answer in self._pipe(texts):
                    yield answer
                    done += 1
            except UserError:
                raise
            except Exception:  # noqa: BLE001 - spaCy's `ner` and `parser` hand no Doc to an error handler
                for text in texts[done:]:
                    yield self._alone(text)

    def _pipe(self, texts: Sequence[SourceText]) -> Iterator[TextAnswer]:
        inputs = ((self._input(text), text) for text in texts)
        for doc, text, failure in pipe_in_order(self.nlp, inputs, batch_size=self._batch_size):
            yield no_answer(text, failure) if doc is None else read_answer(doc, text)

    def _alone(self, text: SourceText) -> TextAnswer:
        try:
            return next(self._pipe([text]))
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are annotated
            return no_answer(text, f"{type(error).__name__}: {error}")

    def _input(self, text: SourceText) -> str | Doc:
        # The pipeline's own tokens are what it was made for; only where nobody knows the white space the source's.
        return text.text if text.knows_spaces else text.doc(self.nlp.vocab)


def no_answer(text: SourceText, failure: str) -> TextAnswer:
    """RETURNS (TextAnswer): That nothing is said of a text, and why."""
    return TextAnswer([], [[0, len(text.text)]], failure)


def read_answer(doc: Doc, text: SourceText) -> TextAnswer:
    """RETURNS (TextAnswer): What an annotated Doc says of a text."""
    if text.knows_spaces and doc.text != text.text:
        return no_answer(text, CHANGED)
    # Whatever says that there are no entities says so; a Doc that isn't touched isn't annotated.
    if not is_answered(doc):
        return no_answer(text, find_failure(doc) or SILENT)
    scores = span_scores(doc)
    spans = [
        [ent.start_char, ent.end_char, ent.label_, scores.get((ent.start, ent.end, ent.label))]
        for ent in doc.ents
    ]
    missing: list[list[int]] = []
    for token in doc:
        if token.ent_iob:
            continue
        if missing and missing[-1][1] >= token.idx - 1:
            missing[-1][1] = token.idx + len(token)
        else:
            missing.append([token.idx, token.idx + len(token)])
    return TextAnswer(spans, missing, find_failure(doc))


def rename(answer: TextAnswer, new_label: Callable[[str], str | None]) -> TextAnswer:
    """Give spans other labels; those whose new one is None are O."""
    spans = [
        [start, end, new, score]
        for start, end, label, score in answer.spans
        if (new := new_label(label)) is not None
    ]
    return TextAnswer(spans, answer.missing, answer.failure)
