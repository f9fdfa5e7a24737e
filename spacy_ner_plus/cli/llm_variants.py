"""`spacy-ner-plus llm variants`: how the variants in a store compare."""

from pathlib import Path
from typing import Annotated, Any

import typer


def variants_command(
    store: Annotated[
        str,
        typer.Argument(help="The store of the chat model: an SQLite file, or postgresql://user@host/name."),
    ],
    metric: Annotated[str, typer.Option(help="By which the best variant is looked for.")] = "exact_match",
    alpha: Annotated[float, typer.Option(help="How probable a wrong verdict is at most.")] = 0.05,
    component: Annotated[
        str | None,
        typer.Option(help="The component whose variants are compared, where the store has several."),
    ] = None,
    page: Annotated[Path | None, typer.Option(help="HTML file of the page, with plots over time.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The table as JSON.")] = None,
) -> None:
    """Compare variants by the feedback on their answers, and say whether one of them is better."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.llm_variants import llm_variants

    results = llm_variants(store, metric=metric, alpha=alpha, component=component, target=output, page=page)
    _show(results)
    for path in (output, page):
        if path is not None:
            err.print(f"Wrote {path}", markup=False, highlight=False)


def _show(results: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.learning.variants_page import called, ends, figure, titled, verdict

    scores = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    takes = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for table in (scores, takes):
        table.add_column("Variant", overflow="fold")
    for name in ("Scored", *(titled(measure["name"]) for measure in results["measures"])):
        scores.add_column(name, justify="right")
    for name in ("Answers", "Stepped in", "Failed", "Tokens in", "Tokens out", "USD", "p50 s", "p95 s"):
        takes.add_column(name, justify="right")
    for row in results["variants"]:
        name = Text(called(row["variant"]))
        cells = []
        for measure in results["measures"]:
            mean, is_share = row["means"][measure["name"]], measure["is_share"]
            interval = ends(mean["interval"], is_share=is_share)
            value = figure(mean["value"], is_share=is_share)
            cells.append(
                f"{value} ({interval})" if interval and measure["name"] == results["metric"] else value
            )
        scores.add_row(name, f"{row['means'][results['metric']]['n']:,}", *cells)
        cost = "-" if row["cost"] is None else f"{row['cost']:.4f}"
        counts = (
            row[key] for key in ("answers", "stepped_in", "failed", "prompt_tokens", "completion_tokens")
        )
        seconds = ("-" if row[key] is None else f"{row[key]:.2f}" for key in ("seconds_p50", "seconds_p95"))
        takes.add_row(name, *(f"{count:,}" for count in counts), cost, *seconds)
    out.print(scores)
    out.print(takes)
    out.print(verdict(results), markup=False, highlight=False, style="bold")
    if unknown := sum(row["without_cost"] for row in results["variants"]):
        err.print(f"The cost of {unknown:,} answers isn't known", style="yellow", highlight=False)
    if left_out := results["rule"].get("left_out"):
        line = f"{left_out:,} answers about texts that had one already don't count for the verdict"
        err.print(line, style="yellow", highlight=False)
