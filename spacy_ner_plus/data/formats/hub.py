"""`hub`: datasets of the `datasets` library, with a list of tokens and a list of tags a row.

    {"document_id": 3, "tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}

By name on the Hugging Face hub, or a folder, a parquet file, or what
`save_to_disk` wrote. Tags are strings or a ClassLabel. Code of a dataset's own
is never run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY, SENTENCES, TOKENS, Reading, Sniff
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.schemes import MISSING_TAGS, TagReader, is_tag
from spacy_ner_plus.data.records.sentences import TokenOptions, sentences_to_records
from spacy_ner_plus.data.records.tagged import TaggedSentence
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

if TYPE_CHECKING:
    from datasets import Dataset

DOCUMENT_COLUMNS = ("document_id", "doc_id")
ROWS_AT_ONCE = 1000
DATASET_FILES = ("dataset_info.json", "dataset_dict.json", "state.json")


@settings
class HubOptions(TokenOptions):
    """How datasets are read."""

    token_column: str = setting("Column of the tokens.", "tokens")
    tag_column: str = setting("Column of the tags.", "ner_tags")
    hub_split: str | None = setting(
        "Split of a dataset, such as train; may be left out where there is one.", None
    )


class Hub:
    """The format, as `formats/format.py` says."""

    name = "hub"
    about = "Datasets of the `datasets` library: by name, parquet, or what save_to_disk wrote"
    endings = (".parquet",)
    options = HubOptions
    keeps = frozenset({TOKENS, SENTENCES})
    writes = False
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        if any(name in DATASET_FILES for name in source.files):
            return Sniff(CERTAIN, "a dataset that save_to_disk wrote")
        if source.ending == ".parquet" or source.head_bytes[:4] == b"PAR1":
            return Sniff(LIKELY, "a parquet file")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return hub_to_records(source.name, reading)


HUB = Hub()


def hub_to_docs(
    source: str, nlp: Language, *, issues: IssueLog, split: str | None = None, **options: Any
) -> Iterator[Doc]:
    """Make Docs of a dataset's rows: `hub_to_records`, with options as HubOptions has them."""
    reading = Reading(nlp, HubOptions(hub_split=split, **options), issues, [])
    return (record.doc for record in hub_to_records(source, reading))


def hub_to_records(source: str, reading: Reading) -> Iterator[Record]:
    """Read a dataset's rows.

    Tags that are labels without prefixes are read as the IO scheme, in which
    neighbours of one label are one entity. White space is restored by the rules
    of the language, as for `conll`. The group 'document' joins the rows in
    succession that have one document_id; without that column it is a row.

    source (str): Name or path; 'NAME:CONFIGURATION' where there are several, and
        '@SPLIT' after it is another way to name the split.
    reading (Reading): With HubOptions.
    YIELDS (Record): With the dataset's tokens; a row begins a sentence.
    RAISES (UserError): Without the `datasets` package, the dataset, the split or
        a column, and for tags that are integers without names.
    """
    options, issues = reading.options, reading.issues
    dataset, name = _load(source, options.hub_split)
    names = _check_columns(dataset, name, options.token_column, options.tag_column)
    document_column = next((column for column in DOCUMENT_COLUMNS if column in dataset.column_names), None)
    columns = [options.token_column, options.tag_column, *([document_column] if document_column else [])]
    dataset = dataset.select_columns(columns)
    has_prefixes = _has_prefixes(dataset, options.tag_column, names)
    yield from sentences_to_records(
        _sentences(_rows(dataset, columns, names, name, issues), issues),
        reading.nlp,
        options,
        has_documents=document_column is not None,
        reader=TagReader("auto" if has_prefixes else "IO", issues),
        shapes="tags such as B-PER, I-PER and O, or labels",
    )


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
) -> Iterator[TaggedSentence]:
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
            yield TaggedSentence(
                [token for token, _ in kept],
                [tag for _, tag in kept],
                name,
                [number] * len(kept),
                document="" if document is None else str(document),
            )


def _sentences(rows: Iterator[TaggedSentence], issues: IssueLog) -> Iterator[TaggedSentence]:
    """Mark where documents begin, and count those that come in several pieces."""
    last: str | None = None
    seen = set()
    for row in rows:
        if row.document != last:
            row.opens_document = True
            if row.document in seen:
                issues.add("document in several pieces", row.document, row.place(0))
            seen.add(row.document)
            last = row.document
        yield row
