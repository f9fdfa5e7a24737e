"""The files of local models that are saved with a component, or their names and hashes."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.file_hashes import file_sha256
from spacy_ner_plus.files import written_whole
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.local.find import find_adapter, find_by_hash, find_model, kept_models_folder
from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

# Digits of a hash that name a folder.
_DIGITS = 16


@dataclass(frozen=True)
class _Saved:
    """A file that a setting named.

    sha256 (str): Of its bytes.
    file (str): Its name.
    copied (bool): Whether it lies with the component.
    """

    sha256: str
    file: str
    copied: bool

    @property
    def place(self) -> str:
        """RETURNS (str): Where it lies in the component's folder."""
        return f"{self.sha256[:_DIGITS]}/{self.file}"


class LocalWeights:
    """Files of local models, by the settings that name them: those that were saved with the component come first."""

    def __init__(self):
        self._saved: dict[str, _Saved] = {}
        # Where saved files lie, by their hash.
        self._paths: dict[str, Path] = {}

    def model_of(self, given: Any, name: str) -> Any:
        """Name the files that were saved, in place of what the settings name.

        given (Any): The setting `model`: a mapping, or a chat model.
        name (str): The component, for messages.
        RETURNS (Any): The same, or one of the same kind.
        RAISES (UserError): Where a file that was saved by its hash isn't here.
        """
        local, adapters = _local_of(given)
        if local not in self._saved:
            return given
        changes: dict[str, Any] = {"local": str(self._find(local, lambda: find_model(local), name))}
        if adapters:
            changes["adapters"] = {
                key: str(self._find(path, lambda path=path: find_adapter(path, local), name))
                for key, path in adapters.items()
            }
        return {**given, **changes} if isinstance(given, Mapping) else given.with_settings(**changes)

    def note(self, models: Iterable[Any], name: str) -> None:
        """Find out what is to be saved.

        models (Iterable[Any]): The setting `model` of the component and of its variants.
        RAISES (UserError): Where a file isn't here.
        """
        saved: dict[str, _Saved] = {}
        for given in models:
            local, adapters = _local_of(given)
            if local is None:
                continue
            copied = _setting(given, "local_weights") != "reference"
            known = KNOWN_MODELS.get(local)
            if not copied and known is not None:  # whose hash is known without it
                saved[local] = _Saved(known.sha256, known.file, False)
            else:
                self._note(saved, local, lambda local=local: find_model(local), name, copied=copied)
            for path in (adapters or {}).values():
                find = lambda path=path, local=local: find_adapter(path, local)  # noqa: E731
                self._note(saved, path, find, name, copied=copied)
        self._saved = saved

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): By setting, what it named, for JSON."""
        return {given: asdict(saved) for given, saved in self._saved.items()}

    def load(self, data: Mapping[str, Any]) -> None:
        """Take over what `to_dict` gave."""
        self._saved = {given: _Saved(**saved) for given, saved in data.items()}
        self._paths = {}

    def write(self, folder: Path) -> None:
        """Write the files that are to lie with the component.

        RAISES (UserError): Where one can't be written.
        """
        copies = {saved.place: self._paths[saved.sha256] for saved in self._saved.values() if saved.copied}
        for place, source in copies.items():
            target = folder / place
            if target.exists() and target.samefile(source):
                continue
            with written_whole(target) as beside:
                shutil.copyfile(source, beside)
        for path in folder.glob("*/*.gguf"):  # of an earlier save
            if path.relative_to(folder).as_posix() not in copies:
                path.unlink()

    def read(self, folder: Path) -> None:
        """Note where the files lie that are saved with the component."""
        for saved in self._saved.values():
            if saved.copied:
                self._paths[saved.sha256] = folder / saved.place

    def to_bytes(self) -> dict[str, bytes]:
        """RETURNS (dict[str, bytes]): The files that are to lie with the component, by hash."""
        copied = {saved.sha256 for saved in self._saved.values() if saved.copied}
        return {sha256: self._paths[sha256].read_bytes() for sha256 in sorted(copied)}

    def from_bytes(self, files: Mapping[str, bytes]) -> None:
        """Write files to the user's cache folder, unless they are there: a server reads them from the disk.

        RAISES (UserError): Where there is no such folder.
        """
        for saved in self._saved.values():
            if not saved.copied or saved.sha256 not in files:
                continue
            path = find_by_hash(saved.sha256)
            if path is None:
                path = kept_models_folder() / f"{Path(saved.file).stem}-{saved.sha256[:_DIGITS]}.gguf"
                with written_whole(path) as beside:
                    beside.write_bytes(files[saved.sha256])
            self._paths[saved.sha256] = path

    def _note(
        self, saved: dict[str, _Saved], given: str, find: Callable[[], Path], name: str, *, copied: bool
    ) -> None:
        path = self._find(given, find, name) if given in self._saved else find()
        sha256 = file_sha256(path)
        before = saved.get(given)
        saved[given] = _Saved(sha256, path.name, copied or (before is not None and before.copied))
        self._paths[sha256] = path

    def _find(self, given: str, find: Callable[[], Path], name: str) -> Path:
        """RETURNS (Path): The file that a setting named when it was saved, wherever it is now."""
        saved = self._saved[given]
        path = self._paths.get(saved.sha256)
        if path is not None and path.is_file():
            return path
        try:
            path = find()
            path = path if file_sha256(path) == saved.sha256 else None
        except UserError:
            path = None
        path = path or find_by_hash(saved.sha256)
        if path is None:
            remedy = f"Give where that file is, or another model, as components.{name}.model.local."
            if given in KNOWN_MODELS:
                remedy = f"Run: spacy-ner-plus llm install {given}"
            shown = {"local": given, "sha256": saved.sha256, "name": name, "remedy": remedy}
            raise UserError(Errors.E882.format(**shown))
        self._paths[saved.sha256] = path
        return path


def _local_of(given: Any) -> tuple[str | None, Mapping[str, str] | None]:
    return _setting(given, "local"), _setting(given, "adapters")


def _setting(given: Any, name: str) -> Any:
    if given is None or isinstance(given, Mapping):
        return (given or {}).get(name)
    settings = getattr(given, "settings", None)
    return getattr(settings, name) if isinstance(settings, ChatSettings) else None
