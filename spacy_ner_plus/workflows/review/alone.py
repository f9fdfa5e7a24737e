"""A folder in which one run works at a time: two would train on each other's corpora, and nobody would see it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import lock_file, writing


@contextmanager
def alone(folder: Path, setting: str, option: str) -> Iterator[None]:
    """Keep other runs out of a folder while the block works in it; a run that is killed keeps nobody out.

    folder (Path): It is made where there is none.
    setting (str): How a user gives another one in Python.
    option (str): Likewise on the command line.
    RAISES (UserError): Where another run works there, or nothing can be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # The folder itself, so that nothing is left in it; Windows opens none, and has no such locks.
    file = os.open(folder, os.O_RDONLY) if os.name == "posix" else None
    try:
        if file is not None:
            _lock(file, folder, setting, option)
        yield
    finally:
        if file is not None:
            os.close(file)


def _lock(file: int, folder: Path, setting: str, option: str) -> None:
    try:
        lock_file(file)
    except BlockingIOError:
        raise UserError(Errors.E834.format(folder=folder, setting=setting, option=option)) from None
    except OSError:
        # Some disks of a network know no locks.
        pass
