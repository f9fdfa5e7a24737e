"""Files and folders that are there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a place beside a path to write to; it takes the path's name when the block ends well.

    path (Path): The file or folder to be; folders above it are made.
    YIELDS (Path): Where to write it. Nothing stays there if the block fails.
    RAISES (UserError): Where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        os.replace(beside, path)
    except OSError as error:
        raise UserError(Errors.E303.format(path=path, reason=error.strerror or error)) from error
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        elif beside.exists():
            beside.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    path (Path): The file; its folders are made.
    data (bytes): What it holds.
    RAISES (UserError): Where it cannot be written.
    """
    with written_whole(path) as beside:
        beside.write_bytes(data)
