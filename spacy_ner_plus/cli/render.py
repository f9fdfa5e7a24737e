"""`spacy-ner-plus render`: one HTML page with gold beside predicted."""

from pathlib import Path
from typing import Annotated

import typer


def render_command(
    gold: Annotated[Path, typer.Argument(help="Gold corpus: a .spacy file or a folder of them.")],
    predictions: Annotated[Path, typer.Argument(help="Predictions of it, as `evaluate` keeps them.")],
    output: Annotated[Path, typer.Argument(help="The HTML page to write.")],
    show_all: Annotated[bool, typer.Option("--all", help="Show documents without an error too.")] = False,
    limit: Annotated[int, typer.Option(help="Take only the first N documents of both; 0 for all.")] = 0,
    title: Annotated[str | None, typer.Option(help="Title of the page; default: the corpus's name.")] = None,
) -> None:
    """Show gold beside predicted for each document with an error, in one self-contained page."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.render import render

    render(gold, predictions, output, show_all=show_all, limit=limit, title=title)
    err.print(f"Page: {output}", markup=False, highlight=False)
