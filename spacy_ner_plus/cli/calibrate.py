"""`spacy-ner-plus calibrate`: fit the temperature that makes scores probabilities."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.loading import Code, load_pipeline
from spacy_ner_plus.workflows.targets import check_new_folder, check_targets

if TYPE_CHECKING:
    from spacy.language import Language


def calibrate_command(
    pipeline: Annotated[
        str, typer.Argument(help="Folder of a trained pipeline, or name of an installed one.")
    ],
    corpus: Annotated[Path, typer.Argument(help="Development set (.spacy): not what it was trained on.")],
    component: Annotated[
        str | None, typer.Option(help="Name of the component; by default the pipeline's transformer_ner.")
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

    result = calibrate_pipeline(pipeline, corpus, component=component, output=output, plot=plot, code=code)
    if result["reason"]:
        err.print(f"Left as it is: {result['reason']}", style="yellow", markup=False, highlight=False)
        return
    for name in ("before", "after"):
        row = result[name]
        out.print(
            f"{name:>6}: temperature {row['temperature']:.3f}, expected calibration error {row['ece']:.4f}, "
            f"log loss {row['log_loss']:.4f}",
            markup=False,
            highlight=False,
        )
    if result["threshold"]:
        err.print(
            f"The threshold stays at {result['threshold']:g}, which now means another probability: "
            "run `python -m spacy find-threshold` again.",
            style="yellow",
            markup=False,
            highlight=False,
        )
    err.print(f"Saved with the component: {output or pipeline}", markup=False, highlight=False)


def calibrate_pipeline(
    pipeline: str,
    corpus: Path,
    *,
    component: str | None = None,
    output: Path | None = None,
    plot: Path | None = None,
    code: Path | None = None,
) -> dict[str, Any]:
    """Fit a component's temperature on a corpus, and save it.

    pipeline (str): A folder, or the name of an installed package.
    corpus (Path): The development set: a .spacy file or a folder of them.
    component (str): Name of the component; None for the pipeline's only transformer_ner.
    output (Path): Where the pipeline is saved; None to change its folder in place.
    plot (Path): Where an SVG image of the reliability is written; None for nowhere.
    code (Path): A Python file to run before the pipeline is loaded; None for none.
    RETURNS (dict[str, Any]): `before` and `after`, as `reliability` gives them with the `temperature`,
        and the `threshold` that is set; or a `reason` why nothing was changed.
    RAISES (UserError): Where something cannot be read or written, or there is no such component.
    """
    from spacy.training import Example

    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.evaluation.confidence.calibration import reliability, reliability_plot
    from spacy_ner_plus.files import write_whole
    from spacy_ner_plus.pipeline.transformer_ner.calibrate import NotCalibrated, calibrate
    from spacy_ner_plus.pipeline.transformer_ner.component import TransformerNER

    inputs = [("the pipeline", pipeline), ("the corpus", corpus), ("--code", code)]
    check_new_folder("--output", output, inputs)
    check_targets({"--plot": plot}, inputs)
    nlp = load_pipeline(pipeline, code=code)
    names = [name for name, part in nlp.components if isinstance(part, TransformerNER)]
    if not names:
        return {"reason": f"'{pipeline}' has no transformer_ner; other components have no temperature."}
    if component is None and len(names) == 1:
        component = names[0]
    if component not in names:
        raise UserError(Errors.E536.format(name=component or "", names=", ".join(names)))
    pipe = nlp.get_pipe(component)
    if output is None and not Path(pipeline).is_dir():
        raise UserError(Errors.E537.format(name=pipeline))
    golds = load_docs(corpus, nlp.vocab)
    if not any(gold.has_annotation("ENT_IOB") for gold in golds if len(gold)):
        raise UserError(Errors.E305.format(path=corpus))
    earlier = nlp.component_names[: nlp.component_names.index(component)]
    with nlp.select_pipes(enable=[name for name in nlp.pipe_names if name in earlier]):
        # The Docs as they come to the component, without anything of gold but the text.
        docs = list(nlp.pipe(gold.text for gold in golds))
    try:
        fitted = calibrate(pipe, [Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)])
    except NotCalibrated as error:
        return {"reason": str(error)}
    result = {
        "reason": "",
        "threshold": pipe.cfg["threshold"],
        "before": {"temperature": 1.0, **reliability(fitted.before, fitted.right)},
        "after": {"temperature": fitted.temperature, **reliability(fitted.after, fitted.right)},
    }
    if plot:
        curves = [("before", result["before"]), ("after", result["after"])]
        write_whole(plot, reliability_plot(curves, f"Reliability on {corpus.name}").encode("utf8"))
    _save(nlp, component, output, Path(pipeline))
    return result


def _save(nlp: "Language", component: str, output: Path | None, folder: Path) -> None:
    from spacy_ner_plus.files import write_whole, written_whole

    if output is not None:
        with written_whole(output) as beside:
            nlp.to_disk(beside)
        return
    # Of the component's own settings alone: weights stay as they lie.
    with tempfile.TemporaryDirectory() as scratch:
        nlp.get_pipe(component).to_disk(Path(scratch), exclude=("model", "vocab"))
        write_whole(folder / component / "cfg", (Path(scratch) / "cfg").read_bytes())
