"""`hub`: datasets of the `datasets` library, with a list of tokens and a list of tags a row.

    {"document_id": 3, "tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}

By name on the Hugging Face hub, or a folder, a parquet file, or what
`save_to_disk` wrote. Tags are strings or a ClassLabel. Code of a dataset's own
is never run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.conll.schemes import MISSING_TAGS, TagReader, is_tag
from spacy_ner_plus.data.conll.whitespace import restore_spaces
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub
from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from datasets import Dataset

DOCUMENT_COLUMNS = ("document_id", "doc_id")
ROWS_AT_ONCE = 1000


class Row(NamedTuple):
    """A row of the dataset, a sentence as a rule.

    words (list[str]): Its tokens, none of them empty.
    tags (list[str]): Their tags as written; the empty string where missing.
    document (Any): Its document, None where there is no such column.
    place (str): Where it stands.
    """

    words: list[str]
    tags: list[str]
    document: Any
    place: str


def hub_to_docs(
    source: str,
    nlp: Language,
    *,
    issues: IssueLog,
    split: str | None = None,
    group: str | int = "document",
    token_column: str = "tokens",
    tag_column: str = "ner_tags",
) -> Iterator[Doc]:
    """Make Docs of a dataset's rows.

    Tags that are labels without prefixes are read as the IO scheme, in which
    neighbours of one label are one entity. White space is restored by the rules
    of the language, as for `conll`.

    source (str): Name or path; 'NAME:CONFIGURATION' where there are several, and
        '@SPLIT' after it is another way to name the split.
    nlp (Language): Its vocabulary and language.
    issues (IssueLog): Where every loss and repair is counted.
    split (str): The split; may be left out where there is only one.
    group (str | int): 'document' joins the rows in succession that have one
        document_id, 'sentence' makes a Doc of each row, a number joins up to so
        many rows of a document. Without that column 'document' is a row, too.
    token_column (str): The column with the tokens.
    tag_column (str): The column with the tags.
    YIELDS (Doc): Docs with the dataset's tokens; a row begins a sentence.
    RAISES (UserError): Without the `datasets` package, the dataset, the split or
        a column, and for tags that are integers without names.
    """
    dataset, name = _load(source, split)
    names = _check_columns(dataset, name, token_column, tag_column)
    document_column = next((column for column in DOCUMENT_COLUMNS if column in dataset.column_names), None)
    columns = [token_column, tag_column, *([document_column] if document_column else [])]
    dataset = dataset.select_columns(columns)
    reader = TagReader("auto" if _has_prefixes(dataset, tag_column, names) else "IO", issues)
    rows = _rows(dataset, columns, names, name, issues)
    size = _group_size(group, has_documents=document_column is not None)
    for batch in _batches(rows, size, issues):
        yield _rows_to_doc(batch, nlp, reader)
    reader.count_repairs()


def _group_size(group: str | int, *, has_documents: bool) -> int | None:
    """RETURNS (int | None): How many rows make a Doc, None for a whole document."""
    if group == "document":
        return None if has_documents else 1
    if group == "sentence":
        return 1
    if not str(group).isdecimal() or int(group) < 1:
        raise UserError(Errors.E110.format(group=group))
    return int(group)


def _load(source: str, split: str | None) -> tuple["Dataset", str]:
    """Load one split; the second value names it in messages."""
    with from_extra("datasets"):
        import datasets
    path, config = source, None
    if not Path(source).exists():
        if split is None and "@" in path:
            path, _, split = path.rpartition("@")
        if not Path(path).exists() and ":" in path:
            path, _, config = path.partition(":")
    local = Path(path)
    if local.is_file() and local.suffix != ".parquet":
        raise UserError(Errors.E161.format(source=path, reason="of single files only .parquet is read"))
    # 'buckets/' is a place on the hub, too, that has another address.
    problem = "" if "buckets/" in path else hub_problem(path.removeprefix("hf://datasets/"), "dataset")
    try:
        if (local / "state.json").is_file() or (local / "dataset_dict.json").is_file():
            loaded = datasets.load_from_disk(path)
        elif local.suffix == ".parquet":
            loaded = datasets.load_dataset("parquet", data_files=path)
        else:
            with quiet_hub(), _offline(bool(problem)):
                loaded = datasets.load_dataset(path, config)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        if problem and isinstance(error, OSError):
            reason = not_here(problem).rstrip(".")
            raise UserError(Errors.E161.format(source=path, reason=reason)) from None
        reason = str(error.__cause__ or error).strip().split("\n")[0] or type(error).__name__
        if "scripts are no longer supported" in reason:
            raise UserError(Errors.E167.format(source=path)) from error
        if "Config name is missing" in reason:
            available = " ".join(str(error).split())
            raise UserError(Errors.E168.format(source=path, reason=available)) from error
        raise UserError(Errors.E161.format(source=path, reason=reason.rstrip("."))) from error
    if isinstance(loaded, datasets.Dataset):
        own = str(loaded.split) if loaded.split else None
        if split is not None and own is not None and split != own:
            raise UserError(Errors.E163.format(source=path, split=split, splits=own))
        return loaded, path
    splits = ", ".join(loaded)
    if split is None and len(loaded) > 1:
        raise UserError(Errors.E164.format(source=path, splits=splits))
    chosen = split or next(iter(loaded))
    if chosen not in loaded:
        raise UserError(Errors.E163.format(source=path, split=chosen, splits=splits))
    return loaded[chosen], f"{path}@{chosen}"


@contextmanager
def _offline(offline: bool) -> Iterator[None]:
    """Let `datasets` look into its cache alone, as HF_HUB_OFFLINE does for a whole process."""
    with from_extra("datasets"):
        import datasets

    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = before or offline
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def _check_columns(dataset: "Dataset", name: str, token_column: str, tag_column: str) -> Sequence[str] | None:
    """Check that both columns are there and hold lists; RETURNS a ClassLabel's names."""
    for column, argument in ((token_column, "token_column"), (tag_column, "tag_column")):
        if column not in dataset.column_names:
            columns = ", ".join(dataset.column_names)
            option = argument.replace("_", "-")
            raise UserError(
                Errors.E162.format(
                    source=name, column=column, columns=columns, argument=argument, option=option
                )
            )
        if not hasattr(dataset.features[column], "feature"):
            found = dataset.features[column]
            raise UserError(Errors.E166.format(source=name, column=column, found=found))
    tags = dataset.features[tag_column].feature
    if hasattr(tags, "names"):
        return tags.names
    if "int" in str(getattr(tags, "dtype", "")):
        raise UserError(Errors.E165.format(source=name, column=tag_column))
    return None


def _tag_names(tags: Sequence[Any], names: Sequence[str] | None) -> list[str]:
    """Write tags as strings; None and a ClassLabel's negative numbers are missing."""
    if names is None:
        return ["" if tag is None else str(tag) for tag in tags]
    return ["" if tag is None or tag < 0 else names[tag] for tag in tags]


def _has_prefixes(dataset: "Dataset", tag_column: str, names: Sequence[str] | None) -> bool:
    """Whether tags are of a scheme with prefixes, rather than labels alone."""
    plain = {"O", *MISSING_TAGS}
    if names is not None:
        return any(is_tag(name) for name in set(names) - plain)
    labels_seen = False
    for batch in dataset.select_columns([tag_column]).iter(ROWS_AT_ONCE):
        for tags in batch[tag_column]:
            seen = set(_tag_names(tags or (), names)) - plain
            if any(map(is_tag, seen)):
                return True
            labels_seen = labels_seen or bool(seen)
    return not labels_seen


def _rows(
    dataset: "Dataset", columns: list[str], names: Sequence[str] | None, name: str, issues: IssueLog
) -> Iterator[Row]:
    """Read the rows, and count those that can't be read."""
    token_column, tag_column, *document_column = columns
    number = 0
    for batch in dataset.iter(ROWS_AT_ONCE):
        documents = batch[document_column[0]] if document_column else [None] * len(batch[token_column])
        for tokens, tags, document in zip(batch[token_column], batch[tag_column], documents, strict=True):
            number += 1
            place = f"{name}:{number}"
            tokens, tags = tokens or [], _tag_names(tags or (), names)
            if len(tokens) != len(tags):
                example = f"{len(tokens)} tokens, {len(tags)} tags"
                issues.add("tokens and tags of unequal length", example, place)
                continue
            kept = [(str(token), tag) for token, tag in zip(tokens, tags, strict=True) if token]
            if not kept:
                issues.add("empty text", "a row without tokens", place)
                continue
            if len(kept) < len(tokens):
                issues.add(
                    "token without text", " ".join(map(str, tokens))[:60], place, len(tokens) - len(kept)
                )
            yield Row([token for token, _ in kept], [tag for _, tag in kept], document, place)


def _batches(rows: Iterator[Row], size: int | None, issues: IssueLog) -> Iterator[list[Row]]:
    """Group rows for Docs: up to this many, or all in succession of a document."""
    batch: list[Row] = []
    closed = set()
    for row in rows:
        if batch and (row.document != batch[0].document or len(batch) == size):
            yield batch
            if row.document != batch[0].document:
                closed.add(batch[0].document)
                if row.document in closed:
                    issues.add("document in several pieces", str(row.document), row.place)
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _rows_to_doc(rows: list[Row], nlp: Language, reader: TagReader) -> Doc:
    words: list[str] = []
    spaces: list[bool] = []
    tags: list[str] = []
    starts: list[bool] = []
    for row in rows:
        words += row.words
        spaces += restore_spaces(row.words, nlp.lang)
        tags += reader.read(row.tags, lambda _, place=row.place: place)
        starts += [True] + [False] * (len(row.words) - 1)
    spaces[-1] = False
    return Doc(nlp.vocab, words=words, spaces=spaces, ents=tags, sent_starts=starts)
