"""The training curve, kept while `spacy train` runs: to the console, and as JSON lines."""

import json
import platform
import warnings
from collections.abc import Callable
from importlib.metadata import version
from numbers import Real
from pathlib import Path
from typing import IO, Any

from spacy.language import Language
from spacy.training.loggers import console_logger_v3
from spacy.util import registry

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.evaluation.metrics.performance import processor
from spacy_ner_plus.evaluation.scorers import NERScorer
from spacy_ner_plus.files import writing

Log = tuple[Callable[[dict[str, Any] | None], None], Callable[[], None]]


def training_log_v1(output_file: str | None = None) -> Callable[[Language, IO, IO], Log]:
    """Make a logger that prints spaCy's console table and writes each evaluation as a JSON line.

    output_file (str): Where; overwritten by each training. None writes nothing.
        The first line tells of the run (seed, versions, hardware), each further one has
        epoch, step, seconds since the start, words seen, losses and scores (0 to 1).
    RETURNS (Callable): The logger, for [training.logger].
    """
    # Its progress bar would want eval_frequency as a number in the config.
    console = console_logger_v3()

    def setup(nlp: Language, stdout: IO, stderr: IO) -> Log:
        if weighted := unmeasured(nlp):
            warnings.warn(Warnings.W305.format(scores=", ".join(weighted)), stacklevel=2)
        log_console, finish_console = console(nlp, stdout, stderr)
        stream = None
        if output_file:
            path = Path(output_file)
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                # Not written whole: a curve is to be seen while it grows.
                stream = path.open("w", encoding="utf8")
                _write(stream, describe_run(nlp))

        def log_step(info: dict[str, Any] | None) -> None:
            log_console(info)
            if stream is not None and info is not None:
                kept = {key: info[key] for key in ("epoch", "step", "seconds", "words", "score")}
                losses = _numbers(info["losses"])
                _write(stream, {**kept, "losses": losses, "scores": _numbers(info["other_scores"])})

        def finish() -> None:
            finish_console()
            if stream is not None:
                stream.close()

        return log_step, finish

    return setup


def unmeasured(nlp: Language) -> list[str]:
    """Find scores of unseen entities that the config weighs and no scorer gives.

    nlp (Language): The pipeline, with its config.
    RETURNS (list[str]): Their names, as in [training.score_weights].
    """
    weights = nlp.config.get("training", {}).get("score_weights") or {}
    scorers = [getattr(component, "scorer", None) for _, component in nlp.pipeline]
    if any(isinstance(scorer, NERScorer) and scorer.train is not None for scorer in scorers):
        return []
    return [
        name for name, weight in weights.items() if weight is not None and name.startswith("ents_unseen_")
    ]


def describe_run(nlp: Language) -> dict[str, Any]:
    """Tell what a training ran on.

    nlp (Language): The pipeline, with its config.
    RETURNS (dict[str, Any]): Seed, epochs, package versions, processor and threads.
    """
    import torch

    # The pipeline's own config still has its variables, such as ${system.seed}.
    config = nlp.config.interpolate()
    training = config.get("training", {})
    packages = ("spacy-ner-plus", "spacy", "torch", "transformers")
    # A number, or a function that counts the corpus.
    epochs = registry.resolve({"max_epochs": training.get("max_epochs")})
    return {
        "seed": training.get("seed"),
        **epochs,
        "encoder": config.get("paths", {}).get("encoder"),
        "versions": {name: version(name) for name in packages},
        "python": platform.python_version(),
        "hardware": hardware(),
        "threads": torch.get_num_threads(),
    }


def hardware() -> str:
    """RETURNS (str): The processor's name and, where torch can use one, the GPU's."""
    import torch

    name = processor()
    return f"{name}; {torch.cuda.get_device_name()}" if torch.cuda.is_available() else name


def _numbers(scores: dict[str, Any]) -> dict[str, float]:
    # Losses of stock components are numpy's numbers, which JSON doesn't know.
    return {key: float(value) for key, value in scores.items() if isinstance(value, Real)}


def _write(stream: IO, row: dict[str, Any]) -> None:
    # Flushed, so that the curve can be watched and outlives a training that is broken off.
    stream.write(json.dumps(row) + "\n")
    stream.flush()
