"""Spans with scores: by character as a model finds them, and on a Doc's tokens."""

from collections.abc import Iterable, Sequence
from math import exp, inf, log
from typing import NamedTuple

from spacy.tokens import Doc, Span

from spacy_ner_plus.spans import CharSpan, align, without_overlaps

# What is counted of spans that don't begin and end with a token.
MISALIGNED = "entity that doesn't fit the tokens"


class ScoredSpan(NamedTuple):
    """A labelled stretch of text with its score.

    start, end (int): By character.
    label (str): The label.
    score (float): From 0 to 1.
    """

    start: int
    end: int
    label: str
    score: float


def best_of_each(spans: Iterable[ScoredSpan]) -> list[ScoredSpan]:
    """RETURNS (list[ScoredSpan]): In order, and of those with one place and label, as two prompts of it find, the
    one with the highest score."""
    best: dict[tuple[int, int, str], ScoredSpan] = {}
    for span in spans:
        key = span[:3]
        if key not in best or span.score > best[key].score:
            best[key] = span
    return sorted(best.values())


def align_scored(doc: Doc, spans: Sequence[ScoredSpan]) -> tuple[list[tuple[Span, float]], list[CharSpan]]:
    """Lay spans on a Doc's tokens.

    A span that ends within a token takes the whole of it where what comes with it is punctuation alone: models cut
    the full stop of "Corp." off, and spaCy doesn't.

    RETURNS (tuple[list[tuple[Span, float]], list[CharSpan]]): Those that fit, in order and each once, with the higher
        score where two become one, and the others.
    """
    best: dict[tuple[int, int, int], tuple[Span, float]] = {}
    misaligned: list[CharSpan] = []
    for start, end, label, score in spans:
        char_span = CharSpan(start, end, label)
        aligned, _ = align(doc, [char_span])
        if not aligned:
            aligned = [
                span for span in align(doc, [char_span], "expand")[0] if _adds_no_word(span, char_span)
            ]
        if not aligned:
            misaligned.append(char_span)
        for span in aligned:
            if _key(span) not in best or score > best[_key(span)][1]:
                best[_key(span)] = (span, score)
    return sorted(best.values(), key=lambda pair: (pair[0].start, pair[0].end, pair[0].label_)), misaligned


def _adds_no_word(span: Span, char_span: CharSpan) -> bool:
    text = span.doc.text
    added = text[span.start_char : char_span.start] + text[char_span.end : span.end_char]
    return not any(char.isalnum() for char in added)


def flat_by_score(
    spans: Sequence[tuple[Span, float]],
) -> tuple[list[tuple[Span, float]], list[tuple[Span, float]]]:
    """Choose spans that share no token: the highest scores first, as GLiNER's greedy search does.

    RETURNS (tuple[list[tuple[Span, float]], list[tuple[Span, float]]]): Those, by position, and the others.
    """
    scores = {_key(span): score for span, score in spans}
    ordered = [span for span, _ in spans]
    kept, _ = without_overlaps(ordered, rank=lambda span: (-scores[_key(span)], span.start, span.end))
    taken = {_key(span) for span in kept}
    others = [(span, score) for span, score in spans if _key(span) not in taken]
    return [(span, scores[_key(span)]) for span in kept], others


def _key(span: Span) -> tuple[int, int, int]:
    return span.start, span.end, span.label


def logit(probability: float) -> float:
    """RETURNS (float): What the logistic function makes a probability of; infinite for 0 and 1."""
    if probability in (0, 1):
        return inf if probability else -inf
    return log(probability / (1 - probability))


def logistic(value: float) -> float:
    """RETURNS (float): The probability, from 0 to 1."""
    return 1 / (1 + exp(-value)) if value > 0 else exp(value) / (1 + exp(value))
