"""The page of a comparison: one HTML file that needs nothing else, with scores, plots and all documents."""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.evaluation.comparison.notes import untested
from spacy_ner_plus.evaluation.pages import page_tables
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.evaluation.pages.error_browser import Browsed, browse
from spacy_ner_plus.evaluation.pages.page_plots import run_plots, score_plots
from spacy_ner_plus.evaluation.pages.page_tables import ComparedPipeline, Comparison
from spacy_ner_plus.files import write_whole

HERE = Path(__file__).parent
# Nothing from elsewhere, and of this file only its own style and script: text of a document that gets in as
# markup could neither run nor load anything.
POLICY = (
    "default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
CHARSET = '<meta charset="utf-8">'


def write_comparison_page(
    path: Path,
    *,
    golds: Sequence[Doc],
    pipelines: Sequence[ComparedPipeline],
    comparison: Comparison,
    title: str,
) -> None:
    """Write the page of a comparison.

    path (Path): The HTML file; written whole or not at all.
    golds (Sequence[Doc]): The gold Docs; empty where there are only metrics.
    pipelines (Sequence[ComparedPipeline]): What was compared, in any order.
    comparison (Mapping[str, Any]): As `compare_entrants` gives it.
    title (str): The page's title.
    RAISES (UserError): Where the file can't be written, matplotlib isn't installed, or predictions
        are of another number of documents.
    """
    page = render_comparison(golds, pipelines, comparison, title=title)
    write_whole(path, page.encode("utf8"))


def render_comparison(
    golds: Sequence[Doc],
    pipelines: Sequence[ComparedPipeline],
    comparison: Comparison,
    *,
    title: str,
) -> str:
    """Make the page of a comparison.

    golds (Sequence[Doc]): The gold Docs; empty where there are only metrics.
    pipelines (Sequence[ComparedPipeline]): What was compared, in any order.
    comparison (Mapping[str, Any]): As `compare_entrants` gives it.
    title (str): The page's title.
    RETURNS (str): The page.
    RAISES (UserError): Where matplotlib isn't installed, or predictions are of another number of documents.
    """
    by_name = {pipeline.name: pipeline for pipeline in pipelines}
    # Best first, as in the comparison.
    pipelines = [by_name[row["name"]] for row in comparison["pipelines"]]
    runs = {} if not golds else {p.name: p.predicted for p in pipelines if p.predicted is not None}
    documents = browse(golds, runs) if runs else None
    tables = {
        "summary": page_tables.summary(comparison, pipelines),
        "measures": page_tables.measures(comparison),
        "labels": page_tables.labels(comparison, pipelines),
        "kinds": page_tables.kinds(pipelines),
        "confusions": list(page_tables.confusions(pipelines)),
        "slices": page_tables.slices(pipelines),
        "calibrations": page_tables.calibrations(pipelines),
    }
    numbered = [{"number": number, "name": pipeline.name} for number, pipeline in enumerate(pipelines)]
    labels = _labels(documents, tables)
    pairs = page_tables.strict_pairs(comparison)
    page = _render(
        title=title,
        lang=golds[0].lang_ if golds else "en",
        corpus=comparison["corpus"],
        comparison=comparison,
        pipelines=pipelines,
        numbered=numbered,
        calibrated=[row for row in numbered if row["name"] in {p["name"] for p in tables["calibrations"]}],
        documents=documents,
        browsed=[row for row in numbered if row["name"] in runs],
        not_browsed=[row["name"] for row in numbered if row["name"] not in runs],
        verdict=verdict(comparison),
        pairs=pairs,
        tested=any(row["p_holm"] is not None for row in pairs),
        has_intervals=any(row["interval"] for row in tables["summary"]),
        has_unanswered=any(row["unanswered"] for row in tables["summary"]),
        has_costs=any(pipeline.cost != 0 for pipeline in pipelines),
        has_training=any(pipeline.training for pipeline in pipelines),
        label_numbers={label: i for i, label in enumerate(labels)},
        label_colours=list(label_colours(labels).values()),
        score_plots=score_plots(pipelines),
        run_plots=run_plots(comparison, pipelines),
        figure=_figure,
        points=_points,
        p_value=_p_value,
        **tables,
    )
    return _secured(page)


def verdict(comparison: Comparison) -> dict[str, Any]:
    """Say in words which pipeline is better, and how sure that is.

    comparison (Mapping[str, Any]): As `compare_entrants` gives it.
    RETURNS (dict[str, Any]): `lead`, a sentence, and `rest`, further ones.
    """
    pairs = page_tables.strict_pairs(comparison)
    rows = comparison["pipelines"]
    best = rows[0]["name"]
    beside = next((row for row in pairs if {row["one"], row["other"]} == {best, rows[1]["name"]}), None)
    size = _difference(beside) if beside else ""
    if comparison["winner"]:
        lead = f"{best} is the best, and not by chance."
        return {"lead": lead, "rest": [f"Its strict F1 is {size} than that of {rows[1]['name']}, the next."]}
    if reason := untested(comparison):
        lead = f"{best} has the highest strict F1, and nobody knows whether that is chance."
        return {"lead": lead, "rest": [f"Not tested: {reason}."]}
    leaders = comparison["leaders"]
    lead = f"No winner: {_listed(leaders)} can't be told apart."
    if len(leaders) == 1:
        lead = f"No winner: {leaders[0]} isn't really better than each other one."
    rest = (
        [f"{best} has the highest strict F1, {size} than {rows[1]['name']}: that may be chance."]
        if size
        else []
    )
    if behind := [row["name"] for row in rows if row["name"] not in leaders]:
        rest.append(f"Really worse than another one: {_listed(behind)}.")
    return {"lead": lead, "rest": rest}


def _difference(row: dict[str, Any]) -> str:
    size = f"{100 * abs(row['difference']):.2f} points higher"
    if row["interval"] is None:
        return size
    low, high = sorted(end * (1 if row["difference"] >= 0 else -1) for end in row["interval"])
    return f"{size} (95% interval {_points(low)} to {_points(high)}, {_p_value(row['p_holm'], 'p = ')})"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _labels(documents: Browsed | None, tables: dict[str, Any]) -> list[str]:
    """All labels, those of the documents first, as their numbers stand in the script's data."""
    known = documents.labels if documents else []
    return list(dict.fromkeys([*known, *(row["label"] for row in tables["labels"])]))


def _render(**values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    parts = {
        name: Markup(environment.get_template(f"document_{name}.js.jinja").render())
        for name in ("card", "filter")
    }
    script = Markup(environment.get_template("comparison.js.jinja").render(parts))
    return environment.get_template("comparison.jinja").render(script=script, **values)


def _secured(page: str) -> str:
    """Let nothing run or load but what stands in this page, by its digest."""
    digests = {}
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = hashlib.sha256((content[1] if content else "").encode("utf8")).digest()
        digests[tag] = f"sha256-{base64.b64encode(digest).decode()}"
    policy = POLICY.format(**digests)
    return page.replace(
        CHARSET, f'{CHARSET}\n<meta http-equiv="Content-Security-Policy" content="{policy}">', 1
    )


def _figure(value: float | None, digits: int) -> str:
    return "\N{EN DASH}" if value is None else f"{value:,.{digits}f}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}".replace("-", "\N{MINUS SIGN}")


def _p_value(p: float | None, before: str = "") -> str:
    if p is None:
        return "\N{EN DASH}"
    return f"{before.replace('=', '<')}{'' if before else '<'}0.001" if p < 0.001 else f"{before}{p:.3f}"
