"""`spacy-ner-plus train`: spaCy's training, which loses no model that is there."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code

# Settings of the config are options, as in `spacy train`.
OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}


def train_command(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="Training config (.cfg).")],
    output: Annotated[
        Path, typer.Argument(help="Folder for model-best, model-last and the training log (log.jsonl).")
    ],
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Fit the scores to the development set, as `calibrate` does."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Train although the same model is there already.")
    ] = False,
    gpu_id: Annotated[
        int, typer.Option("--gpu-id", "-g", help="GPU of spaCy's own layers; ours go by their `device`.")
    ] = -1,
    code: Code = None,
) -> None:
    """Train a pipeline as `spacy train` does; what OUTPUT holds stays until the training has ended with a model.

    Settings of the config are options, such as --paths.train train.spacy. Where OUTPUT holds a model of the same
    config, corpora and encoder already, nothing is trained.
    """
    import signal

    from spacy.cli._util import parse_config_overrides

    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.train import train

    # A training that is ended by `kill` or a batch system clears up after itself, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if unknown := [text for text in context.args if text.startswith("-") and "." not in text]:
        raise typer.BadParameter(
            f"there is no option {unknown[0]}, and settings have the form --section.name"
        )
    overrides = parse_config_overrides(context.args)
    had_model = (output / "model-best").exists()
    try:
        result = train(
            config,
            output,
            overrides=overrides,
            calibrated=calibrate,
            force=force,
            gpu_id=gpu_id,
            code=code,
            stdout=sys.stdout,
            stderr=sys.stderr,
        )
    except KeyboardInterrupt:
        left = f"The model in '{output}' is as it was." if had_model else "No model was written."
        err.print(f"The training was broken off. {left}", style="yellow", markup=False, highlight=False)
        raise typer.Exit(130) from None
    if not result.trained:
        text = f"Already trained: {result.model}, on the same corpora with the same settings and encoder."
        notes = (*result.notes, "--force trains it again.")
        err.print(" ".join((text, *notes)), markup=False, highlight=False)
        return
    if result.calibrated:
        fitted = result.calibrated
        text = fitted.reason or (
            f"temperature {fitted.temperature:.3f}, expected calibration error {fitted.before['ece']:.4f} before, "
            f"{fitted.after['ece']:.4f} after"
        )
        err.print(f"Calibration: {text}", markup=False, highlight=False)
    err.print(f"Trained: {result.model}", markup=False, highlight=False)
