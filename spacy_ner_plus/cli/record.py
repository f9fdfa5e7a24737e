"""`spacy-ner-plus record`: a training curve and the metrics of its pipeline in one file."""

from pathlib import Path
from typing import Annotated

import typer


def record_command(
    log: Annotated[Path, typer.Argument(help="Training log that TrainingLog.v1 wrote (.jsonl).")],
    output: Annotated[Path, typer.Argument(help="The file to write (.json).")],
    metrics: Annotated[list[Path], typer.Argument(help="Metrics that `evaluate` wrote (.json).")],
) -> None:
    """Join a training log and metrics of the trained pipeline to one result file."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.record import record

    record(log, metrics, output)
    err.print(f"Record: {output}", markup=False, highlight=False)
