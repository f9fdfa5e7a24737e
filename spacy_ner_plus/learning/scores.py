"""How good an answer is, by the definitions of TensorZero, and by strict F1.

Exact match and Jaccard go by mentions, a text with its label, wherever they stand; F1 goes by spans. An invalid answer
is wrong and worth 0, whatever is in it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spacy_ner_plus.evaluation.counting.counts import Counts, ratio
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.spans import CharSpan

EXACT_MATCH, JACCARD, F1, VALID_OUTPUT = "exact_match", "jaccard", "f1", "valid_output"
METRICS = (EXACT_MATCH, JACCARD, F1, VALID_OUTPUT)

Mention = tuple[str, str]


def exact_match(gold: Iterable[Mention], found: Iterable[Mention]) -> bool:
    """Say whether the sets of mentions are the same: how often one stands there doesn't matter.

    gold (Iterable[tuple[str, str]]): Text and label of each right one.
    found (Iterable[tuple[str, str]]): Likewise of each that was found.
    RETURNS (bool): Whether they are.
    """
    return set(gold) == set(found)


def jaccard(gold: Iterable[Mention], found: Iterable[Mention]) -> float:
    """Measure how like two collections of mentions are: the sum of the lesser counts by that of the greater ones.

    gold (Iterable[tuple[str, str]]): Text and label of each right one.
    found (Iterable[tuple[str, str]]): Likewise of each that was found.
    RETURNS (float): From 0 to 1; 1 where both are empty.
    """
    golds, others = Counter(gold), Counter(found)
    either = golds | others
    return ratio((golds & others).total(), either.total()) if either else 1.0


def count_spans(gold: Iterable[CharSpan], found: Iterable[CharSpan]) -> Counts:
    """RETURNS (Counts): Spans that are right in both bounds and label, that were missed, and that are spurious."""
    golds, others = Counter(gold), Counter(found)
    correct = (golds & others).total()
    return Counts(correct=correct, missed=golds.total() - correct, spurious=others.total() - correct)


def f1(gold: Iterable[CharSpan], found: Iterable[CharSpan]) -> float:
    """RETURNS (float): Strict F1 of one text; 1 where there is nothing and nothing was found."""
    counts = count_spans(gold, found)
    return counts.f1 if counts.possible or counts.actual else 1.0


@dataclass(frozen=True, slots=True)
class RightAnswer:
    """What would have been right about the text of an inference.

    spans (tuple[CharSpan, ...]): Of the text, in order.
    labels (frozenset[str] | None): Those that were annotated; None for all.
    is_whole (bool): Whether nothing of the text is without annotation.
    """

    spans: tuple[CharSpan, ...]
    labels: frozenset[str] | None = None
    is_whole: bool = True

    def asked(self, labels: Sequence[str]) -> tuple[CharSpan, ...]:
        """RETURNS (tuple[CharSpan, ...]): Those of labels that were asked for; all where none are named."""
        return tuple(span for span in self.spans if not labels or span.label in labels)

    def answers_all(self, labels: Sequence[str]) -> bool:
        """RETURNS (bool): Whether it says all about labels that were asked for."""
        return self.is_whole and (self.labels is None or (bool(labels) and self.labels.issuperset(labels)))


def score_inference(inference: Inference, right: RightAnswer) -> dict[str, bool | float]:
    """Score an answer by what would have been right. What wasn't asked for, or wasn't annotated, doesn't count.

    inference (Inference): The answer.
    right (RightAnswer): About its text.
    RETURNS (dict[str, bool | float]): By each of METRICS.
    """
    gold = right.asked(inference.labels)
    if not inference.valid:
        return {EXACT_MATCH: False, JACCARD: 0.0, F1: 0.0, VALID_OUTPUT: False}
    found = [span for span in inference.entities if right.labels is None or span.label in right.labels]
    golds, mentions = (_mentions(inference.text, spans) for spans in (gold, found))
    return {
        EXACT_MATCH: exact_match(golds, mentions),
        JACCARD: jaccard(golds, mentions),
        F1: f1(gold, found),
        VALID_OUTPUT: True,
    }


def _mentions(text: str, spans: Iterable[CharSpan]) -> list[Mention]:
    return [(text[span.start : span.end], span.label) for span in spans]
