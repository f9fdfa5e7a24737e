"""SHA-256 of files and folders, worked out once in a process for each state of a file."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError


def file_sha256(path: Path) -> str:
    """RETURNS (str): Of a file's bytes, in hexadecimal digits.

    RAISES (UserError): Where it can't be read.
    """
    try:
        found = path.stat()
        return _sha256(path, found.st_ino, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise UserError(Errors.E101.format(path=path, reason=error.strerror or error)) from None


def files_sha256(paths: Iterable[Path]) -> str:
    """RETURNS (str): Of several files, with their names, in hexadecimal digits."""
    lines = sorted(f"{path.name} {file_sha256(path)}" for path in paths)
    return hashlib.sha256("\n".join(lines).encode("utf8")).hexdigest()


def weights_sha256(model: Path) -> str:
    """RETURNS (str): Of a model's weights: a file, or the safetensors in a folder; '' where it has none.

    RAISES (UserError): Where a file can't be read.
    """
    paths = [model] if model.is_file() else sorted(model.glob("*.safetensors"))
    hashes = [file_sha256(path) for path in paths]
    if len(hashes) < 2:
        return "".join(hashes)
    return hashlib.sha256("\n".join(hashes).encode("utf8")).hexdigest()


# What a file's number, size and time say of its state is part of the key.
@lru_cache(maxsize=64)
def _sha256(path: Path, number: int, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
