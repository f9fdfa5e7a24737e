"""Where a command writes: refused before anything runs if something would be lost or can't be written."""

import os
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import cant_write

# An input: what it is, such as 'the corpus', and where it lies.
Input = tuple[str, str | Path | None]


def check_targets(
    outputs: Mapping[str, Path | None], inputs: Iterable[Input] = (), *, corpora: Iterable[Input] = ()
) -> None:
    """Refuse files to write that are read, that are one file twice, or that can't be written.

    outputs (Mapping[str, Path | None]): Files to write, by what they are, such as 'the metrics'; None for none.
    inputs (Iterable[Input]): What the command reads; None for nothing.
    corpora (Iterable[Input]): What it reads as a corpus: of a folder every .spacy file.
    RAISES (UserError): Where one can't be written so.
    """
    written = {name: path for name, path in outputs.items() if path is not None}
    check_overlap(written, [*inputs, *corpora])
    for corpus_name, corpus in corpora:
        for name, path in written.items():
            # It would be one of the corpus's files the next time.
            inside = (
                corpus is not None and Path(corpus).is_dir() and _real(path).is_relative_to(_real(corpus))
            )
            if inside and path.suffix == ".spacy":
                values = {"path": path, "name": name, "corpus_name": corpus_name, "corpus": corpus}
                raise UserError(Errors.E322.format(**values))
    for path in written.values():
        if path.is_dir():
            raise cant_write(path, "it is a folder")
        _check_folder(path)


def check_overlap(outputs: Mapping[str, Path], inputs: Iterable[Input] = ()) -> None:
    """Refuse files to write that are read, too, and two that are the same.

    outputs (Mapping[str, Path]): Files to write, by what they are.
    inputs (Iterable[Input]): What the command reads; None for nothing.
    RAISES (UserError): Where one stands for two.
    """
    for name, path in outputs.items():
        for other, read in inputs:
            if read is not None and is_same_file(path, Path(read)):
                raise UserError(Errors.E320.format(path=path, name=name, other=other))
    for (one, path), (other, second) in combinations(outputs.items(), 2):
        if is_same_file(path, second):
            raise UserError(Errors.E321.format(path=path, one=one, other=other))


def check_new_folder(name: str, path: Path | None, inputs: Iterable[Input] = ()) -> None:
    """Refuse a folder to write that is there already, unless it is empty.

    name (str): What it is, for messages.
    path (Path | None): The folder; None for none.
    inputs (Iterable[Input]): What the command reads.
    RAISES (UserError): Where it can't be made.
    """
    if path is None:
        return
    check_overlap({name: path}, inputs)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UserError(Errors.E535.format(path=path))
    _check_folder(path)


def _check_folder(path: Path) -> None:
    """Refuse a place whose folder isn't there and can't be made, or can't be written to."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise cant_write(path, f"{folder} is a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise cant_write(path, f"no right to write in {folder}")


def is_same_file(one: Path, other: Path) -> bool:
    """RETURNS (bool): Whether two paths, of what is there or isn't, are of one file."""
    # Hard links and names in another case are one file, too.
    return _real(one) == _real(other) or (one.exists() and other.exists() and one.samefile(other))


def _real(path: str | Path) -> Path:
    return Path(path).resolve()
