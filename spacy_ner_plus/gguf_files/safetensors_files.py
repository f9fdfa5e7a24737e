"""Tensors of safetensors files as numpy has them, also those of bfloat16, which it doesn't know."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spacy_ner_plus.errors import Errors, UserError

_INDEX = "model.safetensors.index.json"
_ONE = "model.safetensors"
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def read_json(path: Path) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What a JSON file of a model's folder holds.
    RAISES (UserError): Where it can't be read."""
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise UserError(Errors.E101.format(path=path, reason=error.strerror or error)) from None
    except ValueError as error:
        raise UserError(Errors.E891.format(path=path, reason=error)) from None
    if not isinstance(found, dict):
        raise UserError(Errors.E891.format(path=path, reason="it holds no mapping"))
    return found


def model_files(folder: Path) -> list[Path]:
    """RETURNS (list[Path]): The files with a model's weights, in order.
    RAISES (UserError): Where there are none."""
    # Where there are both, the index is of an earlier model; transformers takes the one file, too.
    if (folder / _ONE).is_file():
        return [folder / _ONE]
    if (folder / _INDEX).is_file():
        names = sorted(set(read_json(folder / _INDEX).get("weight_map", {}).values()))
        return [folder / Path(name).name for name in names]
    raise UserError(Errors.E892.format(folder=folder, file=_ONE))


def read_tensors(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Read a safetensors file, a tensor at a time.

    YIELDS (tuple[str, np.ndarray]): Name and tensor, of float32 or float16; bfloat16 becomes float32.
    RAISES (UserError): Where it can't be read.
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size < (1 << 28) else None
        data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + size)
        rows = [(name, row) for name, row in header.items() if name != "__metadata__"]
    except OSError as error:
        raise UserError(Errors.E101.format(path=path, reason=error.strerror or error)) from None
    except (ValueError, AttributeError):
        raise UserError(Errors.E891.format(path=path, reason="it is no safetensors file")) from None
    for name, row in rows:
        if row["dtype"] not in _TYPES:
            reason = f"'{name}' has the type {row['dtype']}, and only floats are taken"
            raise UserError(Errors.E891.format(path=path, reason=reason))
        start, end = row["data_offsets"]
        if end > len(data):
            raise UserError(Errors.E891.format(path=path, reason="it ends too early"))
        flat = np.frombuffer(data[start:end].tobytes(), dtype=_TYPES[row["dtype"]])
        if row["dtype"] == "BF16":
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        elif row["dtype"] == "F64":
            flat = flat.astype(np.float32)
        yield name, flat.reshape(row["shape"])
