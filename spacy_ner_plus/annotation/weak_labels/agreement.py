"""How far annotators agree, and what became of what they said: counted text by text, for the report."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from spacy_ner_plus.annotation.weak_labels.annotator import TextAnswer
from spacy_ner_plus.evaluation.statistics.krippendorff import NO_VALUE, AlphaCounts
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer
from spacy_ner_plus.pipeline.entity_vote.decision import Decision

# The value of a token in no entity.
OUTSIDE = 0


class Agreement:
    """Counts of what annotators said and of what was decided.

    names (Sequence[str]): Of the annotators.
    labels (Sequence[frozenset[str] | None]): The labels that each looks for; None where that isn't known.
    """

    def __init__(self, names: Sequence[str], labels: Sequence[frozenset[str] | None]):
        self.names = list(names)
        self.labels = list(labels)
        self.documents = self.tokens = self.missing = self.partly_missing = 0
        self.said = [Counter() for _ in names]
        self.kept_of = [Counter() for _ in names]
        self.scored = [0] * len(names)
        self.silent = [0] * len(names)
        self.failed = [0] * len(names)
        self.misaligned = [0] * len(names)
        self.kept: Counter[str] = Counter()
        self.doubtful: Counter[str] = Counter()
        self._pairs = {pair: (Counter(), Counter(), Counter()) for pair in combinations(range(len(names)), 2)}
        self._alpha = AlphaCounts()
        self._numbers: dict[str, int] = {}

    def add(self, answers: Sequence[Answer], given: Sequence[TextAnswer], decision: Decision) -> None:
        """Count a text.

        answers (Sequence[Answer]): What each annotator says, on the Doc's tokens.
        given (Sequence[TextAnswer]): The same, as it was given.
        decision (Decision): What became of it.
        """
        self.documents += 1
        self.tokens += len(decision.missing)
        missing = int(decision.missing.sum())
        self.missing += missing
        self.partly_missing += bool(missing)
        for i, (answer, text_answer) in enumerate(zip(answers, given, strict=True)):
            self.said[i].update(span.label for span in answer.spans)
            self.scored[i] += sum(score is not None for *_, score in text_answer.spans)
            self.silent[i] += int(answer.missing.sum())
            self.failed[i] += bool(text_answer.failure)
            self.misaligned[i] += len(text_answer.spans) - len(answer.spans)
        for candidate, kept in zip(decision.candidates, decision.kept, strict=True):
            (self.kept if kept else self.doubtful)[candidate.label] += 1
            for i, score in enumerate(candidate.scores):
                if kept and score is not None:
                    self.kept_of[i][candidate.label] += 1
        if len(answers) > 1:
            for pair, counts in self._pairs.items():
                self._compare(*(answers[i] for i in pair), counts)
            self._alpha.add(self._values(answers))

    def _compare(
        self, one: Answer, other: Answer, counts: tuple[Counter[str], Counter[str], Counter[str]]
    ) -> None:
        """Count spans of labels that both look for, where neither left a token missing."""
        both = _intersection([one.labels, other.labels])
        silent = one.missing | other.missing
        spans = [
            {
                (span.start, span.end, span.label)
                for span in answer.spans
                if (both is None or span.label in both) and not silent[span.start : span.end].any()
            }
            for answer in (one, other)
        ]
        for count, found in zip(counts, (*spans, spans[0] & spans[1]), strict=True):
            count.update(label for *_, label in found)

    def _values(self, answers: Sequence[Answer]) -> np.ndarray:
        """Each token's label by each annotator, without B and I; none where someone left it missing, or named a label
        that not all look for."""
        shared = _intersection(self.labels)
        values = np.full((len(answers), len(answers[0].missing)), OUTSIDE)
        left_out = np.any([answer.missing for answer in answers], axis=0)
        for row, answer in zip(values, answers, strict=True):
            for span in answer.spans:
                if shared is not None and span.label not in shared:
                    left_out[span.start : span.end] = True
                row[span.start : span.end] = self._numbers.setdefault(span.label, len(self._numbers) + 1)
        values[:, left_out] = NO_VALUE
        return values

    def to_dict(self, *, resamples: int, seed: int = 0) -> dict[str, Any]:
        """Sum all up.

        resamples (int): Of the documents, for the interval of alpha.
        seed (int): Of the random numbers.
        RETURNS (dict[str, Any]): In JSON's types: `documents`, `tokens`, `missing`, `annotators`, `pairs`, `alpha`,
            `labels`. What can't be told is None.
        """
        shared = _intersection(self.labels)
        all_labels = sorted({*self.kept, *self.doubtful})
        return {
            "documents": self.documents,
            "tokens": self.tokens,
            "missing": {"tokens": self.missing, "documents": self.partly_missing},
            "annotators": [self._annotator(i) for i in range(len(self.names))],
            "pairs": [self._pair(*pair) for pair in self._pairs],
            "alpha": {
                "value": self._alpha.alpha() if len(self.names) > 1 else None,
                "interval": self._alpha.interval(resamples=resamples, seed=seed),
                "labels": None if shared is None else sorted(shared),
            },
            "kept": self.kept.total(),
            "doubtful": self.doubtful.total(),
            "labels": {
                label: {
                    "kept": self.kept[label],
                    "doubtful": self.doubtful[label],
                    "annotators": {
                        name: said[label] for name, said in zip(self.names, self.said, strict=True)
                    },
                }
                for label in all_labels
            },
        }

    def _annotator(self, i: int) -> dict[str, Any]:
        labels, said = self.labels[i], self.said[i].total()
        return {
            "name": self.names[i],
            "labels": None if labels is None else sorted(labels),
            "spans": said,
            "kept": self.kept_of[i].total(),
            "has_scores": self.scored[i] > 0 if said else None,
            "misaligned": self.misaligned[i],
            "failed_documents": self.failed[i],
            "missing_tokens": self.silent[i],
        }

    def _pair(self, i: int, j: int) -> dict[str, Any]:
        one, other, both = self._pairs[i, j]
        return {
            "annotators": [self.names[i], self.names[j]],
            "f1": _f1(one.total(), other.total(), both.total()),
            "labels": {label: _f1(one[label], other[label], both[label]) for label in sorted({*one, *other})},
        }


def _f1(one: int, other: int, both: int) -> float | None:
    return 2 * both / (one + other) if one + other else None


def _intersection(labels: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    """The labels that all look for; None where nobody says what it looks for."""
    known = [found for found in labels if found is not None]
    return frozenset.intersection(*known) if known else None
