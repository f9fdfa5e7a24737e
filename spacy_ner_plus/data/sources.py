"""What a user names as a source: files, folders, '-', datasets; and the format of each."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.conll.columns import find_layout, split_line
from spacy_ner_plus.data.conll.schemes import is_tag
from spacy_ner_plus.data.conll.sentences import sample_lines
from spacy_ner_plus.data.lines import FileLines, StreamLines
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

FORMATS = ("conll", "bio-json", "jsonl", "hub", "spacy")
# Endings that say the format; what holds JSON is looked into as well.
ENDINGS = {
    ".conll": "conll",
    ".conllu": "conll",
    ".conll03": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".bio": "conll",
    ".ner": "conll",
    ".parquet": "hub",
    ".spacy": "spacy",
}
JSON_ENDINGS = {".json": "bio-json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
TEXT_ENDINGS = frozenset(
    {".txt", ".tsv", ".bioes", ".data", ".train", ".dev", ".test", ".testa", ".testb", ""}
)
# Keys under which a record has labels of either kind, or tags only.
LABEL_KEYS = ("entities", "label", "labels", "ner", "annotations")
TAG_KEYS = (*LABEL_KEYS, "tags", "ner_tags", "bio", "output")
DATASET_FILES = ("dataset_info.json", "dataset_dict.json", "state.json")
PEEK = 200  # lines by which a format is detected


@dataclass
class Source:
    """A file, stream or dataset and its format.

    name (str): As the user would know it.
    format (str): One of FORMATS.
    lines (FileLines | StreamLines | None): Its lines, where it has any.
    """

    name: str
    format: str
    lines: FileLines | StreamLines | None = None


@dataclass
class Options:
    """What a user may say about the reading; each converter takes its own.

    group (str | int): 'document', 'sentence' or a number of sentences.
    token_column, tag_column (str | None): Numbers for conll, names for hub.
    scheme (str): The tagging scheme of a conll file, or 'auto'.
    restore_whitespace (bool): Whether conll tokens get spaces by rule.
    sentence_lines (bool): Whether each conll sentence begins a line of the text.
    hub_split (str | None): The split of a dataset.
    """

    group: str | int = "document"
    token_column: str | None = None
    tag_column: str | None = None
    scheme: str = "auto"
    restore_whitespace: bool = True
    sentence_lines: bool = False
    hub_split: str | None = None


def find_sources(names: Sequence[str], format: str, encoding: str, notes: list[str]) -> list[Source]:
    """Find what the user names, look into folders, and detect the formats.

    names (Sequence[str]): Files, folders, '-' for standard input, or datasets.
    format (str): One of FORMATS, or 'auto'.
    encoding (str): Of text files.
    notes (list[str]): Where it is written which files of a folder were passed over.
    RETURNS (list[Source]): The sources in the order of their names.
    RAISES (UserError): What does not exist, cannot be read, or has no format that can be detected.
    """
    if format != "auto" and format not in FORMATS:
        raise UserError(Errors.E113.format(format=format, formats=", ".join(["auto", *FORMATS])))
    sources = []
    for name in names:
        path = Path(name)
        if format == "hub" or (format == "auto" and any((path / file).is_file() for file in DATASET_FILES)):
            sources.append(Source(name, "hub"))
        elif name == "-":
            lines = StreamLines(encoding=encoding)
            sources.append(Source("stdin", _detect(lines, "", format), lines))
        elif path.is_dir():
            sources += _in_folder(path, format, encoding, notes)
        else:
            sources.append(_in_file(path, format, encoding))
    return sources


def _in_file(path: Path, format: str, encoding: str) -> Source:
    if not path.exists():
        hint = "there is no such file"
        if format == "auto":
            hint += "; a dataset by name needs --format hub"
        raise UserError(Errors.E101.format(path=path, reason=hint))
    known = ENDINGS.get(path.suffix.lower()) if format == "auto" else format
    if known in ("hub", "spacy"):
        return Source(str(path), known)
    lines = FileLines(path, encoding)
    return Source(str(path), known or _detect(lines, path.suffix.lower(), format), lines)


def _in_folder(folder: Path, format: str, encoding: str, notes: list[str]) -> list[Source]:
    """Read the files of a folder and those below it that a format's ending has."""
    paths = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [Path(root) / name for name in sorted(files) if not name.startswith(".")]
    taken, passed = [], []
    for path in paths:
        ending = path.suffix.lower()
        is_text = ending in TEXT_ENDINGS and path.stem.upper() not in ("README", "LICENSE", "LICENCE")
        if format == "auto":
            fits = ending in ENDINGS or ending in JSON_ENDINGS or is_text
        elif format == "conll":
            fits = ENDINGS.get(ending) == "conll" or is_text
        elif format == "spacy":
            fits = ending == ".spacy"
        else:
            fits = ending in JSON_ENDINGS or ending == ".txt"
        (taken if fits else passed).append(path)
    if not taken:
        found = ", ".join(path.name for path in paths[:5]) or "nothing"
        raise UserError(Errors.E121.format(path=folder, format=format, found=found))
    if passed:
        some = ", ".join(path.name for path in passed[:5])
        notes.append(f"{folder}: passed over {len(passed)} files whose ending is not read: {some}")
    return [_in_file(path, format, encoding) for path in taken]


def _detect(lines: FileLines | StreamLines, ending: str, format: str) -> str:
    """Detect a text's format by its first lines, or by its ending where they leave it open."""
    if format != "auto":
        return format
    head = lines.peek(PEEK)
    begins = next((line.strip("\ufeff \t\r\n") for line in head if line.strip("\ufeff \t\r\n")), "")
    if begins[:1] in ("{", "[") or ending in JSON_ENDINGS:
        detected = _detect_json(head, lines.name)
        if detected or ending in JSON_ENDINGS:
            return detected or JSON_ENDINGS[ending]
    if _looks_like_conll(head, lines.name):
        return "conll"
    raise UserError(Errors.E112.format(path=lines.name, formats=", ".join(FORMATS)))


def _detect_json(head: Sequence[str], name: str) -> str | None:
    """Detect offsets or tags by the first record that has either; None where no record has."""
    from spacy_ner_plus.data.json_records import json_records

    try:
        for _, record in json_records(head, name):
            if _has_offsets(record):
                return "jsonl"
            if isinstance(record, dict) and any(record.get(key) for key in TAG_KEYS):
                return "bio-json"
    except UserError:
        # The head may end inside a record; the converter will say what is wrong with a whole file.
        return None
    return None


def _has_offsets(record: Any) -> bool:
    """Whether a record's entities are given by offset."""
    if isinstance(record, list):  # ["text", {"entities": [...]}], as of spaCy 2
        return len(record) == 2 and isinstance(record[1], dict) and "entities" in record[1]
    if not isinstance(record, dict):
        return False
    if "tokenized_text" in record or "spans" in record:
        return True
    for key in LABEL_KEYS:
        for item in record.get(key) or () if isinstance(record.get(key), list) else ():
            if isinstance(item, dict) and any(name.startswith("start") or name == "begin" for name in item):
                return True
            if isinstance(item, list) and len(item) == 3 and isinstance(item[0], int):
                return True
    return False


def _looks_like_conll(head: Sequence[str], name: str) -> bool:
    sample = sample_lines(head)
    if not sample:
        return False
    try:
        layout = find_layout(sample, name)
    except UserError:
        return False
    rows = [split_line(line, layout.tabs) for _, line in sample if not line.startswith("#")]
    rows = [row for row in rows if len(row) == layout.width]
    tags = sum(is_tag(row[layout.tag]) for row in rows) if layout.tag is not None else 0
    return tags * 2 > len(sample)


def read_source(
    source: Source,
    nlp: Language,
    options: Options,
    issues: IssueLog,
    notes: list[str],
    begins: deque[int] | None = None,
) -> Iterator[Doc]:
    """Read a source with the converter of its format.

    nlp (Language): Makes the Docs.
    issues (IssueLog): Where losses and repairs are counted.
    notes (list[str]): Where it is written what was found out.
    begins (deque[int]): Where the line of each Doc's first token is put, by formats whose Docs
        are longer than a line.
    """
    common = {"issues": issues, "where": source.name}
    if source.format == "conll":
        from spacy_ner_plus.data.conll.conll import conll_to_docs

        return conll_to_docs(
            source.lines,
            nlp,
            **common,
            group=options.group,
            token_column=options.token_column,
            tag_column=options.tag_column,
            scheme=options.scheme,
            restore_whitespace=options.restore_whitespace,
            sentence_lines=options.sentence_lines,
            notes=notes,
            begins=begins,
        )
    if source.format == "bio-json":
        from spacy_ner_plus.data.bio_json import bio_json_to_docs

        return bio_json_to_docs(source.lines, nlp, **common)
    if source.format == "jsonl":
        from spacy_ner_plus.data.jsonl import jsonl_to_docs

        return jsonl_to_docs(source.lines, nlp, **common)
    if source.format == "hub":
        from spacy_ner_plus.data.hub import hub_to_docs

        names = {"token_column": options.token_column, "tag_column": options.tag_column}
        given = {key: name for key, name in names.items() if name is not None}
        return hub_to_docs(
            source.name, nlp, issues=issues, split=options.hub_split, group=options.group, **given
        )
    from spacy_ner_plus.corpus import read_docs

    return read_docs(Path(source.name), nlp.vocab)
