"""Which pipeline is better, and how sure that is, in words."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from spacy_ner_plus.evaluation.comparison.notes import untested
from spacy_ner_plus.evaluation.counting.schemes import STRICT

Row = Mapping[str, Any]


class Verdict(NamedTuple):
    """What a comparison comes to.

    lead (str): The sentence that counts.
    rest (list[str]): Further ones.
    """

    lead: str
    rest: list[str]


def verdict(comparison: Row) -> Verdict:
    """RETURNS (Verdict): Which pipeline is better by strict F1, and how sure that is."""
    pairs = strict_pairs(comparison)
    rows = comparison["pipelines"]
    best = rows[0]["name"]
    beside = next((row for row in pairs if {row["one"], row["other"]} == {best, rows[1]["name"]}), None)
    size = _difference(beside) if beside else ""
    if comparison["winner"]:
        rest = [f"Its strict F1 is {size} than that of {rows[1]['name']}, the next."]
        return Verdict(f"{best} is the best, and not by chance.", rest)
    if reason := untested(comparison):
        lead = f"{best} has the highest strict F1, but whether that is more than chance wasn't tested."
        return Verdict(lead, [f"Not tested: {reason}."])
    leaders = comparison["leaders"]
    lead = f"No winner: {_listed(leaders)} can't be told apart."
    if len(leaders) == 1:
        lead = f"No winner: {leaders[0]} isn't significantly better than each other one."
    rest = []
    if size:
        rest.append(f"{best} has the highest strict F1, {size} than {rows[1]['name']}: that may be chance.")
    if behind := [row["name"] for row in rows if row["name"] not in leaders]:
        rest.append(f"Significantly worse than another one: {_listed(behind)}.")
    return Verdict(lead, rest)


def strict_pairs(comparison: Row) -> list[Row]:
    """RETURNS (list[Mapping[str, Any]]): The test of each two pipelines by strict F1 of all labels together."""
    return [row for row in comparison["pairs"] if (row["measure"], row["label"]) == (STRICT, None)]


def significant_best(comparison: Row, measure: str, label: str | None = None) -> str | None:
    """Name the pipeline that is significantly better than each other one.

    measure (str): A scheme, `exact_match` or `jaccard`.
    label (str | None): A label, None for all together.
    RETURNS (str | None): Its name; None where no pipeline is, or that isn't tested.
    """
    pairs = [row for row in comparison["pairs"] if (row["measure"], row["label"]) == (measure, label)]
    names = [row["name"] for row in comparison["pipelines"]]
    wins = {name: sum(row["better"] == name for row in pairs) for name in names}
    return next((name for name in names if wins[name] == len(names) - 1), None)


def points(difference: float) -> str:
    """RETURNS (str): A difference of rates in points of per cent, with its sign."""
    return f"{100 * difference:+.2f}".replace("-", "\N{MINUS SIGN}")


def p_value(p: float | None, before: str = "") -> str:
    """RETURNS (str): p with three decimals, after what stands before it, such as 'p = '; a dash for None."""
    if p is None:
        return "\N{EN DASH}"
    return f"{before.replace('=', '<')}{'' if before else '<'}0.001" if p < 0.001 else f"{before}{p:.3f}"


def _difference(row: Row) -> str:
    size = f"{100 * abs(row['difference']):.2f} points higher"
    if row["interval"] is None:
        return size
    low, high = sorted(end * (1 if row["difference"] >= 0 else -1) for end in row["interval"])
    return f"{size} (95% interval {points(low)} to {points(high)}, {p_value(row['p_holm'], 'p = ')})"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
