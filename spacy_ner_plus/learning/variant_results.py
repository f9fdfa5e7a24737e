"""How variants compare, by what is stored of them: means, what they take, and whether one is better."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.statistics.inverse_probability import WeightedMean, difference, hajek_mean
from spacy_ner_plus.learning.scores import EXACT_MATCH, F1, JACCARD, count_spans
from spacy_ner_plus.learning.stopping_rule import StoppingRule
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.metrics import Metric
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan

DEMONSTRATION = "demonstration"
POOLED_F1, VALID = "pooled_f1", "valid"
ALPHA = 0.05
# Into so many parts of equal size the answers are cut, to show what changed.
PARTS = 10
SEVERAL = (
    "the store has answers of several components ({}), which choose among their own variants; name one as `component` "
    "(--component)"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts of an inference here.

    component (str): The one that asked.
    values (Mapping[str, float]): By metric, where it has one.
    counts (tuple[int, int, int] | None): Twice the right spans, all gold and found ones, which F1 is made of, and the
        gold ones; None without a demonstration.
    """

    component: str
    variant: str
    probability: float
    fallback_of: str
    text_hash: str
    valid: bool
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cost: float | None
    values: Mapping[str, float]
    counts: tuple[int, int, int] | None

    @property
    def sampled(self) -> str:
        """RETURNS (str): The variant that was chosen, whether it answered or failed."""
        return self.fallback_of or self.variant

    def of_sampled(self, metrics: Mapping[str, Metric]) -> "Answer":
        """RETURNS (Answer): What counts for the variant that was chosen: the worst there is where it failed."""
        if not self.fallback_of:
            return self
        worst = {name: metrics[name].worst for name in self.values}
        return replace(
            self,
            valid=False,
            values={name: value for name, value in worst.items() if value is not None},
            counts=None if self.counts is None else (0, self.counts[2], self.counts[2]),
        )


def variant_results(
    store: Store, *, metric: str = EXACT_MATCH, alpha: float = ALPHA, component: str | None = None
) -> dict[str, Any]:
    """Compare the variants of a store.

    They answered about different texts, with probabilities that changed: means are weighted by 1 / probability, and
    differences aren't paired. Where a variant was chosen and failed, it has the worst value of each metric that has
    one; what stepped in for it wasn't chosen, and is counted apart. Intervals are by texts, as answers about one are
    alike.

    store (Store): With inferences.
    metric (str): By which the best one is looked for: a boolean, or a number with bounds. Default: 'exact_match'.
    alpha (float): How probable a wrong verdict is at most. Default: 0.05.
    component (str | None): The name of the component whose variants are compared. Default: those of all, each called
        'component/variant' where there are several. These don't compete, so that there is no verdict.
    RETURNS (dict[str, Any]): As JSON: `answers`, how many there are; `measures`, which of `means` there are;
        `variants`, a row for each, best first; `pairs` of them, with differences; `parts`, how answers went over time;
        `rule`, whether one variant is better by `metric`.
    RAISES (UserError): Where there is no inference, none of this component, or no such metric with numbers.
    """
    declared = store.feedback.metrics()
    if metric not in declared or not declared[metric].is_number:
        known = ", ".join(name for name, one in declared.items() if one.is_number)
        raise UserError(Errors.E830.format(metric=metric, known=known))
    shown = list(dict.fromkeys([EXACT_MATCH, JACCARD, F1, metric]))
    answers = list(_answers(store, [declared[name] for name in shown]))
    if not answers:
        raise UserError(Errors.E831.format(store=store.where))
    components = sorted({one.component for one in answers})
    if component is not None:
        if component not in components:
            shown = ", ".join(repr(name) for name in components)
            raise UserError(Errors.E826.format(store=store.where, component=component, known=shown))
        answers = [one for one in answers if one.component == component]
    elif len(components) > 1:
        answers = [_with_component(one) for one in answers]
    names = sorted({name for one in answers for name in (one.variant, one.sampled)})
    rows = [_row(name, answers, shown, declared) for name in names]
    several = "" if component is not None or len(components) < 2 else SEVERAL.format(", ".join(components))
    # One that only steps in for others is never chosen, and can't be compared.
    chosen_names = sorted({one.sampled for one in answers})
    rule = StoppingRule(chosen_names, declared[metric], alpha, reason=several)
    for one in answers:
        if metric in one.values:
            rule.add(one.text_hash, one.sampled, one.values[metric], failed=bool(one.fallback_of))
    order = {name: number for number, name in enumerate(_ranked(rows, declared[metric]))}
    rows.sort(key=lambda row: order[row["variant"]])
    return {
        "answers": len(answers),
        "metric": metric,
        "measures": [
            *({"name": name, "is_share": _is_share(declared[name])} for name in shown),
            {"name": POOLED_F1, "is_share": True},
            {"name": VALID, "is_share": True},
        ],
        "variants": rows,
        "pairs": list(_pairs(rows, metric, rule)),
        "parts": list(_parts(answers, names, metric, declared)),
        "rule": rule.to_dict(),
    }


def _answers(store: Store, metrics: Sequence[Metric]) -> Iterator[Answer]:
    upto = store.position()
    latest = {one.name: store.feedback.latest(one.name, upto=upto) for one in metrics}
    right = store.feedback.latest(DEMONSTRATION, upto=upto)
    for inference in store.inferences.all(upto=upto):
        values = {}
        for one in metrics:
            target = inference.id if one.level == "inference" else inference.episode
            if target in latest[one.name]:
                values[one.name] = float(latest[one.name][target].value)
        known = right.get(inference.id)
        yield Answer(
            inference.component,
            inference.variant,
            inference.probability,
            inference.fallback_of,
            inference.text_hash,
            inference.valid,
            inference.usage.prompt,
            inference.usage.completion,
            inference.seconds,
            inference.cost,
            values,
            None if known is None else _span_counts(inference, known.value),
        )


def _with_component(answer: Answer) -> Answer:
    def name(variant: str) -> str:
        return "/".join(part for part in (answer.component, variant) if part)

    fallback_of = answer.fallback_of and name(answer.fallback_of)
    return replace(answer, variant=name(answer.variant), fallback_of=fallback_of)


def _span_counts(inference: Inference, right: Iterable[CharSpan]) -> tuple[int, int, int]:
    # What an invalid answer holds is no answer.
    counts = count_spans(right, inference.entities if inference.valid else ())
    return 2 * counts.correct, counts.possible + counts.actual, counts.possible


def _row(
    name: str, answers: Sequence[Answer], shown: Sequence[str], declared: Mapping[str, Metric]
) -> dict[str, Any]:
    own = [one for one in answers if one.variant == name]
    drawn = [one for one in own if not one.fallback_of]
    sampled = [one.of_sampled(declared) for one in answers if one.sampled == name]
    # What it took counts also where it stepped in.
    costs = [one.cost for one in own if one.cost is not None]
    seconds = sorted(one.seconds for one in own)
    counted = [one for one in sampled if one.counts is not None]
    found = {metric: _mean(sampled, metric, declared[metric]) for metric in shown}
    found[POOLED_F1] = hajek_mean(
        [one.counts[0] for one in counted],
        [one.probability for one in counted],
        [one.counts[1] for one in counted],
        groups=[one.text_hash for one in counted],
    )
    found[VALID] = hajek_mean(
        [one.valid for one in sampled],
        [one.probability for one in sampled],
        groups=[one.text_hash for one in sampled],
    )
    return {
        "variant": name,
        "answers": len(drawn),
        "stepped_in": len(own) - len(drawn),
        "failed": sum(one.fallback_of == name for one in answers if one.fallback_of),
        "means": {key: asdict(value) for key, value in found.items()},
        "prompt_tokens": sum(one.prompt_tokens for one in own),
        "completion_tokens": sum(one.completion_tokens for one in own),
        "cost": sum(costs) if costs else None,
        "without_cost": len(own) - len(costs),
        "seconds_p50": _quantile(seconds, 0.5),
        "seconds_p95": _quantile(seconds, 0.95),
    }


def _mean(answers: Sequence[Answer], metric: str, declared: Metric) -> WeightedMean:
    scored = [one for one in answers if metric in one.values]
    values, probabilities = [one.values[metric] for one in scored], [one.probability for one in scored]
    groups = [one.text_hash for one in scored]
    return hajek_mean(values, probabilities, is_share=_is_share(declared), groups=groups)


def _is_share(metric: Metric) -> bool:
    return metric.kind == "boolean" or (metric.lower, metric.upper) == (0.0, 1.0)


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    # The least value below or at which so many lie, as latencies are given.
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None


def _ranked(rows: Sequence[Mapping[str, Any]], metric: Metric) -> list[str]:
    """RETURNS (list[str]): The variants, best first; last those of which nothing is known."""
    sign = 1 if metric.optimize == "min" else -1

    def key(row: Mapping[str, Any]) -> tuple[bool, float, str]:
        value = row["means"][metric.name]["value"]
        return value is None, sign * (value or 0.0), row["variant"]

    return [row["variant"] for row in sorted(rows, key=key)]


def _pairs(rows: Sequence[Mapping[str, Any]], metric: str, rule: StoppingRule) -> Iterator[dict[str, Any]]:
    """YIELDS (dict[str, Any]): How much `one` variant is above an`other`, which comes after it: the `difference` of
    their weighted means with its `interval`, and the interval `at_any_time`; None for what isn't known."""
    for first, second in combinations(rows, 2):
        one, other = (WeightedMean(**row["means"][metric]) for row in (first, second))
        value, interval = difference(one, other) or (None, None)
        names = first["variant"], second["variant"]
        found = {"difference": value, "interval": interval, "at_any_time": rule.difference(*names)}
        yield {"one": names[0], "other": names[1], **found}


def _parts(
    answers: Sequence[Answer], names: Sequence[str], metric: str, declared: Mapping[str, Metric]
) -> Iterator[dict[str, Any]]:
    """YIELDS (dict[str, Any]): For each part of the answers in their order: the `answers` from the first to the last,
    and by variant its `share` of what was drawn, and the `mean` of the metric, None where it has none."""
    drawn = [one.of_sampled(declared) for one in answers]
    count = min(PARTS, len(drawn))
    for number in range(count):
        first, last = number * len(drawn) // count, (number + 1) * len(drawn) // count
        some = drawn[first:last]
        variants = {}
        for name in names:
            own = [one for one in some if one.sampled == name]
            scored = [one for one in own if metric in one.values]
            mean = hajek_mean(
                [one.values[metric] for one in scored], [one.probability for one in scored]
            ).value
            variants[name] = {"share": len(own) / len(some), "mean": mean}
        yield {"first": first + 1, "last": last, "variants": variants}
