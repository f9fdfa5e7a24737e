"""`spacy-ner-plus model-card`: a README.md for a pipeline, filled from its metrics."""

from pathlib import Path
from typing import Annotated

import typer


def model_card_command(
    pipeline: Annotated[Path, typer.Argument(help="Folder of a trained pipeline, before it is packaged.")],
    metrics: Annotated[Path, typer.Argument(help="Metrics that `evaluate` wrote (.json).")],
    name: Annotated[str | None, typer.Option(help="Name of the package to be, without the language.")] = None,
    version: Annotated[str | None, typer.Option(help="Version of the package to be.")] = None,
) -> None:
    """Write the pipeline's README.md: scores with intervals, data, limits, how to use it."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.model_card import model_card

    card = model_card(pipeline, metrics, name=name, version=version)
    err.print(f"Model card: {card}", markup=False, highlight=False)
