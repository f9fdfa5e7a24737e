"""Where the files of a local model are: by the name of a known one, a GGUF file, or a folder of safetensors."""

import hashlib
import json
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

from spacy_ner_plus.cache_folder import FOLDER, cache_folder
from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.file_hashes import file_sha256, files_sha256, weights_sha256
from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS, KnownModel

# What of a folder decides what it is converted to.
_WEIGHTS = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model")
_ADAPTER = "adapter_config.json"
# What `llm finetune` writes beside an adapter.
_TRAINING = "training.json"
# Of the conversion: what an earlier one made isn't taken.
_VERSION = 2


def models_folder() -> Path | None:
    """RETURNS (Path | None): Where GGUF files are kept; None where the user wants nothing kept, or has no home."""
    folder = cache_folder()
    return None if folder is None else folder / "models"


def kept_models_folder() -> Path:
    """RETURNS (Path): As `models_folder` gives it.

    RAISES (UserError): Where there is none.
    """
    folder = models_folder()
    if folder is None:
        raise UserError(Errors.E870.format(variable=FOLDER))
    return folder


def find_model(name: str) -> Path:
    """Find the GGUF file of a model; a folder of safetensors is converted to one the first time.

    name (str): A known model such as 'smollm2', a .gguf file, or a folder with config.json, tokenizer.json and
        safetensors.
    RETURNS (Path): The file.
    RAISES (UserError): Where there is none.
    """
    path = Path(name).expanduser()
    if name in KNOWN_MODELS and not path.exists():
        return _find_known(KNOWN_MODELS[name])
    if path.is_dir():
        return _converted(path)
    if path.is_file():
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise UserError(Errors.E871.format(path=path, reason="it isn't a GGUF file"))
        return path
    raise UserError(Errors.E872.format(name=name, known=", ".join(sorted(KNOWN_MODELS))))


def find_adapter(path: str, base: str) -> Path:
    """Find the GGUF file of an adapter; a folder that peft wrote is converted to one the first time.

    path (str): The file, or the folder with adapter_config.json and adapter_model.safetensors.
    base (str): The model that it adapts, as `find_model` takes it.
    RETURNS (Path): The file.
    RAISES (UserError): Where there is none.
    """
    given = Path(path).expanduser()
    if given.is_dir() and (given / _ADAPTER).is_file():
        from spacy_ner_plus.gguf_files import adapter_to_gguf

        base_path = Path(base).expanduser()
        of_base = base_path if base_path.is_dir() else find_model(base)
        _check_base(given, of_base)
        sources = [*_files(given), *(_files(of_base) if of_base.is_dir() else [of_base])]
        out = _place(f"adapter-{_digits(sources)}.gguf", path)
        return out if out.is_file() else adapter_to_gguf(given, of_base, out)
    if given.is_file():
        return find_model(path)
    reason = f"it has no {_ADAPTER}" if given.is_dir() else "it isn't there"
    raise UserError(Errors.E871.format(path=path, reason=reason))


def find_by_hash(sha256: str) -> Path | None:
    """RETURNS (Path | None): The file of this content among those that are kept, or of a known model; None for none."""
    folder = models_folder()
    kept = sorted(folder.glob("*.gguf")) if folder is not None and folder.is_dir() else []
    # A file that was kept by its hash bears it in its name.
    for path in sorted(kept, key=lambda path: sha256 not in path.name):
        if file_sha256(path) == sha256:
            return path
    for model in KNOWN_MODELS.values():
        if model.sha256 == sha256 and (path := _installed(model)) is not None:
            return path
    return None


def _find_known(model: KnownModel) -> Path:
    folder = models_folder()
    kept = None if folder is None else folder / model.file
    path = kept if kept is not None and kept.is_file() else _installed(model)
    if path is None:
        raise UserError(Errors.E873.format(name=model.name))
    if file_sha256(path) != model.sha256:
        raise UserError(Errors.E874.format(path=path, name=model.name))
    return path


def _installed(model: KnownModel) -> Path | None:
    """RETURNS (Path | None): The file in the wheel, where that is installed: its package isn't imported."""
    spec = find_spec(model.module)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (path := Path(folder, model.file)).is_file():
            return path
    return None


def _converted(folder: Path) -> Path:
    if (folder / _ADAPTER).is_file() and not (folder / "config.json").is_file():
        raise UserError(
            Errors.E871.format(path=folder, reason="it is an adapter: name its base, and it in `adapters`")
        )
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise UserError(Errors.E871.format(path=folder, reason="it lacks config.json or safetensors"))
    from spacy_ner_plus.gguf_files import folder_to_gguf

    # The same under whatever name the folder has.
    out = _place(f"model-{_digits(_files(folder))}.gguf", folder)
    return out if out.is_file() else folder_to_gguf(folder, out)


def _place(file: str, name: str | Path) -> Path:
    """RETURNS (Path): Where a converted file is, or can be written.

    name (str | Path): What is converted, for the message.
    RAISES (UserError): Where it can't be.
    """
    out = kept_models_folder() / file
    if not out.is_file():
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=out.parent):
                pass
        except OSError as error:
            shown = {"folder": out.parent, "reason": error.strerror or error, "variable": FOLDER}
            raise UserError(Errors.E946.format(name=name, **shown)) from None
    return out


def _digits(sources: list[Path]) -> str:
    return hashlib.sha256(f"{_VERSION} {files_sha256(sources)}".encode()).hexdigest()[:32]


def _check_base(adapter: Path, base: Path) -> None:
    """Warn where an adapter was trained on other weights. A folder and a GGUF file can't be told apart by them."""
    try:
        noted = json.loads((adapter / _TRAINING).read_text(encoding="utf8"))["base"]
        name, expected = str(noted["name"]), noted["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # of another's making
    if not expected or (Path(name).suffix == ".gguf") == base.is_dir():
        return
    found = weights_sha256(base)
    if found != expected:
        values = {"adapter": adapter, "base": name, "expected": expected, "given": base, "found": found}
        warnings.warn(Warnings.W387.format(**values), stacklevel=2)


def _files(folder: Path) -> list[Path]:
    return [path for pattern in _WEIGHTS for path in folder.glob(pattern) if path.is_file()]
