"""`spacy-ner-plus model-card`: a README.md for a pipeline, filled from its metrics."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.errors import Errors, UserError


def model_card_command(
    pipeline: Annotated[Path, typer.Argument(help="Folder of a trained pipeline, before it is packaged.")],
    metrics: Annotated[Path, typer.Argument(help="Metrics that `evaluate` wrote (.json).")],
) -> None:
    """Write the pipeline's README.md: scores with intervals, data, limits, how to use it."""
    from spacy_ner_plus.cli.console import err

    card = model_card(pipeline, metrics)
    err.print(f"Model card: {card}", markup=False, highlight=False)


def model_card(pipeline: Path, metrics: Path) -> Path:
    """Write a model card, which `spacy package` takes into the package.

    pipeline (Path): The pipeline's folder.
    metrics (Path): Its metrics.
    RETURNS (Path): The card.
    RAISES (UserError): Where something can't be read or written.
    """
    import json

    from spacy_ner_plus.evaluation.metrics.file import read_metrics
    from spacy_ner_plus.evaluation.pages.model_card import write_model_card

    path = pipeline / "meta.json"
    try:
        meta = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise UserError(Errors.E501.format(name=pipeline, reason=f"{path.name}: {error}")) from error
    return write_model_card(pipeline, read_metrics(metrics), meta)
