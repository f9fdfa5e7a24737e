"""Agreement policies: which of the spans that annotators named are entities.

A policy is a function of a Doc's candidates and the names of the annotators, and gives a verdict for each candidate.
What it doesn't keep is doubtful: its tokens are missing, and not O. These are registered functions (`@misc`), so that
a config can name one, and a package of yours can add another.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.pipeline.entity_vote.ballot import Candidate

# Of an annotator with a label that it was never seen to use: right as often as wrong.
UNKNOWN_PRECISION = 0.5


class Verdict(NamedTuple):
    """What a policy says of a candidate.

    score (float): How sure it is, from 0 to 1.
    kept (bool): Whether it is an entity.
    """

    score: float
    kept: bool


Policy = Callable[[Sequence[Candidate], Sequence[str]], list[Verdict]]


def union_v1(floor: float = 0.0) -> Policy:
    """Keep what any annotator names with enough certainty; where spans of several cross, none.

    A span's score is the highest that an annotator gives it.

    floor (float): The least score, from 0 to 1. Default 0.
    """
    _check_share("floor", floor)
    # A partial of a function of this module, since pipelines are pickled.
    return partial(_union, floor=floor)


def majority_v1() -> Policy:
    """Keep what more than half of the annotators name, of those that have a say.

    A span's score is the mean of what these give it, 0 from each that didn't name it.
    """
    return _majority


def weighted_v1(weights: Mapping[str, Mapping[str, float]]) -> Policy:
    """Keep what has more than half of the weight, where an annotator's weight is its precision with the label.

    A span is kept if those who named it outweigh the others that have a say, and one of them is right at least half
    of the time with this label. Its score is the weighted mean of what all these give it, 0 from each that
    didn't name it.

    weights (Mapping[str, Mapping[str, float]]): Precision, from 0 to 1, by annotator and label, such as
        {"rules": {"ORG": 0.9}}; 0.5 for a label that isn't in it. `annotate` measures it on a dev corpus, and
        writes it to its report.
    """
    if not isinstance(weights, Mapping) or not all(
        isinstance(by_label, Mapping) for by_label in weights.values()
    ):
        raise UserError(Errors.E652.format(found=repr(weights)))
    for by_label in weights.values():
        for label, precision in by_label.items():
            _check_share(f"weights of {label}", precision)
    return partial(_weighted, weights={name: dict(by_label) for name, by_label in weights.items()})


def intersection_v1() -> Policy:
    """Keep what every annotator names that has a say; a span's score is the lowest that one gives it."""
    return _intersection


def _union(candidates: Sequence[Candidate], annotators: Sequence[str], floor: float) -> list[Verdict]:
    scores = [max(_given(candidate)) for candidate in candidates]
    sure = [score >= floor for score in scores]
    # One annotator's score doesn't outweigh another's, as they mean different things.
    crossed = _overlapped(
        [candidate if is_sure else None for candidate, is_sure in zip(candidates, sure, strict=True)]
    )
    return [
        Verdict(score, is_sure and not is_crossed)
        for score, is_sure, is_crossed in zip(scores, sure, crossed, strict=True)
    ]


def _majority(candidates: Sequence[Candidate], annotators: Sequence[str]) -> list[Verdict]:
    return [_weigh(candidate, [1.0] * len(annotators)) for candidate in candidates]


def _weighted(
    candidates: Sequence[Candidate], annotators: Sequence[str], weights: Mapping[str, Mapping[str, float]]
) -> list[Verdict]:
    unknown = [name for name in annotators if name not in weights]
    if unknown and candidates:
        raise UserError(Errors.E653.format(name=unknown[0], known=", ".join(weights) or "none"))
    verdicts = []
    for candidate in candidates:
        precisions = [weights[name].get(candidate.label, UNKNOWN_PRECISION) for name in annotators]
        verdict = _weigh(candidate, precisions)
        named = [p for p, score in zip(precisions, candidate.scores, strict=True) if score is not None]
        verdicts.append(verdict._replace(kept=verdict.kept and max(named) >= UNKNOWN_PRECISION))
    return verdicts


def _intersection(candidates: Sequence[Candidate], annotators: Sequence[str]) -> list[Verdict]:
    return [
        Verdict(min(_given(candidate)), len(_given(candidate)) == sum(candidate.has_say))
        for candidate in candidates
    ]


def _given(candidate: Candidate) -> list[float]:
    return [score for score in candidate.scores if score is not None]


def _weigh(candidate: Candidate, weights: Sequence[float]) -> Verdict:
    rows = list(zip(weights, candidate.scores, candidate.has_say, strict=True))
    total = sum(weight for weight, _, has_say in rows if has_say)
    named = sum(weight for weight, score, _ in rows if score is not None)
    mean = sum(weight * score for weight, score, _ in rows if score is not None) / total if total else 0.0
    return Verdict(min(mean, 1.0), named > total / 2)


def _overlapped(candidates: Sequence[Candidate | None]) -> list[bool]:
    """RETURNS (list[bool]): Whether each candidate, which are in order, shares a token with another; None shares
    none."""
    overlapped = [False] * len(candidates)
    last: int | None = None
    for i, candidate in enumerate(candidates):
        if candidate is None:
            continue
        if last is not None and candidate.start < candidates[last].end:
            overlapped[last] = overlapped[i] = True
            if candidate.end <= candidates[last].end:
                continue
        last = i
    return overlapped


def _check_share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UserError(Errors.E654.format(name=name, value=repr(value)))
