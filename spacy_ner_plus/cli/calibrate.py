"""`spacy-ner-plus calibrate`: fit the temperature that makes scores probabilities."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code


def calibrate_command(
    pipeline: Annotated[
        str, typer.Argument(help="Folder of a trained pipeline, or name of an installed one.")
    ],
    corpus: Annotated[Path, typer.Argument(help="Development set (.spacy): not what it was trained on.")],
    component: Annotated[
        str | None,
        typer.Option(
            help="Name of the component; by default the pipeline's transformer_ner or zero_shot_ner."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for the calibrated pipeline; by default it is changed in place."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw scores against precision, before and after (.svg).")
    ] = None,
    code: Code = None,
) -> None:
    """Fit a temperature on a development set, so that of entities with score 0.8 eight in ten are right."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.calibrate import calibrate

    result = calibrate(
        pipeline, corpus, output, in_place=output is None, component=component, plot=plot, code=code
    )
    if result.reason:
        err.print(f"Left as it is: {result.reason}", style="yellow", markup=False, highlight=False)
        return
    for name, temperature, row in (
        ("before", 1.0, result.before),
        ("after", result.temperature, result.after),
    ):
        out.print(
            f"{name:>6}: temperature {temperature:.3f}, expected calibration error {row['ece']:.4f}, "
            f"log loss {row['log_loss']:.4f}",
            markup=False,
            highlight=False,
        )
    if result.threshold:
        err.print(
            f"The threshold stays at {result.threshold:g}, which now means another probability: "
            "run `python -m spacy find-threshold` again.",
            style="yellow",
            markup=False,
            highlight=False,
        )
    err.print(f"Saved with the component: {output or pipeline}", markup=False, highlight=False)
