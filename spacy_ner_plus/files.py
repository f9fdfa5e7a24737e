"""Files and folders that are there whole or not at all.

Everything the package writes goes through here, but for what grows while it is watched: the training log, and the
store of replies.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError


@contextmanager
def written_together(paths: Sequence[Path], *, over_folders: bool = False) -> Iterator[list[Path]]:
    """Give a place beside each path to write to; these take the paths' names when the block ends well.

    paths (Sequence[Path]): The files or folders to be; folders above them are made.
    over_folders (bool): Whether a folder that is there gives way.
    YIELDS (list[Path]): Where to write them. Nothing stays there if the block fails.
    RAISES (UserError): Where one cannot be written.
    """
    besides = [path.with_name(f".{path.name}.{os.getpid()}.part") for path in paths]
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield besides
        for beside, path in zip(besides, paths, strict=True):
            if over_folders and path.is_dir():
                shutil.rmtree(path)
            os.replace(beside, path)
    except OSError as error:
        whose = {str(beside): path for beside, path in zip(besides, paths, strict=True)}
        path = whose.get(str(error.filename), paths[0])
        raise UserError(Errors.E303.format(path=path, reason=error.strerror or error)) from error
    finally:
        for beside in besides:
            if beside.is_dir():
                shutil.rmtree(beside, ignore_errors=True)
            elif beside.exists():
                beside.unlink()


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a place beside one path to write to, as `written_together` does."""
    with written_together([path]) as (beside,):
        yield beside


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; its folders are made.

    RAISES (UserError): Where it cannot be written.
    """
    with written_whole(path) as beside:
        beside.write_bytes(data)
