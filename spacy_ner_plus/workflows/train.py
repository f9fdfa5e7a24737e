"""Training by spaCy, in a folder that takes the target's place only when a model is trained."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import cant_write
from spacy_ner_plus.workflows.arguments.pipelines import import_code
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.calibrate import Calibrated, calibrate

if TYPE_CHECKING:
    from thinc.api import Config

LOG = "log.jsonl"
PLOT = "reliability.svg"


@dataclass(frozen=True)
class Training:
    """What `train` did.

    model (Path): The trained pipeline.
    trained (bool): False where the target had a model of the same origin already, which was left as it is.
    changes (list[str]): Why a model that was there was trained again: what is another than then.
    notes (list[str]): What is worth knowing of a model that was left as it is.
    calibrated (Calibrated | None): As `calibrate` gives it; None where that wasn't asked for.
    """

    model: Path
    trained: bool
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    calibrated: Calibrated | None = None


def train(
    config: str | Path,
    target: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    calibrated: bool = False,
    force: bool = False,
    gpu_id: int = -1,
    code: str | Path | None = None,
    stdout: IO[str] | None = None,
    stderr: IO[str] | None = None,
) -> Training:
    """Train a pipeline as `spacy train` does, with the same result; what was in the target stays until that is done.

    The model, the training log and what both were made from are written to a new folder beside the target. They take
    their places together, and only if the training ends with a model. Where the target holds a model of the same
    config, corpora and encoder (by their contents) already, nothing is trained.

    config (str | Path): A training config of spaCy's.
    target (str | Path): The folder for model-best, model-last, log.jsonl and training.json; what else is in it stays.
    overrides (Mapping[str, Any]): Settings by dotted key, such as {'paths.train': 'train.spacy'}. Default: none.
    calibrated (bool): Whether to fit the scores of a transformer_ner to the development set ([paths] dev) as
        `calibrate` does, with reliability.svg. Default: False.
    force (bool): Whether to train although the same model is there. Default: False.
    gpu_id (int): The GPU of spaCy's own layers; ours go by their `device`. Default: -1 for the CPU.
    code (str | Path): A Python file to run before. Default: none.
    stdout (IO[str]), stderr (IO[str]): Where spaCy's table goes, and why a model is trained again. Default: nowhere.
    RAISES (UserError): What the user can mend; the target is as it was then, and after a KeyboardInterrupt, too.
    """
    from spacy_ner_plus.workflows.training.fresh_folder import fresh_folder, move_into
    from spacy_ner_plus.workflows.training.origin import NAME, find_origin, hash_path, read_origin
    from spacy_ner_plus.workflows.training.spacy_training import BEST, LAST, load_config, run_training

    source, target = Path(config), Path(target)
    if target.exists() and not target.is_dir():
        raise cant_write(target, "it is a file")
    check_overlap({"the trained pipeline": target}, [("the config", source), ("the code", code)])
    if code is not None:
        import_code(Path(code))
    settings = load_config(source, dict(overrides or {}))
    dev = settings.interpolate().get("paths", {}).get("dev")
    if calibrated and not dev:
        raise UserError(Errors.E552.format(path=source))
    code_path = None if code is None else Path(code)
    origin = find_origin(settings, calibrated=calibrated, code=code_path)
    kept = read_origin(target / NAME) if (target / BEST / "config.cfg").is_file() else None
    changes = kept[0].differences(origin) if kept else []
    if kept and not changes and not force:
        return Training(target / BEST, False, notes=_notes(kept, origin, hash_path(target / BEST)))
    out = io.StringIO() if stdout is None else stdout
    for change in changes:
        out.write(f"Training again: {change}\n")
    with fresh_folder(target.absolute()) as fresh:
        _log_to(settings, fresh / LOG, overrides or {})
        names = {str(fresh): str(target)}
        run_training(
            settings,
            fresh,
            overrides=list(overrides or {}),
            gpu_id=gpu_id,
            source=source,
            stdout=_Renaming(out, names),
            stderr=_Renaming(io.StringIO() if stderr is None else stderr, names),
        )
        for model in (BEST, LAST):
            _rename_in_config(fresh / model / "config.cfg", fresh / LOG, target / LOG)
        fitted = calibrate(fresh / BEST, dev, in_place=True, plot=fresh / PLOT) if calibrated else None
        # An encoder of the hub is on this machine only now.
        files = find_origin(settings, calibrated=calibrated, code=code_path).files
        origin = replace(origin, files={**files, **{k: v for k, v in origin.files.items() if v is not None}})
        (fresh / NAME).write_bytes(origin.to_json(hash_path(fresh / BEST)))
        move_into(target.absolute(), fresh, (BEST, LAST, LOG, PLOT, NAME))
    return Training(target / BEST, True, changes=changes, calibrated=fitted)


def _notes(kept: tuple[Any, str], origin: Any, model_hash: str) -> list[str]:
    before, trained_hash = kept
    notes = []
    if versions := before.other_versions(origin):
        notes.append(f"It was trained by other versions: {', '.join(sorted(versions))}.")
    if trained_hash != model_hash:
        notes.append("Its files have changed since.")
    return notes


def _log_to(config: "Config", log: Path, overrides: Mapping[str, Any]) -> None:
    """Set where our logger writes, unless the user said where."""
    if "log" in config.get("paths", {}) and "paths.log" not in overrides:
        config["paths"]["log"] = str(log)


def _rename_in_config(path: Path, old: Path, new: Path) -> None:
    """Write the log's lasting place into a config that was saved with the passing one."""
    text = path.read_text(encoding="utf8")
    path.write_text(text.replace(json.dumps(str(old)), json.dumps(str(new))), encoding="utf8")


class _Renaming(io.TextIOBase):
    """A stream that names the target where spaCy names the folder beside it.

    stream (IO[str]): Where the text goes.
    names (Mapping[str, str]): New by old.
    """

    def __init__(self, stream: IO[str], names: Mapping[str, str]):
        self._stream = stream
        self._names = names

    def write(self, text: str) -> int:
        for old, new in self._names.items():
            text = text.replace(old, new)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()
