"""Files that a corpus is written to: all of them whole, or none."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.corpus import DocSpool
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import writing, written_together
from spacy_ner_plus.issues import IssueLog

FORMATS = {
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
    """Docs of one part, which wait in temporary files; and the file or folder of shards they are written to.

    path (Path | None): The file or folder; None where nothing is to be written.
    shards (int): How many part files a folder gets; 0 for a file. Docs are
        dealt to them in turn.
    """

    def __init__(self, path: Path | None, shards: int = 0):
        self.path = path
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

    def write(self, path: Path, vocab: Vocab, docstart: bool, issues: IssueLog) -> None:
        """Write all Docs in the format that the name of the output says.

        path (Path): Where, not yet under the name of the output.
        vocab (Vocab): The vocab of the Docs.
        docstart (bool): Whether documents get headers in the conll format.
        issues (IssueLog): Where is counted what the format cannot hold.
        """
        if self.shards:
            path.mkdir()
            for i, spool in enumerate(self.spools, start=1):
                if len(spool):
                    spool.write(path / f"part-{i:05d}.spacy")
        elif FORMATS[self.path.suffix.lower()] == "spacy":
            self.spools[0].write(path)
        else:
            lines = _lines(self.path, self.spools[0].docs(vocab), docstart, issues)
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)


def _lines(path: Path, docs: Iterable[Doc], docstart: bool, issues: IssueLog) -> Iterator[str]:
    format = FORMATS[path.suffix.lower()]
    docs = _count_partly_annotated(docs, format, issues)
    if format == "conll":
        from spacy_ner_plus.data.conll.conll import docs_to_conll

        return docs_to_conll(docs, docstart=docstart, issues=issues)
    docs = _count_unsaid(docs, format, issues)
    if format == "jsonl":
        from spacy_ner_plus.data.jsonl import docs_to_jsonl

        return docs_to_jsonl(docs)
    from spacy_ner_plus.data.bio_json import docs_to_bio_json

    return docs_to_bio_json(docs)


def _count_partly_annotated(docs: Iterable[Doc], format: str, issues: IssueLog) -> Iterator[Doc]:
    """Count Docs on which only some labels were annotated: no format but spaCy's own can say so."""
    for number, doc in enumerate(docs, start=1):
        labels = annotated_labels(doc)
        if labels is not None:
            kind = f"{format} can't say which labels were annotated: the others look like O"
            issues.add(kind, ", ".join(sorted(labels)), f"document {number}")
        yield doc


def _count_unsaid(docs: Iterable[Doc], format: str, issues: IssueLog) -> Iterator[Doc]:
    """Count Docs some of whose tokens miss annotation: formats of spans cannot tell those from O."""
    for number, doc in enumerate(docs, start=1):
        missing = [token.text for token in doc if not token.ent_iob]
        if missing and len(missing) < len(doc):
            issues.add(
                f"missing annotation that {format} cannot tell from O", missing[0], f"document {number}"
            )
        yield doc


@contextmanager
def open_outputs(paths: Mapping[str, Path | None], shards: int = 0) -> Iterator[dict[str, Output]]:
    """Open outputs; if the block fails, their temporary files are closed, which removes them.

    paths (Mapping[str, Path | None]): The file or folder of each part, None to write nothing.
    shards (int): How many part files each folder gets; 0 for files.
    YIELDS (dict[str, Output]): By part. Their spools stay open, for the caller to close.
    RAISES (UserError): A place that cannot be written to.
    """
    for path in paths.values():
        if path is not None:
            check_output(path, shards)
    outputs: dict[str, Output] = {}
    try:
        for part, path in paths.items():
            with writing(path or tempfile.gettempdir()):
                outputs[part] = Output(path, shards)
        yield outputs
    except BaseException:
        for output in outputs.values():
            for spool in output.spools:
                spool.close()
        raise


def check_output(path: Path, shards: int) -> None:
    """Refuse a place before anything is read.

    shards (int): How many part files a folder gets; 0 for a file.
    RAISES (UserError): An ending that says no format, a folder with other things in it.
    """
    if shards:
        if shards < 0 or path.suffix or path.is_file():
            raise UserError(Errors.E120.format(path=path))
        others = [entry.name for entry in path.iterdir() if not _is_part(entry)] if path.is_dir() else []
        if others:
            raise UserError(Errors.E123.format(path=path, found=", ".join(sorted(others)[:3])))
    elif path.suffix.lower() not in FORMATS or path.is_dir():
        raise UserError(Errors.E114.format(path=path, endings=", ".join(FORMATS)))


def _is_part(entry: Path) -> bool:
    return entry.is_file() and entry.name.startswith("part-") and entry.suffix == ".spacy"


@contextmanager
def staged(outputs: Iterable[Output], vocab: Vocab, docstart: bool, issues: IssueLog) -> Iterator[None]:
    """Write outputs that have a place; they are there all together when the block ends well, or none is.

    vocab (Vocab): The vocab of the Docs.
    docstart (bool): Whether documents get headers in the conll format.
    issues (IssueLog): Where is counted what a format cannot hold.
    RAISES (UserError): A place that cannot be written to.
    """
    to_write = [output for output in outputs if output.path is not None]
    with written_together([output.path for output in to_write], over_folders=True) as besides:
        for output, beside in zip(to_write, besides, strict=True):
            output.write(beside, vocab, docstart, issues)
        yield
