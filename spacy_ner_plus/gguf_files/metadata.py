"""What a GGUF file says of itself, read without its tensors."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from spacy_ner_plus.errors import Errors, UserError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
# By the number of a value's type: how struct reads it.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# Longer ones are no text of a model, but a broken file.
_LONGEST = 1 << 28
_ALIGNMENT = 32


@dataclass(frozen=True)
class TensorPlace:
    """Where a tensor lies in a GGUF file.

    shape (tuple[int, ...]): As numpy has it: rows first.
    kind (int): The number of its type.
    offset (int): Of its first byte in the file.
    """

    shape: tuple[int, ...]
    kind: int
    offset: int


def read_metadata(path: Path) -> dict[str, Any]:
    """Read the metadata of a GGUF file.

    path (Path): The file.
    RETURNS (dict[str, Any]): By key, such as 'general.architecture' or 'llama.context_length': strings, numbers,
        booleans, and lists of these.
    RAISES (UserError): Where it can't be read or is no GGUF file.
    """
    return read_header(path)[0]


def read_header(path: Path) -> tuple[dict[str, Any], dict[str, TensorPlace]]:
    """RETURNS (tuple[dict[str, Any], dict[str, TensorPlace]]): The metadata of a GGUF file, and its tensors by name.
    RAISES (UserError): Where it can't be read or is no GGUF file."""
    try:
        with Path(path).open("rb") as file:
            return _read(file, path)
    except OSError as error:
        raise UserError(Errors.E101.format(path=path, reason=error.strerror or error)) from None
    except (struct.error, UnicodeDecodeError, KeyError, MemoryError, OverflowError):
        raise UserError(Errors.E890.format(path=path, reason="it ends too early, or was damaged")) from None


def _read(file: BinaryIO, path: Path) -> tuple[dict[str, Any], dict[str, TensorPlace]]:
    if file.read(4) != _MAGIC:
        raise UserError(Errors.E890.format(path=path, reason="it begins otherwise"))
    (version,) = _unpack(file, "<I")
    if version not in _VERSIONS:
        raise UserError(Errors.E890.format(path=path, reason=f"its version is {version}, not 2 or 3"))
    tensors, count = _unpack(file, "<QQ")
    found: dict[str, Any] = {}
    for _ in range(count):
        key = _string(file)
        (kind,) = _unpack(file, "<I")
        found[key] = _value(file, kind)
    rows = []
    for _ in range(tensors):
        name = _string(file)
        (dimensions,) = _unpack(file, "<I")
        shape = _unpack(file, f"<{dimensions}Q")[::-1]
        rows.append((name, shape, *_unpack(file, "<IQ")))
    alignment = found.get("general.alignment", _ALIGNMENT)
    start = -(-file.tell() // alignment) * alignment
    return found, {name: TensorPlace(shape, kind, start + offset) for name, shape, kind, offset in rows}


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _unpack(file, f"<{_NUMBERS[kind]}")[0]
    inner, count = _unpack(file, "<IQ")
    if inner in (_STRING, _ARRAY):
        return [_value(file, inner) for _ in range(count)]
    return list(_unpack(file, f"<{count}{_NUMBERS[inner]}"))


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "<Q")
    if length > _LONGEST:
        raise OverflowError
    text = file.read(length)
    if len(text) < length:
        raise OverflowError
    return text.decode("utf8")


def _unpack(file: BinaryIO, form: str) -> tuple[Any, ...]:
    size = struct.calcsize(form)
    if size > _LONGEST:
        raise OverflowError
    return struct.unpack(form, file.read(size))
