"""Which sources a user means, and of which format each is."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy_ner_plus.data.formats.format import Format, Sniff
from spacy_ner_plus.data.formats.registered import get_format, usable_formats
from spacy_ner_plus.data.sources.source import STDIN, Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.format_names import format_names

AUTO = "auto"
# Endings that say nothing about the format, of files that are looked into all the same.
TEXT_ENDINGS = frozenset(
    {".txt", ".tsv", ".csv", ".json", ".data", ".train", ".dev", ".test", ".testa", ".testb", ""}
)
# Endings of corpora and of much else: such a file of a folder is read where a format knows it.
SOMETIMES_ENDINGS = frozenset({".yml", ".yaml", ".md", ".xml"})
ABOUT_FILES = frozenset({"README", "LICENSE", "LICENCE"})
# Formats whose sources needn't be files: a name on a hub.
BY_NAME = "hub"


@dataclass
class FoundSource:
    """A source and its format."""

    source: Source
    format: Format


def find_sources(names: Sequence[str], format: str, encoding: str, notes: list[str]) -> list[FoundSource]:
    """Find what the user names, look into folders, and detect the formats.

    names (Sequence[str]): Files, folders, '-' for standard input, or datasets.
    format (str): The name of a format, or 'auto'.
    encoding (str): Of text files.
    notes (list[str]): Where it is written what each source was taken for and why, and which files of a folder were
        passed over.
    RETURNS (list[FoundSource]): The sources in the order of their names.
    RAISES (UserError): What does not exist, cannot be read, or has no format that can be told.
    """
    given = None if format == AUTO else get_format(format)
    found: list[FoundSource] = []
    for name in names:
        if name == STDIN:
            source = Source.of_stdin(encoding)
            found.append(FoundSource(source, given or detect(source, notes)))
            continue
        source = Source(name, encoding=encoding)
        if source.is_folder:
            found += _in_folder(source, given, notes)
        elif source.is_file:
            found.append(FoundSource(source, given or detect(source, notes)))
        elif given is not None and given.name == BY_NAME:
            found.append(FoundSource(source, given))
        else:
            hint = "there is no such file"
            if given is None:
                hint += f"; a dataset by name needs --format {BY_NAME}"
            raise UserError(Errors.E101.format(path=name, reason=hint))
    return found


def detect(source: Source, notes: list[str]) -> Format:
    """Find the format that is surest of a source.

    notes (list[str]): Where it is written what the source was taken for and why.
    RAISES (UserError): Where no format knows it, or two are equally sure.
    """
    ranked = _sniff_all(source, notes)
    if not ranked:
        # An unreadable or binary file says so itself.
        _ = source.lines
        raise UserError(Errors.E112.format(path=source.name, formats=", ".join(format_names())))
    best = [(format, sniff) for format, sniff in ranked if sniff.confidence == ranked[0][1].confidence]
    if len(best) > 1:
        ways = "; ".join(f"--format {format.name} ({sniff.why})" for format, sniff in best)
        raise UserError(Errors.E176.format(path=source.name, ways=ways))
    format, sniff = best[0]
    notes.append(f"{source.name}: read as {format.name}: {sniff.why}")
    return format


def is_known(source: Source) -> bool:
    """RETURNS (bool): Whether any format might be a source's."""
    return bool(_sniff_all(source, []))


def _sniff_all(source: Source, notes: list[str]) -> list[tuple[Format, Sniff]]:
    """RETURNS (list[tuple[Format, Sniff]]): The formats that might be a source's, the surest first."""
    ranked = []
    for name in format_names():
        # Another package's broken format mustn't keep files of all others from being read.
        try:
            format = get_format(name)
        except UserError as error:
            notes.append(str(error))
            continue
        try:
            sniff = format.sniff(source)
        except Exception as error:  # noqa: BLE001 - it may fail with anything.
            notes.append(f"{source.name}: the format {name} can't judge it: {type(error).__name__}: {error}")
            continue
        if sniff is not None:
            ranked.append((format, sniff))
    return sorted(ranked, key=lambda pair: -pair[1].confidence)


def _in_folder(folder: Source, given: Format | None, notes: list[str]) -> list[FoundSource]:
    """Take a folder as one source where a format says so, or else the files in it and the folders below it."""
    whole = _whole_folder(folder, given, notes)
    if whole is not None:
        return [FoundSource(folder, whole)]
    endings = TEXT_ENDINGS | {ending for format in _formats(given) for ending in format.endings}
    if given is not None and given.endings:
        endings = frozenset(given.endings) | ({".txt", ""} if given.name == "conll" else set())
    found, passed, empty = [], [], True
    for root, folders, files in os.walk(folder.path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in list(folders):
            below = Source(str(Path(root) / name), encoding=folder.encoding)
            whole = _whole_folder(below, given, notes)
            if whole is not None:
                found.append(FoundSource(below, whole))
                folders.remove(name)
        for name in sorted(files):
            path = Path(root) / name
            if name.startswith("."):
                continue
            empty = False
            source = Source(str(path), encoding=folder.encoding)
            if path.suffix.lower() in endings and _is_read(source, given):
                found.append(FoundSource(source, given or detect(source, notes)))
            else:
                passed.append(path)
    if not found:
        names = "nothing" if empty else ", ".join(path.name for path in passed[:5])
        raise UserError(
            Errors.E121.format(path=folder.name, format=given.name if given else AUTO, found=names)
        )
    if passed:
        some = ", ".join(path.name for path in passed[:5])
        notes.append(f"{folder.name}: passed over {len(passed)} files that are not read: {some}")
    return found


def _is_read(source: Source, given: Format | None) -> bool:
    """Whether a file of a folder is part of the corpus, as far as its name says so."""
    if source.path.stem.upper() in ABOUT_FILES:
        return False
    if source.ending not in SOMETIMES_ENDINGS:
        return True
    return given.sniff(source) is not None if given is not None else bool(_sniff_all(source, []))


def _whole_folder(folder: Source, given: Format | None, notes: list[str]) -> Format | None:
    if given is not None:
        return given if given.sniff(folder) is not None else None
    return detect(folder, notes) if _sniff_all(folder, []) else None


def _formats(given: Format | None) -> list[Format]:
    return list(usable_formats()) if given is None else [given]
