"""One table in which models of several kinds meet: how good, how large, how fast, and what training them took."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.targets import check_targets

if TYPE_CHECKING:
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

NOTHING = "\u2013"
COLUMNS = ("Strict F1", "Trained parameters", "Seconds of training", "Documents a second", "MB on disk")
# What `llm finetune` notes, and our own tagger where it is saved; both say there what was trained.
_FINETUNED, _TAGGER = "training.json", "tagger.json"
_TRAINED = "trained_parameters"
# The files of thinc models: those of spaCy's components, and ours.
_THINC = ("model", "model.msgpack")


@dataclass(frozen=True)
class ModelRow:
    """A model in short.

    name (str): What it is called.
    f1 (float): Strict, from 0 to 1.
    interval (tuple[float, float] | None): 95 %, where the metrics have one.
    trained (int | None): Numbers that were trained; None where nothing was, or it isn't noted.
    seconds (float | None): That training took; None where nothing was trained, or it isn't noted.
    documents_per_second (float | None): While predicting; None where that was done elsewhere.
    bytes (int | None): Of the files that it needs; None where none is named.
    """

    name: str
    f1: float
    interval: tuple[float, float] | None
    trained: int | None
    seconds: float | None
    documents_per_second: float | None
    bytes: int | None

    def cells(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): Its name and COLUMNS, as they are shown."""
        sure = "" if self.interval is None else f" ({self.interval[0]:.3f} to {self.interval[1]:.3f})"
        return (
            self.name,
            f"{self.f1:.3f}{sure}",
            NOTHING if self.trained is None else f"{self.trained:,}",
            NOTHING if self.seconds is None else f"{self.seconds:,.0f}",
            NOTHING if self.documents_per_second is None else f"{self.documents_per_second:,.1f}",
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
    strict = metrics["schemes"]["strict"]
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
        _speed(metrics),
        sum(file.stat().st_size for file in files) if paths else None,
    )


def _speed(metrics: "Metrics") -> float | None:
    seconds = metrics["performance"].get("seconds")
    # What a file of predictions took to be read says nothing of who made them.
    is_told = seconds and "entity_lists" not in metrics["settings"]
    return metrics["corpus"]["documents"] / seconds if is_told else None


def trained_parameters(path: Path) -> int | None:
    """Count what was trained of a model, as its files note it: of an adapter its own numbers and those of all that
    stands on the encoder, of frozen layers none.

    path (Path): A pipeline's folder, or one that `llm finetune` wrote.
    RETURNS (int | None): None where nothing was trained that lies there, or its files don't tell of one of its
        networks: earlier versions noted nothing.
    RAISES (UserError): Where a file is broken.
    """
    if (path / _FINETUNED).is_file():
        noted = _json_object(path / _FINETUNED).get(_TRAINED)
        return noted if isinstance(noted, int) else None
    files = list(_files(path)) if path.is_dir() else []
    counted = [_json_object(file).get(_TRAINED) for file in files if file.name == _TAGGER]
    counted += [_thinc_parameters(file) for file in files if file.name in _THINC]
    return sum(counted) if counted and all(isinstance(count, int) for count in counted) else None


def _thinc_parameters(path: Path) -> int | None:
    """RETURNS (int | None): How many numbers a thinc model has; None where other libraries hold some of them."""
    import srsly

    try:
        content = srsly.msgpack_loads(path.read_bytes())
        arrays = [array for params in content["params"] for array in params.values() if array is not None]
        return None if any(content["shims"]) else sum(array.size for array in arrays)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(Errors.E935.format(path=path, reason=str(error) or type(error).__name__)) from error


def _json_object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise UserError(Errors.E935.format(path=path, reason=error)) from error
    return found if isinstance(found, dict) else {}


def training_seconds(path: Path) -> float | None:
    """RETURNS (float | None): What a training took, as `llm finetune` notes it in the model's folder, or the log that
    lies beside a pipeline's; None where there is no note."""
    try:
        if (path / _FINETUNED).is_file():
            return float(json.loads((path / _FINETUNED).read_text(encoding="utf8"))["seconds"])
        log = path.parent / "log.jsonl"
        lines = log.read_text(encoding="utf8").splitlines() if path.is_dir() else []
        return float(json.loads(lines[-1])["seconds"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


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
