"""What a model was trained from, kept beside it: settings, corpora, encoder, versions."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinc.api import Config

NAME = "training.json"
FORMAT = 1
# Sections whose values may be files and folders that a training reads.
SECTIONS = ("paths", "corpora", "initialize")
# Keys under [components] whose values may name an encoder, or a pipeline that a component is taken from.
ENCODERS = ("encoder", "name", "source")
PACKAGES = ("spacy-ner-plus", "spacy", "thinc", "torch", "transformers")


@dataclass(frozen=True)
class Origin:
    """What a training starts from: the same again gives the same model.

    settings (Mapping[str, Any]): Of the config, overrides among them, by dotted key; variables as they stand.
    files (Mapping[str, str | None]): Hashes of the files and folders that the config names, and of encoders by name;
        None for one that isn't on this machine yet.
    calibrated (bool): Whether a temperature is fitted on the development set.
    versions (Mapping[str, str]): Of the packages and of Python; they don't decide whether it is the same.
    """

    settings: Mapping[str, Any]
    files: Mapping[str, str | None]
    calibrated: bool
    versions: Mapping[str, str]

    def differences(self, other: "Origin") -> list[str]:
        """RETURNS (list[str]): What differs in the other, in words, versions aside; nothing where it is the same."""
        found = [
            f"{key} is {json.dumps(other.settings.get(key))}, not {json.dumps(self.settings.get(key))}"
            for key in sorted(self.settings.keys() | other.settings.keys())
            if self.settings.get(key) != other.settings.get(key)
        ]
        found += [
            f"'{name}' has changed"
            for name in sorted(self.files.keys() & other.files.keys())
            if self.files[name] != other.files[name]
        ]
        if self.files.keys() != other.files.keys() and not found:
            found.append(f"it reads {', '.join(other.files) or 'no files'}, not {', '.join(self.files)}")
        if self.calibrated != other.calibrated:
            found.append("it is to be calibrated" if other.calibrated else "it isn't to be calibrated")
        return found

    def other_versions(self, other: "Origin") -> list[str]:
        """RETURNS (list[str]): Packages of another version there, such as 'spacy 3.8.17, now 3.8.18'."""
        return [
            f"{name} {self.versions[name]}, now {other.versions[name]}"
            for name in self.versions.keys() & other.versions.keys()
            if self.versions[name] != other.versions[name]
        ]

    def to_json(self, model: str) -> bytes:
        """Write it down.

        model (str): Hash of the model that was trained.
        RETURNS (bytes): For a file that `read_origin` reads.
        """
        text = json.dumps({"format": FORMAT, "model": model, **asdict(self)}, indent=2, ensure_ascii=False)
        return f"{text}\n".encode()


def read_origin(path: Path) -> tuple[Origin, str] | None:
    """RETURNS (tuple[Origin, str] | None): What a model was trained from, and the model's hash; None where that isn't
    known."""
    try:
        kept = json.loads(path.read_text(encoding="utf8"))
        if kept.pop("format") != FORMAT:
            return None
        model = kept.pop("model")
        return Origin(**kept), model
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def find_origin(config: "Config", *, calibrated: bool, code: Path | None = None) -> Origin:
    """Find what a training is going to start from.

    config (Config): With overrides, and with its variables.
    calibrated (bool): As in `Origin`.
    code (Path): A Python file that is run before. Default: none.
    """
    plain = config.interpolate()
    named = {
        value for name in SECTIONS for _, value in _leaves(plain.get(name, {})) if isinstance(value, str)
    }
    log = plain.get("paths", {}).get("log")
    encoders = {
        value
        for key, value in _leaves(plain.get("components", {}))
        if isinstance(value, str) and key.rpartition(".")[2] in ENCODERS
    }
    files = {name: hash_path(Path(name)) for name in sorted(named - {"", log}) if Path(name).exists()}
    files |= {name: _encoder_hash(name) for name in sorted(encoders - files.keys() - {""})}
    if code is not None:
        files[str(code)] = hash_path(code)
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    settings = dict(_leaves(config))
    settings.pop("paths.log", None)
    return Origin(settings, files, calibrated, versions)


def hash_path(path: Path) -> str:
    """RETURNS (str): SHA-256 of a file, or of a folder's files with their names."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    found = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        found.update(f"{file.relative_to(path).as_posix()}\n{hash_path(file)}\n".encode())
    return found.hexdigest()


def _encoder_hash(name: str) -> str | None:
    """The content of an encoder that is a folder or packaged, the commit of one that came from the hub."""
    from transformers.utils import cached_file

    from spacy_ner_plus.models.encoders.packaged import encoder_path_v1

    folder = Path(encoder_path_v1(name))
    if folder.exists():
        return hash_path(folder)
    try:
        # .../snapshots/COMMIT/config.json
        cached = cached_file(name, "config.json", local_files_only=True)
    except (OSError, ValueError):
        return None
    return Path(cached).parent.name if cached else None


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        else:
            yield name, value
