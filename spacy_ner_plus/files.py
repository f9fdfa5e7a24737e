"""Files and folders that are there whole or not at all.

Everything the package writes goes through here, but for what grows while it is watched: the training log, and the
store of replies.
"""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

from spacy_ner_plus.errors import Errors, UserError

# How the name ends of what is being written, or was when a process was killed.
PART = ".part"
_CHECK = "Check the folder and that you may write there."
_FULL = "Make room there, or write to another place. Nothing half-written was left."
# What the system says in its own words, and what helps.
_PROBLEMS = {
    errno.ENOSPC: ("the disk is full", _FULL),
    errno.EDQUOT: ("your share of the disk is used up", _FULL),
    errno.EFBIG: ("the file becomes larger than is allowed there", _FULL),
    errno.EROFS: ("it lies where nothing can be written", "Write to another place."),
    errno.EACCES: ("you may not write there", "Change its rights, or write to another place."),
    errno.EPERM: ("you may not write there", "Change its rights, or write to another place."),
    errno.EISDIR: ("it is a folder", "Name a file."),
    errno.EEXIST: ("a part of its path is a file", "Write to another place."),
    errno.ENOTDIR: ("a part of its path is a file", "Write to another place."),
    errno.ENAMETOOLONG: ("its name is too long", "Give a shorter one."),
}


def cant_write(path: str | Path, reason: OSError | str) -> UserError:
    """Say why a file or folder can't be written, and what to do.

    path (str | Path): What was to be written.
    reason (OSError | str): What the system says, or a part of a sentence.
    RETURNS (UserError): To be raised.
    """
    remedy = _CHECK
    if isinstance(reason, OSError):
        fallback = (reason.strerror or str(reason) or type(reason).__name__, _CHECK)
        reason, remedy = _PROBLEMS.get(reason.errno, fallback)
    return UserError(Errors.E303.format(path=path, reason=reason, remedy=remedy))


def lock_file(file: int) -> None:
    """Lock an open file or folder for this process alone, until it is closed or the process ends, however that ends.

    file (int): Its descriptor. Windows has no such locks: there nothing happens.
    RAISES (BlockingIOError): Where another has it.
    RAISES (OSError): Where its disk knows no locks, as some of a network.
    """
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """A block that writes to one file, whose failures are one message.

    RAISES (UserError): Where the system refuses.
    """
    try:
        yield
    except OSError as error:
        raise cant_write(path, error) from None


@contextmanager
def written_together(paths: Sequence[Path], *, over_folders: bool = False) -> Iterator[list[Path]]:
    """Give a place beside each path to write to; these take the paths' names when the block ends well.

    A link stays one: what it leads to is written. A device or a pipe, such as /dev/stdout, gets what was written.

    paths (Sequence[Path]): The files or folders to be; folders above them are made.
    over_folders (bool): Whether a folder that is there gives way.
    YIELDS (list[Path]): Where to write them. Nothing stays there if the block fails.
    RAISES (UserError): Where one cannot be written.
    """
    targets = [Path(os.path.realpath(path)) if path.is_symlink() else path for path in paths]
    besides = [_beside(target) for target in targets]
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        yield besides
        # Before the first one takes its name, since one that can't would leave the others there.
        for beside, target in zip(besides, targets, strict=True):
            if target.is_dir() and not beside.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        for beside, target in zip(besides, targets, strict=True):
            if _is_device(target):
                with beside.open("rb") as source, target.open("wb") as device:
                    shutil.copyfileobj(source, device)
                continue
            if over_folders and target.is_dir():
                _replace_folder(beside, target)
            else:
                os.replace(beside, target)
    except OSError as error:
        path = _whose(error, besides, paths)
        if path is None and error.errno == errno.ENOENT:
            raise UserError(Errors.E101.format(path=error.filename, reason=error.strerror)) from None
        raise cant_write(path or error.filename, error) from None
    finally:
        for beside in besides:
            if beside.is_dir():
                shutil.rmtree(beside, ignore_errors=True)
            elif beside.exists():
                beside.unlink()


def _replace_folder(beside: Path, target: Path) -> None:
    """Put a folder in place of another, which stays until that is done."""
    before = target.with_name(f"{beside.name.removesuffix(PART)}.before{PART}")
    os.rename(target, before)
    try:
        os.rename(beside, target)
    except OSError:
        os.rename(before, target)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _beside(target: Path) -> Path:
    name = f".{target.name}.{os.getpid()}-{get_ident()}{PART}"
    return Path(tempfile.gettempdir(), name) if _is_device(target) else target.with_name(name)


def _is_device(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _whose(error: OSError, besides: Sequence[Path], paths: Sequence[Path]) -> Path | None:
    """RETURNS (Path | None): Which of the paths could not be written, the first where the system doesn't say; None
    where it names another file."""
    if not isinstance(error.filename, str | os.PathLike):
        return paths[0]
    named = Path(error.filename)
    for beside, path in zip(besides, paths, strict=True):
        # Also a file inside of a folder that is written, and the folders above.
        if named.is_relative_to(beside) or beside.is_relative_to(named) or named == path:
            return path
    return None


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
