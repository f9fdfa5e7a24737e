"""The page of a comparison: one HTML file that needs nothing else, with scores, plots and all documents."""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
from spacy_ner_plus.evaluation.comparison.comparison import Comparison
from spacy_ner_plus.evaluation.comparison.verdict import p_value, points, strict_pairs, verdict
from spacy_ner_plus.evaluation.pages import page_tables
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.evaluation.pages.error_browser import Browsed, browse
from spacy_ner_plus.evaluation.pages.page_plots import run_plots, score_plots
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
    pipelines: Sequence[ComparedPipeline],
    comparison: Comparison,
    title: str,
) -> None:
    """Write the page of a comparison.

    path (Path): The HTML file; written whole or not at all.
    pipelines (Sequence[ComparedPipeline]): What was compared, in any order; those that are `matched` are shown
        document by document.
    RAISES (UserError): Where the file can't be written or matplotlib isn't installed.
    """
    page = render_comparison(pipelines, comparison, title=title)
    write_whole(path, page.encode("utf8"))


def render_comparison(pipelines: Sequence[ComparedPipeline], comparison: Comparison, *, title: str) -> str:
    """Make the page of a comparison.

    RAISES (UserError): Where matplotlib isn't installed.
    """
    by_name = {pipeline.name: pipeline for pipeline in pipelines}
    # Best first, as in the comparison.
    pipelines = [by_name[row["name"]] for row in comparison["pipelines"]]
    matched = {pipeline.name: pipeline.matched for pipeline in pipelines if pipeline.matched is not None}
    documents = browse(matched) if matched else None
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
    pairs = strict_pairs(comparison)
    page = _render(
        title=title,
        lang=next((doc.gold.lang for docs in matched.values() for doc in docs), "en"),
        corpus=comparison["corpus"],
        comparison=comparison,
        pipelines=pipelines,
        numbered=numbered,
        calibrated=[row for row in numbered if row["name"] in {p["name"] for p in tables["calibrations"]}],
        documents=documents,
        browsed=[row for row in numbered if row["name"] in matched],
        not_browsed=[row["name"] for row in numbered if row["name"] not in matched],
        verdict=verdict(comparison),
        pairs=pairs,
        tested=any(row["p_holm"] is not None for row in pairs),
        has_intervals=any(row["interval"] for row in tables["summary"]),
        has_unanswered=any(row["unanswered"] for row in tables["summary"]),
        has_costs=any(pipeline.cost != 0 for pipeline in pipelines),
        has_training=any(pipeline.training_log for pipeline in pipelines),
        label_numbers={label: i for i, label in enumerate(labels)},
        label_colours=list(label_colours(labels).values()),
        score_plots=score_plots(pipelines),
        run_plots=run_plots(comparison, pipelines),
        figure=_figure,
        points=points,
        p_value=p_value,
        **tables,
    )
    return _secured(page)


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
