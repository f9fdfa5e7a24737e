"""One pipeline of several trainings: their weights averaged."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.corpora import check_annotation, corpus_docs, corpus_name, corpus_path
from spacy_ner_plus.workflows.arguments.pipelines import find_component, import_code, load_pipeline, path_of
from spacy_ner_plus.workflows.arguments.targets import check_new_folder, check_overlap
from spacy_ner_plus.workflows.calibrate import calibrate

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example

    from spacy_ner_plus.models.decoding.predictions import Predictions

FACTORY = "transformer_ner"
BATCH_SIZE = 64
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Averaged:
    """A pipeline with averaged weights, and what is known of it.

    nlp (Language): The pipeline.
    likeness (float): The least cosine between two of the networks; below 0.7 they began with different weights.
    f1 (float | None): F1 of what its component finds on the development set, from 0 to 1, whatever the threshold; None
        without one.
    f1_of_each (Sequence[float]): Likewise of each training.
    temperature (float): Of its scores: fitted on the development set, or the geometric mean of theirs.
    not_calibrated (str): Why none was fitted; '' where one was.
    threshold (float): Of the first pipeline's component; it stays, and means another probability than before.
    """

    nlp: "Language"
    likeness: float
    f1: float | None
    f1_of_each: Sequence[float]
    temperature: float
    not_calibrated: str
    threshold: float


def average(
    pipelines: "Iterable[Language | str | Path]",
    target: str | Path | None = None,
    *,
    dev: "str | Path | Iterable[Doc] | None" = None,
    component: str | None = None,
    code: str | Path | None = None,
) -> Averaged:
    """Average the weights of several trainings of one config, to one pipeline as fast as each of them.

    They must have begun with the same weights: `head_seed` of the model is the same for all, and the seed of each
    training another. All else of the pipeline is the first one's.

    pipelines (Iterable[Language | str | Path]): Two or more: folders, names of installed packages, or pipelines. The
        first is changed where it is given as a pipeline; the others stay as they are.
    target (str | Path): Folder that the average is saved to. Default: it isn't saved.
    dev (str | Path | Iterable[Doc]): A development set: F1 of what the component finds there is measured, its scores
        are calibrated, and it is measured what eight bits cost. Default: none; then precision 'auto' takes no int8.
    component (str): Name of the component. Default: the only transformer_ner of each pipeline.
    code (str | Path): A Python file to run before pipelines are loaded. Default: none.
    RAISES (UserError): Where pipelines can't be read or don't fit together, or the average has a lower F1 than its
        trainings in the mean; then, as after an interrupt, nothing is written, and nothing is changed.
    """
    from spacy_ner_plus.files import written_whole

    pipelines = _listed(pipelines)
    target = None if target is None else Path(target)
    _check_target(target, pipelines, [("the corpus", corpus_path(dev)), ("the code", code)])
    dev = dev if dev is None or isinstance(dev, str | Path) else list(dev)
    if code is not None:
        import_code(Path(code))
    found = [find_component(pipeline, FACTORY, component) for pipeline in pipelines]
    nlps = [load_pipeline(pipeline) for pipeline in pipelines]
    nlp, component = nlps[0], found[0]
    pipe, *others = (one.get_pipe(name) for one, name in zip(nlps, found, strict=True))
    names = [str(path_of(pipeline) or f"pipeline {i}") for i, pipeline in enumerate(pipelines, start=1)]
    examples = [] if dev is None else _examples(nlp, component, dev)
    f1_of_each = [] if dev is None else [_f1(examples, one.predict, one.labels) for one in (pipe, *others)]
    before = pipe.model, pipe.cfg["temperature"]
    pipe.model = pipe.model.copy()
    try:
        likeness = pipe.average(others, names)
        if dev is not None:
            pipe.token_scorer.tagger.measure_ranges(example.x for example in examples)
        f1 = None if dev is None else _f1(examples, pipe.predict, pipe.labels)
        # Means of the same numbers differ by rounding.
        if f1 is not None and f1 < fmean(f1_of_each) - _ROUNDING:
            each = ", ".join(f"{one:.4f}" for one in f1_of_each)
            values = {"dev": corpus_name(dev), "f1": f1, "mean": fmean(f1_of_each), "each": each}
            raise UserError(Errors.E949.format(**values))
    except BaseException:
        # An interrupt, too, leaves the user's pipeline as it was.
        pipe.model, pipe.cfg["temperature"] = before
        raise
    # That of the first training.
    nlp.meta.pop("performance", None)
    not_calibrated = "there is no development set"
    if dev is not None:
        not_calibrated = calibrate(nlp, dev, component=component).reason
    if target is not None:
        with written_whole(target) as beside:
            nlp.to_disk(beside)
    return Averaged(
        nlp, likeness, f1, f1_of_each, pipe.cfg["temperature"], not_calibrated, pipe.cfg["threshold"]
    )


def _listed(pipelines: "Iterable[Language | str | Path]") -> "list[Language | str | Path]":
    given = list(pipelines) if isinstance(pipelines, Iterable) and not isinstance(pipelines, str) else []
    if len(given) < 2:
        raise UserError(Errors.E950.format(given="fewer pipelines are given"))
    return given


def _check_target(
    target: Path | None, pipelines: "list[Language | str | Path]", others: list[tuple[str, Any]]
) -> None:
    """Refuse a folder that is there, above all where it is a pipeline that was meant to be averaged, too."""
    from importlib.metadata import entry_points

    if target is None:
        return
    check_overlap({"the average": target}, [("a pipeline", path_of(pipeline)) for pipeline in pipelines])
    if (target / "meta.json").exists() or str(target) in entry_points(group="spacy_models").names:
        raise UserError(Errors.E950.format(given=f"the last, '{target}', is a pipeline itself"))
    check_new_folder("the average", target, others)


def _examples(nlp: "Language", component: str, dev: "str | Path | list[Doc]") -> "list[Example]":
    """The development set, its texts as they come to the component."""
    from spacy.training import Example

    golds = corpus_docs(dev, nlp.vocab)
    check_annotation(golds, dev)
    if not any(gold.ents for gold in golds):
        raise UserError(Errors.E952.format(dev=corpus_name(dev)))
    earlier = nlp.component_names[: nlp.component_names.index(component)]
    with nlp.select_pipes(enable=[name for name in nlp.pipe_names if name in earlier]):
        return [
            Example(doc, gold) for doc, gold in zip(nlp.pipe(gold.text for gold in golds), golds, strict=True)
        ]


def _f1(
    examples: "list[Example]", predict: "Callable[[list[Doc]], Predictions]", labels: Sequence[str]
) -> float:
    """F1 of all that a component finds by itself, whatever its threshold and what stands beside it."""
    from spacy.scorer import get_ner_prf
    from spacy.tokens import Span
    from spacy.training import Example
    from spacy.util import minibatch

    found = []
    for batch in minibatch(examples, BATCH_SIZE):
        predictions = predict([example.x for example in batch])
        for example, entities in zip(batch, predictions, strict=True):
            doc = example.x.copy()
            doc.ents = [Span(doc, one.start, one.end, label=labels[one.label]) for one in entities]
            found.append(Example(doc, example.y))
    return get_ner_prf(found)["ents_f"] or 0.0
