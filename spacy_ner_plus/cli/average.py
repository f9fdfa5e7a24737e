"""`spacy-ner-plus average`: several trainings to one pipeline, as fast as each of them."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code


def average_command(
    pipelines_and_target: Annotated[
        list[str],
        typer.Argument(
            metavar="PIPELINE... OUT",
            help="Folders of trained pipelines or names of installed ones, whose seeds alone differ; last, the folder "
            "of the average, which is made.",
        ),
    ],
    dev: Annotated[
        Path | None,
        typer.Option(
            help="Development set (.spacy): F1 of each training and of the average is shown, nothing is written where "
            "the average is worse than its trainings in the mean, and its scores are calibrated."
        ),
    ] = None,
    component: Annotated[
        str | None, typer.Option(help="Name of the component; by default each pipeline's transformer_ner.")
    ] = None,
    code: Code = None,
) -> None:
    """Average the weights of trainings that began with one head (`head_seed`), to one pipeline as fast as each."""
    from statistics import fmean

    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.errors import Errors, UserError
    from spacy_ner_plus.workflows.average import average

    *pipelines, target = pipelines_and_target
    if len(pipelines) < 2:
        given = "there " + ("is one path" if not pipelines else "are two paths")
        raise UserError(Errors.E950.format(given=given))
    made = average(pipelines, target, dev=dev, component=component, code=code)
    if made.f1 is not None:
        width = max(len(name) for name in [*pipelines, "in the mean"])
        rows = [*zip(pipelines, made.f1_of_each, strict=True), ("in the mean", fmean(made.f1_of_each))]
        for name, f1 in [*rows, ("averaged", made.f1)]:
            out.print(f"{name:>{width}}: F1 {f1:.4f}", markup=False, highlight=False)
    if made.not_calibrated:
        err.print(
            f"Its scores aren't calibrated ({made.not_calibrated}): the temperature is the mean of the pipelines', "
            f"{made.temperature:.3f}.",
            style="yellow",
            markup=False,
            highlight=False,
        )
    if made.threshold:
        err.print(
            f"The threshold stays at {made.threshold:g}, as the first pipeline has it, which now means another "
            "probability: run `python -m spacy find-threshold` again.",
            style="yellow",
            markup=False,
            highlight=False,
        )
    err.print(f"Saved: {target}", markup=False, highlight=False)
