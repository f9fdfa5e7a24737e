"""A folder beside a training's target: it takes the target's place only when the training has ended well."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from spacy_ner_plus.files import cant_write, lock_file

# What was in the target waits here until what is new lies there.
REPLACED = "replaced"
LOCK = "lock"


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside the target, which is removed when the block ends, however it ends.

    Folders that killed trainings of this target left are removed before; those of trainings that run are not.

    target (Path): The folder that is to be made or replaced.
    YIELDS (Path): The folder to write to, on the target's disk.
    RAISES (UserError): Where it can't be made.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_away(target)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise cant_write(target, error) from error
    lock = (folder / LOCK).open("w")
    try:
        # Some network disks know no locks.
        with suppress(OSError):
            lock_file(lock.fileno())
        yield folder
    finally:
        lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def move_into(target: Path, folder: Path, names: Sequence[str]) -> None:
    """Put files and folders into the target, all or none; what the target has besides stays.

    target (Path): The folder to be, which is made where it is missing.
    folder (Path): As `fresh_folder` gave it.
    names (Sequence[str]): What is taken from the one to the other; of these nothing older stays in the target.
        The last one is the first to go and the last to come, so that its presence says that all are there.
    RAISES (UserError): Where that isn't possible; the target is as it was then.
    """
    old = folder / REPLACED
    *others, last = names
    there = {name for name in names if (target / name).exists()}
    try:
        old.mkdir()
        target.mkdir(exist_ok=True)
        _move(target, old, [last, *others])
        _move(folder, target, [*others, last])
    except BaseException as error:
        for name in names:
            if name not in there or (old / name).exists():
                _remove(target / name)
        _move(old, target, names)
        if isinstance(error, OSError):
            raise cant_write(target, error) from error
        raise


def _move(source: Path, target: Path, names: Sequence[str]) -> None:
    for name in names:
        if (source / name).exists():
            os.replace(source / name, target / name)


def _clear_away(target: Path) -> None:
    """Remove what killed trainings left; one that was killed while it replaced the model gives the old one back."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]+\.part")
    for folder in target.parent.iterdir():
        if not ours.fullmatch(folder.name) or _is_used(folder):
            continue
        for old in (folder / REPLACED).glob("*"):
            if not (target / old.name).exists():
                os.replace(old, target / old.name)
        shutil.rmtree(folder, ignore_errors=True)


def _is_used(folder: Path) -> bool:
    """Whether the process that made a folder is there: its lock ends with it, however it ends."""
    try:
        with (folder / LOCK).open("r+") as lock:
            lock_file(lock.fileno())
        # Where there are no such locks (Windows), a file that is open can't be removed.
        (folder / LOCK).unlink()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
