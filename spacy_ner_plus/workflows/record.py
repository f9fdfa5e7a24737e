"""A training curve and the metrics of its pipeline, joined to one result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.arguments.training_logs import read_log

if TYPE_CHECKING:
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics


@dataclass(frozen=True)
class TrainingSummary:
    """A training in short.

    seconds (float): Until the last evaluation.
    epochs (int): That were begun.
    words (int): That were seen.
    best_step (int): At which the pipeline was best; of several as good, the first.
    dev_f1 (float): Its score on the development set.
    """

    seconds: float
    epochs: int
    words: int
    best_step: int
    dev_f1: float


@dataclass(frozen=True)
class EvaluationSummary:
    """An evaluation in short; rates are from 0 to 1, and strict but for `spacy_f1`.

    corpus (Mapping[str, Any]): As the metrics describe it.
    tokens (str): Whose tokens the pipeline got: 'own' or 'gold'.
    words_per_second (int): While predicting.
    baseline_f1 (float | None): Of the baseline; None where none was asked for.
    """

    corpus: Mapping[str, Any]
    tokens: str
    precision: float
    recall: float
    f1: float
    spacy_f1: float
    words_per_second: int
    baseline_f1: float | None


@dataclass(frozen=True)
class Record:
    """A training and the evaluations of its pipeline.

    run (Mapping[str, Any]): Seed, versions and hardware, as the log's first line tells.
    """

    run: Mapping[str, Any]
    training: TrainingSummary
    evaluations: Sequence[EvaluationSummary]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): Its fields, as they stand in the file."""
        return asdict(self)


def record(
    log: str | Path, metrics: "Sequence[Metrics | str | Path]", target: str | Path | None = None
) -> Record:
    """Join a training log and the metrics of the pipeline that was trained.

    log (str | Path): What the logger spacy_ner_plus.TrainingLog.v1 wrote.
    metrics (Sequence[Metrics | str | Path]): What `evaluate` gave, or the files that it wrote.
    target (str | Path): The JSON file to write. Default: none is written.
    RAISES (UserError): Where something can't be read or written.
    """
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics
    from spacy_ner_plus.files import write_whole

    target = None if target is None else Path(target)
    files = [("metrics", found) for found in metrics if isinstance(found, str | Path)]
    check_targets({"the record": target}, [("the training log", log), *files])
    run, *steps = read_log(log)
    found = [some if isinstance(some, Metrics) else Metrics.from_file(some) for some in metrics]
    result = Record(run, _summarize_training(steps), [_summarize(some) for some in found])
    if target is not None:
        text = json.dumps(result.to_dict(), indent=2, ensure_ascii=False)
        write_whole(target, f"{text}\n".encode())
    return result


def _summarize_training(steps: Sequence[Mapping[str, Any]]) -> TrainingSummary:
    best = max(steps, key=lambda step: (step["score"], -step["step"]))
    last = steps[-1]
    return TrainingSummary(
        last["seconds"], last["epoch"] + 1, last["words"], best["step"], round(best["score"], 4)
    )


def _summarize(metrics: Mapping[str, Any]) -> EvaluationSummary:
    seqeval = metrics["seqeval"]
    return EvaluationSummary(
        corpus=metrics["corpus"],
        tokens=metrics["settings"]["tokens"],
        precision=round(seqeval["precision"], 4),
        recall=round(seqeval["recall"], 4),
        f1=round(seqeval["f1"], 4),
        spacy_f1=round(metrics["ents_f"], 4),
        words_per_second=round(metrics["speed"]),
        baseline_f1=round(metrics["baseline"]["f1"], 4) if "baseline" in metrics else None,
    )
