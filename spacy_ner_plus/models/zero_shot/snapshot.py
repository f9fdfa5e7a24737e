"""The folder of a model, here or on the hub; code that lies in it is never run."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub

WEIGHTS = "model.safetensors"
PICKLED = "pytorch_model.bin"
# Configurations and tokenizers. No program, and no weights that are unpickled.
SMALL = ("*.json", "*.txt", "*.model")
# Data in JSON, in which any key may be a word.
_NO_CONFIG = {"tokenizer.json", "vocab.json", "added_tokens.json", "special_tokens_map.json"}
# What `transformers` takes for the name of code to load.
_CODE = "auto_map"


def cant_load(name: str | Path, reason: str) -> UserError:
    """RETURNS (UserError): That a zero-shot model can't be loaded, with a sentence that says why."""
    return UserError(Errors.E621.format(name=name, reason=reason if reason.endswith(".") else f"{reason}."))


def find_snapshot(name: str, files: Sequence[str]) -> Path:
    """Find the folder of a model, and see that its configurations name no code.

    name (str): A folder, or a name on the hub, from where it is fetched unless it is in the hub's cache.
    files (Sequence[str]): Patterns of what is fetched.
    RETURNS (Path): The folder; not all of the files may be there.
    RAISES (UserError): Where there is no such folder and the hub can't be asked, within seconds; and where a
        configuration names code.
    """
    folder = Path(name)
    if folder.exists() and not folder.is_dir():
        raise cant_load(name, "it is a file, and no folder")
    if not folder.is_dir():
        folder = _fetch(name, files)
    for path in sorted([*folder.glob("*.json"), *folder.glob("*/*.json")]):
        if path.name not in _NO_CONFIG:
            refuse_code(read_json(path, name), path.relative_to(folder).as_posix(), name)
    return folder


def _fetch(name: str, files: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    problem = hub_problem(name)
    try:
        with quiet_hub():
            # What was fetched before is in the hub's cache.
            found = snapshot_download(name, allow_patterns=list(files), local_files_only=bool(problem))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        if problem:
            raise cant_load(name, not_here(problem)) from None
        raise cant_load(name, str(error).strip().splitlines()[0]) from error
    return Path(found)


def read_json(path: Path, name: str) -> Any:
    """RETURNS (Any): What a JSON file of a model holds.

    RAISES (UserError): Where it can't be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise cant_load(name, f"{path.name} can't be read ({error})") from None


def refuse_code(config: Any, file: str, name: str) -> None:
    """Refuse a configuration that names code of the model's own, at any depth.

    gliner and gliner2 let transformers run it without being asked.

    RAISES (UserError): Where it does.
    """
    if _CODE in keys_in(config):
        raise UserError(Errors.E623.format(name=name, file=file))


def keys_in(data: Any) -> Iterator[str]:
    """YIELDS (str): The keys of all mappings in what was read from JSON."""
    if isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from keys_in(value)
    elif isinstance(data, list):
        for value in data:
            yield from keys_in(value)
