"""A GLiNER or GLiNER2 model as files: configuration, tokenizers and weights, as they are saved with a pipeline.

What is read from a folder or the hub is brought into this form before a library sees it: nothing in it names a path,
an encoder on the hub, or code.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.zero_shot.snapshot import (
    PICKLED,
    SMALL,
    WEIGHTS,
    cant_load,
    find_snapshot,
    read_json,
    refuse_code,
)

GLINER_CONFIG = "gliner_config.json"
GLINER2_CONFIG = "config.json"
ENCODER_CONFIG = "encoder_config/config.json"
LABELS_TOKENIZER = "labels_tokenizer"
TOKENIZER_CONFIG = "tokenizer_config.json"
_TOKENIZER_FILES = (
    TOKENIZER_CONFIG, "tokenizer.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
    "merges.txt", "spm.model", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip
# Where something was read from, and how: of the machine on which it was.
_OF_THE_MACHINE = {
    "_name_or_path", "name_or_path", "special_tokens_map_file", "tokenizer_file", "is_local", "local_files_only",
    "cache_dir",
}  # fmt: skip
# These fetch models of their own when they are made, and unpickle them.
_UNSAFE_SPLITTERS = {"hanlp", "stanza"}
Library = Literal["gliner", "gliner2"]


@dataclass(frozen=True)
class Checkpoint:
    """A model, ready to be made.

    library (str): 'gliner' or 'gliner2'.
    files (dict[str, bytes]): Configurations and tokenizers by their path, with slashes.
    weights (Path | bytes): Safetensors.
    """

    library: Library
    files: dict[str, bytes]
    weights: Path | bytes

    def json(self, file: str) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): What one of its JSON files holds."""
        return json.loads(self.files[file])


def read_checkpoint(name: str) -> Checkpoint:
    """Read a model.

    name (str): A folder, or a name on the hub.
    RAISES (UserError): Where it isn't there or is none, its weights are pickled, or code comes with it.
    """
    if not name:
        raise UserError(Errors.E620)
    folder = find_snapshot(name, [*SMALL, WEIGHTS])
    library = library_of(folder, name)
    if not (folder / WEIGHTS).is_file():
        raise UserError(Errors.E622.format(name=name, weights=WEIGHTS, pickled=PICKLED))
    return Checkpoint(library, read_files(folder, library, name), folder / WEIGHTS)


def library_of(folder: Path, name: str) -> Library:
    """RETURNS (str): The library of a folder's model.

    RAISES (UserError): Where it is of none.
    """
    if (folder / GLINER_CONFIG).is_file():
        return "gliner"
    if (folder / ENCODER_CONFIG).is_file() and (folder / GLINER2_CONFIG).is_file():
        return "gliner2"
    raise cant_load(
        name, f"it has no {GLINER_CONFIG}, as GLiNER's models do, and no {ENCODER_CONFIG}, as GLiNER2's do"
    )


def read_files(folder: Path, library: Library, name: str) -> dict[str, bytes]:
    """RETURNS (dict[str, bytes]): Configurations and tokenizers of a model's folder, with those of encoders that are
    only named there."""
    if library == "gliner2":
        config = read_json(folder / GLINER2_CONFIG, name)
        encoder = read_json(folder / ENCODER_CONFIG, name)
        return {
            GLINER2_CONFIG: to_json({**config, "model_name": plain_name(config.get("model_name"))}),
            ENCODER_CONFIG: to_json(encoder),
            **_tokenizer(folder, name),
        }
    config = read_json(folder / GLINER_CONFIG, name)
    splitter = config.get("words_splitter_type")
    if splitter in _UNSAFE_SPLITTERS:
        raise cant_load(name, f"it cuts words by '{splitter}', which fetches a model and unpickles it")
    files: dict[str, bytes] = {}
    for key, part in (("model_name", ""), ("labels_encoder", LABELS_TOKENIZER)):
        encoder = config.get(key)
        if key != "model_name" and not encoder:
            continue
        settings = "encoder_config" if key == "model_name" else f"{key}_config"
        if not config.get(settings):
            config[settings] = _encoder_config(encoder, config, is_text=key == "model_name")
        # A saved model has its tokenizers; of earlier ones those of the encoder are meant.
        source = folder / part if (folder / part / TOKENIZER_CONFIG).is_file() else None
        tokenizer = _tokenizer(source or find_snapshot(encoder, SMALL), name)
        files |= {f"{part}/{file}" if part else file: data for file, data in tokenizer.items()}
        config[key] = plain_name(encoder)
    return {GLINER_CONFIG: to_json(config), **files}


def _encoder_config(encoder: str, config: dict[str, Any], *, is_text: bool) -> dict[str, Any]:
    """What gliner would look up: the configuration of an encoder that is only named."""
    found = read_json(find_snapshot(encoder, SMALL) / "config.json", encoder)
    if is_text and config.get("vocab_size", -1) != -1:
        found["vocab_size"] = config["vocab_size"]
    return found


def _tokenizer(folder: Path, name: str) -> dict[str, bytes]:
    files = {file: (folder / file).read_bytes() for file in _TOKENIZER_FILES if (folder / file).is_file()}
    if not files:
        raise cant_load(name, "it has no tokenizer")
    if TOKENIZER_CONFIG in files:
        files[TOKENIZER_CONFIG] = to_json(read_json(folder / TOKENIZER_CONFIG, name))
    return files


def plain_name(encoder: Any) -> str:
    """RETURNS (str): The name of an encoder, without the folder that it was read from."""
    name = str(encoder or "encoder").replace("\\", "/").rstrip("/")
    is_path = name.startswith((".", "/", "~")) or name.count("/") > 1 or ":" in name
    return name.rpartition("/")[2] if is_path else name


def to_json(config: dict[str, Any]) -> bytes:
    """RETURNS (bytes): A configuration as JSON, without what is of this machine."""
    return (json.dumps(_without_machine(config), indent=2, sort_keys=True) + "\n").encode("utf8")


def _without_machine(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_machine(value) for key, value in data.items() if key not in _OF_THE_MACHINE}
    return [_without_machine(value) for value in data] if isinstance(data, list) else data


def saved_checkpoint(files: dict[str, bytes], weights: Path | bytes, where: str) -> Checkpoint:
    """Take over what was saved with a pipeline, which may have been changed since.

    files (dict[str, bytes]): By their path, with slashes.
    where (str): For messages.
    RAISES (UserError): Where files are missing or broken, or name code.
    """
    library: Library = "gliner" if GLINER_CONFIG in files else "gliner2"
    needed = {
        "gliner": (GLINER_CONFIG, TOKENIZER_CONFIG),
        "gliner2": (GLINER2_CONFIG, ENCODER_CONFIG, TOKENIZER_CONFIG),
    }
    for file in needed[library]:
        if file not in files:
            raise cant_load(where, f"{file} is missing")
    for file, data in files.items():
        if file.rpartition("/")[2] not in ("tokenizer.json", "vocab.json") and file.endswith(".json"):
            try:
                refuse_code(json.loads(data), file, where)
            except UserError:
                raise
            except ValueError as error:
                raise cant_load(where, f"{file} can't be read ({error})") from None
    return Checkpoint(library, files, weights)
