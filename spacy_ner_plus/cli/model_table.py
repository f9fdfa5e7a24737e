"""`spacy-ner-plus model-table`: one table in which models of several kinds meet."""

from pathlib import Path
from typing import Annotated

import typer


def model_table_command(
    rows: Annotated[
        list[str], typer.Argument(metavar="NAME=METRICS...", help="What `evaluate` wrote of each model.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="A file or folder that a model needs: a pipeline, what `llm finetune` wrote, a GGUF file; repeatable.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The table as Markdown; beside it as JSON.")
    ] = None,
) -> None:
    """Set models beside each other: strict F1, trained parameters, seconds of training, speed and size on disk."""
    from rich.table import Table

    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.model_table import COLUMNS, model_table, parse_rows

    metrics, models = parse_rows(rows, model or [])
    found = model_table(metrics, models, output)
    table = Table("", box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for row in found:
        table.add_row(*row.cells())
    out.print(table, markup=False)
    if output:
        err.print(f"Table: {output}", markup=False, highlight=False)
