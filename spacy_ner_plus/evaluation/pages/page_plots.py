"""Which plots stand on the page of a comparison, whose pipelines are given best first."""

from collections.abc import Iterator, Sequence
from typing import Any

from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
from spacy_ner_plus.evaluation.comparison.comparison import Comparison
from spacy_ner_plus.evaluation.counting.schemes import STRICT
from spacy_ner_plus.evaluation.pages import plots
from spacy_ner_plus.evaluation.pages.plots import Curve, Point

Plot = dict[str, str]


def score_plots(pipelines: Sequence[ComparedPipeline]) -> list[Plot]:
    """Plot what scores of entities are worth.

    RETURNS (list[dict[str, str]]): `title` and `svg` of each plot; none where no pipeline gives scores.
    RAISES (UserError): Where matplotlib isn't installed.
    """
    reliable, cut, traded, risked = [], [], [], []
    for number, pipeline in enumerate(pipelines):
        row = pipeline.metrics.get("calibration")
        if not row or not row["entities"]:
            continue
        bins, curve = row["bins"], row["thresholds"]["curve"]
        risk = row["risk_coverage"]["curve"]
        named = (number, pipeline.name)
        reliable.append(Curve(*named, [b["score"] for b in bins], [b["precision"] for b in bins]))
        cut.append(Curve(*named, curve["threshold"], _percent(curve["f1"])))
        traded.append(Curve(*named, _percent(curve["recall"]), _percent(curve["precision"])))
        risked.append(Curve(*named, _percent(risk["coverage"]), _percent(risk["risk"])))
    if not reliable:
        return []
    titles = (
        "Reliability: on the dashed line a score is a probability",
        "F1 as the threshold moves",
        "Precision and recall as it moves",
        "Risk and coverage: trust the surest only",
    )
    drawn = (
        plots.reliability("reliability", reliable, title=titles[0]),
        plots.thresholds("thresholds", cut, title=titles[1]),
        plots.trade_off("tradeoff", traded, title=titles[2]),
        plots.risk_coverage("risk", risked, title=titles[3]),
    )
    return [{"title": title, "svg": svg} for title, svg in zip(titles, drawn, strict=True)]


def run_plots(comparison: Comparison, pipelines: Sequence[ComparedPipeline]) -> list[Plot]:
    """Plot F1 against speed and cost, and how trainings went.

    RETURNS (list[dict[str, str]]): `title` and `svg` of each plot for which there is something to show.
    RAISES (UserError): Where matplotlib isn't installed.
    """
    found = []
    speeds, costs = [], []
    for number, (pipeline, row) in enumerate(zip(pipelines, comparison["pipelines"], strict=True)):
        strict = row["schemes"][STRICT]
        interval = strict["interval"]["f1"] if strict["interval"] else None
        for points, x in ((speeds, row["performance"].get("words_per_second")), (costs, pipeline.cost)):
            if x is not None:
                points.append(Point(number, pipeline.name, x, strict["f1"], interval))
    if speeds := [point for point in speeds if point.x > 0]:
        title = "Speed against F1"
        svg = plots.f1_against("speed", speeds, axis="words a second", title=title)
        found.append({"title": title, "svg": svg})
    if any(point.x for point in costs):
        title = "Cost against F1"
        axis = "US dollars paid for this corpus"
        svg = plots.f1_against("cost", costs, axis=axis, title=title, logarithmic=False)
        found.append({"title": title, "svg": svg})
    for key, name, title, y in (
        ("score", "progress", "Score on the development set in training", "score"),
        ("losses", "loss", "Loss in training", "loss, all components"),
    ):
        if curves := list(_training(pipelines, key)):
            svg = plots.training_curves(name, curves, title=title, y=y)
            found.append({"title": title, "svg": svg})
    return found


def _training(pipelines: Sequence[ComparedPipeline], key: str) -> Iterator[Curve]:
    for number, pipeline in enumerate(pipelines):
        # The first line tells of the run.
        rows = [row for row in pipeline.training_log if "step" in row and row.get(key) is not None]
        if rows:
            seconds = [row["seconds"] for row in rows]
            yield Curve(number, pipeline.name, seconds, [_value(row[key]) for row in rows])


def _value(found: Any) -> float:
    return sum(found.values()) if isinstance(found, dict) else 100 * found


def _percent(values: Sequence[float]) -> list[float]:
    return [100 * value for value in values]
