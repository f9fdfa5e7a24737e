"""Who reads a corpus again: pipelines, by the scores of tags or by entities alone, and predictions made before."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.annotation.review.label_errors.readings import EntityReadings, Readings, TagReadings
from spacy_ner_plus.annotation.weak_labels.annotator import Annotator, TextAnswer, no_answer, read_answer
from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.annotation.weak_labels.weak_doc import align_answer
from spacy_ner_plus.corpus import bare_copy
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.letters import OtherSpace, without_space
from spacy_ner_plus.spans import TokenSpan

FACTORY = "transformer_ner"
FAILED = "document on which {name} failed: nothing is suggested by it"
NOT_PREDICTED = "no prediction of this text"


class Reader(Protocol):
    """Someone who reads documents without looking at their annotation.

    name (str): The name, for messages.
    """

    name: str

    def labels(self) -> frozenset[str] | None:
        """RETURNS (frozenset[str] | None): The labels that it looks for; None where that isn't known."""

    def read(self, docs: Sequence[Doc], wanted: Sequence[Collection[str]], issues: IssueLog) -> Readings:
        """Read a batch.

        wanted (Sequence[Collection[str]]): Of each document the labels that count.
        issues (IssueLog): Where failures are counted.
        """


def make_reader(annotator: Annotator) -> "Reader":
    """RETURNS (Reader): Of a pipeline, by the scores of tags where a transformer_ner is all that finds entities."""
    nlp = annotator.nlp
    finding = [name for name in nlp.pipe_names if "doc.ents" in nlp.get_pipe_meta(name).assigns]
    if len(finding) == 1 and nlp.get_pipe_meta(finding[0]).factory == FACTORY:
        return TagReader(annotator.name, nlp, finding[0])
    return PipelineReader(annotator)


class TagReader:
    """A pipeline whose only component for entities is a transformer_ner: it weighs whatever reading it is asked about.

    nlp (Language): The pipeline.
    component (str): The component's name.
    """

    def __init__(self, name: str, nlp: Language, component: str):
        self.name = name
        self._nlp = nlp
        self._component = component

    def labels(self) -> frozenset[str] | None:
        return frozenset(self._nlp.get_pipe(self._component).labels)

    def read(self, docs: Sequence[Doc], wanted: Sequence[Collection[str]], issues: IssueLog) -> Readings:
        nlp = self._nlp
        tagger = nlp.get_pipe(self._component)
        before = nlp.pipe_names[: nlp.pipe_names.index(self._component)]
        # The corpus's own tokens, on which its entities lie; new strings are forgotten with the batch.
        with nlp.memory_zone():
            bare = [bare_copy(doc, nlp.vocab) for doc in docs]
            if before:
                with nlp.select_pipes(enable=before):
                    bare = list(nlp.pipe(bare))
            return TagReadings(tagger.score_tags(bare), tagger.labels, wanted)


class PipelineReader:
    """Any other pipeline, which says what it found and no more."""

    def __init__(self, annotator: Annotator):
        self.name = annotator.name
        self._annotator = annotator

    def labels(self) -> frozenset[str] | None:
        return self._annotator.labels()

    def read(self, docs: Sequence[Doc], wanted: Sequence[Collection[str]], issues: IssueLog) -> Readings:
        answers = self._annotator.annotate([SourceText.of_doc(doc) for doc in docs])
        return _by_entities(docs, list(answers), wanted, self, issues)


class PredictionReader:
    """Predictions that were made before, each for the document of its text, whatever white space either has.

    docs (Iterable[Doc]): The predicted Docs, with scores by spaCy's convention where they have any.
    """

    def __init__(self, name: str, docs: Iterable[Doc]):
        self.name = name
        self._answers: dict[str, TextAnswer] = {}
        self._texts: dict[str, str] = {}
        for doc in docs:
            self._answers[doc.text] = read_answer(doc, SourceText.of_doc(doc))
            self._texts[without_space(doc.text)] = doc.text

    def labels(self) -> frozenset[str] | None:
        # Those that are never predicted may be looked for, or not: as for any label without an entity of its own,
        # nothing would be found but errors.
        return frozenset(span[2] for answer in self._answers.values() for span in answer.spans)

    def knows(self, docs: Iterable[Doc]) -> bool:
        """RETURNS (bool): Whether anything is predicted of any of some documents, be it that there is nothing."""
        return any(
            answer is not None and answer.missing != [[0, len(doc.text)]]
            for doc in docs
            for answer in [self._answer(doc.text)]
        )

    def read(self, docs: Sequence[Doc], wanted: Sequence[Collection[str]], issues: IssueLog) -> Readings:
        texts = [SourceText.of_doc(doc) for doc in docs]
        answers = [self._answer(text.text) or no_answer(text, NOT_PREDICTED) for text in texts]
        return _by_entities(docs, answers, wanted, self, issues)

    def _answer(self, text: str) -> TextAnswer | None:
        if text in self._answers:
            return self._answers[text]
        own = self._texts.get(without_space(text))
        return None if own is None else _moved(self._answers[own], own, text)


def _moved(answer: TextAnswer, own: str, other: str) -> TextAnswer:
    """RETURNS (TextAnswer): What is said of a text, of another one that differs from it in white space alone."""
    there = OtherSpace(own, other)
    spans = [[*to, *span[2:]] for span in answer.spans if (to := there.bounds(span[0], span[1])) is not None]
    missing = [list(to) for start, end in answer.missing if (to := there.bounds(start, end)) is not None]
    within = [
        [*to, label] for start, end, label in answer.within if (to := there.bounds(start, end)) is not None
    ]
    return replace(answer, spans=spans, missing=missing, soft=None, within=within)


def _by_entities(
    docs: Sequence[Doc],
    answers: Sequence[TextAnswer],
    wanted: Sequence[Collection[str]],
    reader: Reader,
    issues: IssueLog,
) -> EntityReadings:
    entities: list[list[TokenSpan] | None] = []
    scores: list[dict[TokenSpan, float]] = []
    silent: list[Collection[int]] = []
    for doc, answer, labels in zip(docs, answers, wanted, strict=True):
        where = record_of(doc)["where"]
        if answer.failure:
            issues.add(FAILED.format(name=reader.name), answer.failure, where)
        aligned = align_answer(doc, answer, reader.labels(), issues, f"{reader.name}, {where}")
        found = {
            TokenSpan(span.start, span.end, span.label): span.score
            for span in aligned.spans
            if span.label in labels
        }
        missing = np.flatnonzero(aligned.missing).tolist()
        entities.append(None if len(missing) == len(doc) else list(found))
        scores.append(found)
        silent.append(frozenset(missing))
    return EntityReadings(entities, scores, silent)
