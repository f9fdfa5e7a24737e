"""What workflows read as a corpus of any format: sources, the language of their texts, a map of their labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.plain_texts import is_plain, plain_files, plain_records
from spacy_ner_plus.workflows.progress import Progress

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.data.detection import FoundSource
    from spacy_ner_plus.data.formats.format import Format
    from spacy_ner_plus.data.label_map import LabelMap
    from spacy_ner_plus.data.records.record import Record

# Texts alone, one a line: no format of annotation.
PLAIN = "text"


def read_records(
    sources: Sequence["FoundSource"],
    nlp: "Language",
    options: Mapping[str, Any],
    label_map: "LabelMap | None",
    issues: IssueLog,
    notes: list[str],
    progress: Progress,
) -> Iterator["Record"]:
    """Read the Records of all sources, with their labels as the map says."""
    from spacy_ner_plus.data.formats.format import Reading
    from spacy_ner_plus.data.formats.options import options_for

    for found in sources:
        reading = Reading(nlp, options_for(found.format, options), issues, notes)
        records = found.format.read(found.source, reading)
        for record in progress(records, f"Reading {found.source.name}"):
            if label_map is not None:
                label_map.apply(record.doc)
            yield record


def read_texts(
    names: Sequence[str],
    nlp: "Language",
    *,
    format: str,
    options: Mapping[str, Any],
    encoding: str,
    written: Iterable[Path],
    issues: IssueLog,
    notes: list[str],
    progress: Progress,
    writer: "Format | None" = None,
) -> Iterator["Record"]:
    """Read texts of any format, whether they are annotated or not; a .txt file that is no corpus has one a line, and a
    .csv or .tsv file that is none a column of them.

    names (Sequence[str]): Files, folders, '-' for standard input, or datasets.
    nlp (Language): Tokenises what has no tokens.
    format (str): One of the converter's, 'text' for plain texts, or 'auto'.
    options (Mapping[str, Any]): Of the formats, by name.
    written (Iterable[Path]): What is written meanwhile, and so isn't read.
    writer (Format | None): What is written, for which options may be, too. Default: None.
    RAISES (UserError): What can't be read, with file and line.
    """
    from spacy_ner_plus.data.detection import AUTO, find_sources, is_known
    from spacy_ner_plus.data.formats.options import check_options
    from spacy_ner_plus.data.sources.source import STDIN, Source

    def has_plain(name: str) -> bool:
        if format == PLAIN:
            return True
        source = Source(name, encoding=encoding)
        return format == AUTO and is_plain(source) and not is_known(source)

    names = list(names)
    if format == PLAIN:
        names = [
            str(one) for name in names for one in (plain_files(Path(name)) if Path(name).is_dir() else [name])
        ]
    groups = [(key, list(group)) for key, group in groupby(names, has_plain)]
    _check_unwritten(names, written)
    found = {
        i: keep_unwritten(find_sources(group, format, encoding, notes), group, written, notes)
        for i, (plain, group) in enumerate(groups)
        if not plain
    }
    formats = [one.format for sources in found.values() for one in sources]
    check_options(options, [*formats, *([] if writer is None else [writer])])
    for i, (plain, group) in enumerate(groups):
        if plain:
            for name in group:
                source = Source.of_stdin(encoding) if name == STDIN else Source(name, encoding=encoding)
                yield from progress(plain_records(source, nlp, notes), f"Reading {name}")
        else:
            yield from read_records(found[i], nlp, options, None, issues, notes, progress)


def read_label_map(label_map: str | Path | Mapping[str, str | None] | None) -> "LabelMap | None":
    """Read a label map.

    label_map (str | Path | Mapping): A JSON or YAML file, the name of a map that ships, or the mapping itself.
    RETURNS (LabelMap | None): None where there is none, or nothing is in it.
    RAISES (UserError): Where it can't be read.
    """
    from spacy_ner_plus.data.label_map import LabelMap

    if label_map is None or isinstance(label_map, Mapping):
        return LabelMap(dict(label_map)) if label_map else None
    ships = shipped_label_maps()
    if str(label_map) in ships and not Path(label_map).exists():
        return LabelMap.read(ships[str(label_map)])
    if not Path(label_map).suffix and not Path(label_map).exists():
        raise UserError(Errors.E651.format(name=label_map, known=", ".join(ships)))
    return LabelMap.read(Path(label_map))


def shipped_label_maps() -> dict[str, Path]:
    """RETURNS (dict[str, Path]): The files of the label maps that ship, by name."""
    folder = Path(str(files("spacy_ner_plus"))) / "resources" / "label_maps"
    return {file.stem: file for file in sorted(folder.glob("*.json"))}


def blank_pipeline(lang: str) -> "Language":
    """A pipeline that only knows its language."""
    import spacy

    try:
        return spacy.blank(lang)
    except (ImportError, OSError, ValueError) as error:
        raise UserError(Errors.E118.format(lang=lang, reason=str(error).split("\n")[0])) from error


def keep_unwritten(
    found: list["FoundSource"], named: Sequence[str], paths: Iterable[Path], notes: list[str]
) -> list["FoundSource"]:
    """Refuse to overwrite a source; an earlier output in a source folder is passed over."""
    _check_unwritten(named, paths)
    written = {path.resolve() for path in paths}
    kept = []
    for one in found:
        if one.source.path.resolve() in written:
            notes.append(f"{one.source.name}: passed over, as it is written now")
        else:
            kept.append(one)
    return kept


def _check_unwritten(named: Sequence[str], paths: Iterable[Path]) -> None:
    written = {path.resolve() for path in paths}
    for name in named:
        if name != "-" and Path(name).resolve() in written:
            raise UserError(Errors.E122.format(path=name))
