"""One table in which models of several kinds meet: how good, how large, how fast, and what training them took."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.targets import check_targets

if TYPE_CHECKING:
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

NOTHING = "\u2013"
COLUMNS = ("Strict F1", "Trained parameters", "Seconds of training", "Documents a second", "MB on disk")
# Of an adapter that peft wrote, and of all weights.
_ADAPTER, _WEIGHTS = "adapter_model.safetensors", "model.safetensors"
# What stands in a network's file and belongs to its encoder.
_ENCODER = "encoder."


@dataclass(frozen=True)
class ModelRow:
    """A model in short.

    name (str): What it is called.
    f1 (float): Strict, from 0 to 1.
    interval (tuple[float, float] | None): 95 %, where the metrics have one.
    trained (int | None): Numbers that were trained; None where nothing was.
    seconds (float | None): That training took; None where nothing was trained, or it isn't noted.
    documents_per_second (float): While predicting.
    bytes (int | None): Of the files that it needs; None where none is named.
    """

    name: str
    f1: float
    interval: tuple[float, float] | None
    trained: int | None
    seconds: float | None
    documents_per_second: float
    bytes: int | None

    def cells(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): Its name and COLUMNS, as they are shown."""
        sure = "" if self.interval is None else f" ({self.interval[0]:.3f} to {self.interval[1]:.3f})"
        return (
            self.name,
            f"{self.f1:.3f}{sure}",
            NOTHING if self.trained is None else f"{self.trained:,}",
            NOTHING if self.seconds is None else f"{self.seconds:,.0f}",
            f"{self.documents_per_second:,.1f}",
            NOTHING if self.bytes is None else f"{self.bytes / 1e6:,.0f}",
        )


def model_table(
    metrics: "Mapping[str, Metrics | str | Path]",
    models: Mapping[str, Sequence[str | Path]] | None = None,
    target: str | Path | None = None,
) -> list[ModelRow]:
    """Set models beside each other.

    metrics (Mapping[str, Metrics | str | Path]): By name what `evaluate` gave, or the file that it wrote; all of one
        corpus.
    models (Mapping[str, Sequence[str | Path]]): By name the files and folders that a model needs: a pipeline that
        `train` made, a folder of `llm finetune`, GGUF files, 'local:smollm2'. Default: sizes and training aren't told.
    target (str | Path): Where the table is written, as Markdown; beside it as JSON. Default: nowhere.
    RETURNS (list[ModelRow]): In the order of the metrics.
    RAISES (UserError): Where something can't be read, is of another corpus, or has no metrics.
    """
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics
    from spacy_ner_plus.files import write_whole

    models = models or {}
    target = None if target is None else Path(target)
    kept = [("metrics", found) for found in metrics.values() if isinstance(found, str | Path)]
    beside = None if target is None else target.with_suffix(".json")
    check_targets({"the table": target, "the table as JSON": beside}, kept)
    if stray := [name for name in models if name not in metrics]:
        raise UserError(Errors.E931.format(name=stray[0], names=", ".join(metrics)))
    rows, corpora = [], {}
    for name, given in metrics.items():
        found = given if isinstance(given, Metrics) else Metrics.from_file(given)
        corpora.setdefault(found["corpus"]["fingerprint"], name)
        rows.append(_row(name, found, [_path(path) for path in models.get(name, ())]))
    if len(corpora) > 1:
        one, other, *_ = corpora.values()
        raise UserError(Errors.E932.format(one=one, other=other))
    if target is not None and beside is not None:
        write_whole(target, markdown(rows).encode())
        text = json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False)
        write_whole(beside, f"{text}\n".encode())
    return rows


def _path(given: str | Path) -> Path:
    from spacy_ner_plus.llm.local.addresses import local_name
    from spacy_ner_plus.llm.local.find import find_model

    local = local_name(str(given))
    return Path(given) if local is None else find_model(local)


def markdown(rows: Sequence[ModelRow]) -> str:
    """RETURNS (str): The table."""
    lines = [f"| | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row.cells())} |" for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _row(name: str, metrics: "Metrics", paths: Sequence[Path]) -> ModelRow:
    strict, performance = metrics["schemes"]["strict"], metrics["performance"]
    interval = (strict.get("interval") or {}).get("f1")
    if absent := [path for path in paths if not path.exists()]:
        raise UserError(Errors.E933.format(path=absent[0], name=name))
    counted = [count for path in paths if (count := trained_parameters(path)) is not None]
    noted = [seconds for path in paths if (seconds := training_seconds(path)) is not None]
    files = {file.resolve(): None for path in paths for file in _files(path)}
    return ModelRow(
        name,
        round(strict["f1"], 4),
        None if interval is None else (round(interval[0], 4), round(interval[1], 4)),
        sum(counted) if counted else None,
        round(sum(noted), 1) if noted else None,
        metrics["corpus"]["documents"] / max(performance.get("seconds", 0.0), 1e-9),
        sum(file.stat().st_size for file in files) if paths else None,
    )


def trained_parameters(path: Path) -> int | None:
    """Count what was trained of a model, by the names and shapes that its files tell; no weights are read.

    path (Path): A pipeline's folder, or one that `llm finetune` wrote.
    RETURNS (int | None): Of an adapter its own numbers and those of all that stands on the encoder, else all; None
        where nothing was trained that lies there, or its files don't tell: of an adapter that was saved merged.
    """
    if not path.is_dir() or training_seconds(path) is None:
        return None
    if _is_adapted(path) and not any(file.name == _ADAPTER for file in _files(path)):
        return None
    if (path / "training.json").is_file():
        noted = json.loads((path / "training.json").read_text(encoding="utf8")).get("trained_parameters")
        if noted is not None:
            return int(noted)
    counted: int | None = None
    for folder in sorted({file.parent for file in _files(path) if file.name in (_ADAPTER, _WEIGHTS)}):
        adapter, weights = folder / _ADAPTER, folder / _WEIGHTS
        count = 0
        if adapter.exists():
            count += _numbers(_shapes(adapter))
            # A base that lies beside its adapter, or an adapter merged into it, wasn't trained.
            shapes = _shapes(weights) if weights.exists() and folder != path else {}
            count += _numbers({key: shape for key, shape in shapes.items() if not key.startswith(_ENCODER)})
        else:
            count += _numbers(_shapes(weights))
        counted = (counted or 0) + count
    return counted


def _is_adapted(path: Path) -> bool:
    """Whether a component of a pipeline was trained by an adapter, as its config says."""
    from thinc.api import Config

    if not (path / "config.cfg").is_file():
        return False
    try:
        config = Config().from_disk(path / "config.cfg", interpolate=False)
    except ValueError as error:
        raise UserError(Errors.E935.format(path=path / "config.cfg", reason=error)) from error
    models = [component.get("model") for component in config.get("components", {}).values()]
    return any(isinstance(model, dict) and (model.get("lora") or {}).get("r") for model in models)


def training_seconds(path: Path) -> float | None:
    """RETURNS (float | None): What a training took, as `llm finetune` notes it in the model's folder, or the log that
    lies beside a pipeline's; None where there is no note."""
    try:
        if (path / "training.json").is_file():
            return float(json.loads((path / "training.json").read_text(encoding="utf8"))["seconds"])
        log = path.parent / "log.jsonl"
        lines = log.read_text(encoding="utf8").splitlines() if path.is_dir() else []
        return float(json.loads(lines[-1])["seconds"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _shapes(path: Path) -> dict[str, list[int]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise UserError(Errors.E935.format(path=path, reason=error)) from error


def _numbers(shapes: Mapping[str, Sequence[int]]) -> int:
    return sum(prod(shape) for shape in shapes.values())


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for file in sorted(path.rglob("*")) if path.is_dir() else ():
        if file.is_file():
            yield file


def parse_rows(rows: Sequence[str], models: Sequence[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Read the words of a command line.

    rows (Sequence[str]): Each NAME=METRICS.
    models (Sequence[str]): Each NAME=PATH; several of a name belong together.
    RETURNS (tuple[dict[str, str], dict[str, list[str]]]): Metrics and models by name.
    RAISES (UserError): Where one has another form, or a name has two metrics.
    """
    metrics: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for words, is_model in ((rows, False), (models, True)):
        for word in words:
            name, equals, path = word.rpartition("=")
            if not equals or not name or not path or (not is_model and name in metrics):
                raise UserError(Errors.E934.format(word=word))
            if is_model:
                found.setdefault(name, []).append(path)
            else:
                metrics[name] = path
    return metrics, found
