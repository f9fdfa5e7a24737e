"""The results of variants as words, and as a page: one HTML file that needs nothing else."""

from collections.abc import Iterator, Mapping
from math import nan
from pathlib import Path
from typing import Any

from spacy_ner_plus.evaluation.pages import plots
from spacy_ner_plus.evaluation.pages.entities_page import render_page
from spacy_ner_plus.evaluation.pages.plots import Curve

# What a component without variants is called.
UNNAMED = "(no variant)"
_DASH = "\N{EN DASH}"
TITLES = {
    "exact_match": "Exact match",
    "jaccard": "Jaccard",
    "f1": "F1",
    "pooled_f1": "F1 pooled",
    "valid": "Valid",
}


def called(variant: str) -> str:
    """RETURNS (str): A variant's name, for people."""
    return variant or UNNAMED


def titled(measure: str) -> str:
    """RETURNS (str): What a measure is called in tables."""
    return TITLES.get(measure, measure)


def figure(value: float | None, *, is_share: bool = True) -> str:
    """RETURNS (str): A mean as people read it, shares in per cent; a dash for None."""
    if value is None:
        return _DASH
    if is_share:
        return f"{100 * value:.1f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def ends(interval: tuple[float, float] | None, *, is_share: bool = True) -> str:
    """RETURNS (str): Both ends of an interval; '' for None."""
    if interval is None:
        return ""
    low, high = (figure(end, is_share=is_share) for end in interval)
    return f"{low} to {high}"


def verdict(results: Mapping[str, Any]) -> str:
    """RETURNS (str): Whether one variant is better, as a sentence."""
    rule, metric = results["rule"], titled(results["metric"])
    if rule["reason"]:
        return f"Which variant is best by {metric} isn't tested: {rule['reason']}."
    if rule["best"] is None:
        return f"No variant is known to be the best by {metric} yet, after {rule['texts']:,} texts."
    return (
        f"{called(rule['best'])} is the best by {metric}: decided after {rule['decided']:,} of {rule['texts']:,} "
        f"texts, wrong with a probability of at most {100 * rule['alpha']:g} %."
    )


def render_variants(results: Mapping[str, Any], *, title: str) -> str:
    """Make the page.

    results (Mapping[str, Any]): As `variant_results` gives them.
    title (str): Of the page.
    RETURNS (str): HTML.
    RAISES (UserError): Where matplotlib isn't installed.
    """
    rows = [{"number": number, **row} for number, row in enumerate(results["variants"])]
    shares = {measure["name"]: measure["is_share"] for measure in results["measures"]}
    return render_page(
        "variants.jinja",
        beside=Path(__file__).parent,
        title=title,
        results=results,
        rows=rows,
        numbered=[{"number": row["number"], "name": called(row["variant"])} for row in rows],
        numbers={row["variant"]: row["number"] for row in rows},
        is_share=shares[results["metric"]],
        verdict=verdict(results),
        plots_over_time=list(_plots(results, shares[results["metric"]])),
        called=called,
        titled=titled,
        figure=figure,
        ends=ends,
    )


def _plots(results: Mapping[str, Any], is_share: bool) -> Iterator[dict[str, str]]:
    parts = results["parts"]
    if len(parts) < 2:
        return
    places = [(part["first"] + part["last"]) / 2 for part in parts]
    names = [row["variant"] for row in results["variants"]]

    def curves(key: str, factor: float) -> list[Curve]:
        found = []
        for number, name in enumerate(names):
            values = [part["variants"][name][key] for part in parts]
            y = [nan if value is None else factor * value for value in values]
            found.append(Curve(number, called(name), places, y))
        return found

    share = "How often each variant was drawn"
    drawn = plots.over_answers(
        "share", curves("share", 100), title=share, y="% of the answers", within=(0, 102)
    )
    yield {"title": share, "svg": drawn}
    metric = titled(results["metric"])
    mean = f"{metric} over time"
    if any(part["variants"][name]["mean"] is not None for part in parts for name in names):
        drawn = plots.over_answers(
            "mean",
            curves("mean", 100 if is_share else 1),
            title=mean,
            y=f"{metric} (%)" if is_share else metric,
            within=(0, 102) if is_share else None,
        )
        yield {"title": mean, "svg": drawn}
