"""The temperature that makes the scores of a component probabilities."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.corpora import check_annotation, corpus_docs, corpus_name, corpus_path
from spacy_ner_plus.workflows.arguments.pipelines import (
    components_of,
    find_component,
    load_pipeline,
    path_of,
)
from spacy_ner_plus.workflows.arguments.targets import check_new_folder, check_targets

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

FACTORIES = ("transformer_ner", "zero_shot_ner")


@dataclass(frozen=True)
class Calibrated:
    """What calibrating a component gave.

    reason (str): Why nothing was changed; '' where it was.
    temperature (float): What was fitted.
    threshold (float): Of the component; it stays, and means another probability than before.
    before (Mapping[str, Any]): As `evaluation.confidence.calibration.reliability` gives it, at temperature 1.
    after (Mapping[str, Any]): Likewise, at the temperature that was fitted.
    """

    reason: str = ""
    temperature: float = 1.0
    threshold: float = 0.0
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def calibrate(
    pipeline: "Language | str | Path",
    gold: "str | Path | Iterable[Doc]",
    target: str | Path | None = None,
    *,
    in_place: bool = False,
    component: str | None = None,
    plot: str | Path | None = None,
    code: str | Path | None = None,
) -> Calibrated:
    """Fit a component's temperature, so that of entities with score 0.8 eight in ten are right.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline, which is changed.
    gold (str | Path | Iterable[Doc]): A development set, not what the pipeline was trained on.
    target (str | Path): Folder that the calibrated pipeline is saved to. Default: it isn't saved.
    in_place (bool): Whether to save the temperature in the pipeline's own folder. Default: False.
    component (str): Name of the component. Default: the pipeline's only transformer_ner or zero_shot_ner.
    plot (str | Path): Where an SVG of scores against precision is drawn, before and after. Default: nowhere.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RAISES (UserError): Where something can't be read or written, or there is no such component.
    """
    from spacy.training import Example

    from spacy_ner_plus.evaluation.confidence.calibration import reliability, reliability_plot
    from spacy_ner_plus.files import write_whole
    from spacy_ner_plus.pipeline.calibration import NotCalibrated

    target, plot = (None if path is None else Path(path) for path in (target, plot))
    inputs = [("the pipeline", path_of(pipeline)), ("the corpus", corpus_path(gold)), ("the code", code)]
    check_new_folder("the calibrated pipeline", target, inputs)
    check_targets({"the plot": plot}, inputs)
    nlp = load_pipeline(pipeline, code=code)
    name = pipeline if path_of(pipeline) else nlp.meta["name"]
    if not any(components_of(nlp, factory) for factory in FACTORIES):
        return Calibrated(
            f"'{name}' has no {' and no '.join(FACTORIES)}; other components have no temperature."
        )
    component = find_component(nlp, FACTORIES, component)
    pipe = nlp.get_pipe(component)
    if in_place and not (path_of(pipeline) and Path(pipeline).is_dir()):
        raise UserError(Errors.E537.format(name=name))
    golds = corpus_docs(gold, nlp.vocab)
    check_annotation(golds, gold)
    earlier = nlp.component_names[: nlp.component_names.index(component)]
    with nlp.select_pipes(enable=[name for name in nlp.pipe_names if name in earlier]):
        # The Docs as they come to the component, without anything of gold but the text.
        docs = list(nlp.pipe(doc.text for doc in golds))
    try:
        fitted = pipe.calibrate([Example(doc, gold) for doc, gold in zip(docs, golds, strict=True)])
    except NotCalibrated as error:
        return Calibrated(str(error))
    result = Calibrated(
        temperature=fitted.temperature,
        threshold=pipe.cfg["threshold"],
        before=reliability(fitted.before, fitted.right),
        after=reliability(fitted.after, fitted.right),
    )
    if plot:
        curves = [("before", result.before), ("after", result.after)]
        title = f"Reliability on {corpus_name(gold)}"
        write_whole(plot, reliability_plot(curves, title).encode("utf8"))
    if target is not None:
        _save(nlp, target)
    if in_place:
        _save_settings(nlp, component, Path(pipeline))
    return result


def _save(nlp: "Language", target: Path) -> None:
    from spacy_ner_plus.files import written_whole

    with written_whole(target) as beside:
        nlp.to_disk(beside)


def _save_settings(nlp: "Language", component: str, folder: Path) -> None:
    """Save the component's own settings alone: weights stay as they lie."""
    from spacy_ner_plus.files import write_whole

    with tempfile.TemporaryDirectory() as scratch:
        nlp.get_pipe(component).to_disk(Path(scratch), exclude=("model", "vocab"))
        write_whole(folder / component / "cfg", (Path(scratch) / "cfg").read_bytes())
