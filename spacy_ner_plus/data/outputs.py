"""Files that a corpus is written to: all of them whole, or none."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.corpus import DocSpool
from spacy_ner_plus.data.format_losses import count_losses
from spacy_ner_plus.data.formats.format import Format
from spacy_ner_plus.data.formats.registered import get_format, usable_formats
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import writing, written_together
from spacy_ner_plus.issues import IssueLog

# What an ending means where the user names no format.
ENDINGS = {
    ".spacy": "spacy",
    ".conll": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".bio": "conll",
    ".jsonl": "jsonl",
    ".json": "bio-json",
}


def part_path(out: Path, part: str) -> Path:
    """Name the file or folder of a part.

    out (Path): Such as corpus.spacy.
    part (str): Such as 'dev'; the empty string where there are no parts.
    RETURNS (Path): Such as corpus-dev.spacy.
    """
    return out.with_name(f"{out.stem}-{part}{out.suffix}") if part else out


class Output:
    """Docs of one part, which wait in temporary files; and the file or folder they are written to.

    path (Path | None): The file or folder; None where nothing is to be written.
    format (Format | None): In which format; None where nothing is to be written, and for shards.
    options (Any): The format's.
    shards (int): How many part files a folder gets; 0 for a file. Docs are
        dealt to them in turn.
    """

    def __init__(self, path: Path | None, format: Format | None = None, options: Any = None, shards: int = 0):
        self.path = path
        self.format = format
        self.options = options
        self.shards = shards
        # Beside what is written, where there must be room in any case.
        parents = path.absolute().parents if path else [Path(tempfile.gettempdir())]
        existing = next(folder for folder in parents if folder.is_dir())
        self.spools = [DocSpool(existing) for _ in range(max(1, shards))]
        self.docs = 0

    def add(self, doc: Doc) -> None:
        """Add a Doc, to the shard whose turn it is."""
        with writing(self.path or tempfile.gettempdir()):
            self.spools[self.docs % len(self.spools)].add(doc)
        self.docs += 1

    def write(self, path: Path, nlp: Language, issues: IssueLog) -> None:
        """Write all Docs.

        path (Path): Where, not yet under the name of the output.
        nlp (Language): The pipeline of the Docs.
        issues (IssueLog): Where is counted what the format cannot hold.
        """
        if self.shards:
            path.mkdir()
            for i, spool in enumerate(self.spools, start=1):
                if len(spool):
                    spool.write(path / f"part-{i:05d}.spacy")
        elif self.format.name == "spacy":
            # As they wait, without being made again.
            self.spools[0].write(path)
        else:
            docs = count_losses(self.spools[0].docs(nlp.vocab), self.format, nlp, issues)
            self.format.write(docs, path, self.options, issues)


@contextmanager
def open_outputs(
    paths: Mapping[str, Path | None], format: Format | None, options: Any = None, shards: int = 0
) -> Iterator[dict[str, Output]]:
    """Open outputs; if the block fails, their temporary files are closed, which removes them.

    paths (Mapping[str, Path | None]): The file or folder of each part, None to write nothing.
    format (Format | None): In which format; None where nothing is written, or shards are.
    options (Any): The format's.
    shards (int): How many part files each folder gets; 0 for files.
    YIELDS (dict[str, Output]): By part. Their spools stay open, for the caller to close.
    RAISES (UserError): A place that cannot be written to.
    """
    for path in paths.values():
        if path is not None:
            check_output(path, format, shards)
    outputs: dict[str, Output] = {}
    try:
        for part, path in paths.items():
            with writing(path or tempfile.gettempdir()):
                outputs[part] = Output(path, format, options, shards)
        yield outputs
    except BaseException:
        for output in outputs.values():
            for spool in output.spools:
                spool.close()
        raise


def target_format(path: Path, name: str | None, shards: int) -> Format | None:
    """Find the format that is written.

    path (Path): The file or folder.
    name (str | None): The format, where the user names one.
    shards (int): How many part files a folder gets; 0 for a file.
    RETURNS (Format | None): None for shards, which are .spacy files.
    RAISES (UserError): An ending that says no format, a format that isn't written.
    """
    if shards:
        if name not in (None, "spacy"):
            raise UserError(Errors.E178.format(format=name))
        return None
    if name is None and path.suffix.lower() not in ENDINGS:
        raise UserError(Errors.E114.format(path=path, endings=", ".join(ENDINGS)))
    format = get_format(name or ENDINGS[path.suffix.lower()])
    if not format.writes:
        writing = [other.name for other in usable_formats() if other.writes]
        raise UserError(Errors.E177.format(format=format.name, formats=", ".join(writing)))
    return format


def check_output(path: Path, format: Format | None, shards: int) -> None:
    """Refuse a place before anything is read.

    format (Format | None): What is written; None for shards.
    shards (int): How many part files a folder gets; 0 for a file.
    RAISES (UserError): A name that doesn't fit, a folder with other things in it.
    """
    if shards:
        if shards < 0 or path.suffix or path.is_file():
            raise UserError(Errors.E120.format(path=path))
        others = [entry.name for entry in path.iterdir() if not _is_part(entry)] if path.is_dir() else []
        if others:
            raise UserError(Errors.E123.format(path=path, found=", ".join(sorted(others)[:3])))
    elif getattr(format, "writes_folder", False):
        if path.is_file():
            raise UserError(Errors.E179.format(path=path, format=format.name))
        if path.is_dir() and any(path.iterdir()):
            found = ", ".join(sorted(entry.name for entry in path.iterdir())[:3])
            raise UserError(Errors.E123.format(path=path, found=found))
    elif path.is_dir():
        raise UserError(Errors.E114.format(path=path, endings=", ".join(ENDINGS)))


def _is_part(entry: Path) -> bool:
    return entry.is_file() and entry.name.startswith("part-") and entry.suffix == ".spacy"


@contextmanager
def staged(outputs: Iterable[Output], nlp: Language, issues: IssueLog) -> Iterator[None]:
    """Write outputs that have a place; they are there all together when the block ends well, or none is.

    nlp (Language): The pipeline of the Docs.
    issues (IssueLog): Where is counted what a format cannot hold.
    RAISES (UserError): A place that cannot be written to.
    """
    to_write = [output for output in outputs if output.path is not None]
    with written_together([output.path for output in to_write], over_folders=True) as besides:
        for output, beside in zip(to_write, besides, strict=True):
            output.write(beside, nlp, issues)
        yield
