"""`hub`: datasets of the `datasets` library, a row a sentence with tokens and tags, or a text with spans.

    {"document_id": 3, "tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}
    {"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}

By name on the Hugging Face hub, or a folder, a parquet file, or what `save_to_disk` wrote. Columns are found, also
inside of others. Tags are strings, a ClassLabel, or numbers with the option `labels` or names in a
`dataset_infos.json` or README.md beside the file. Other columns are in the Doc's meta. Code of a dataset's own is
never run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY, SENTENCES, TOKENS, Reading, Sniff
from spacy_ner_plus.data.formats.rows.rows import RowOptions, read_rows
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.sources.label_names import names_beside
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

if TYPE_CHECKING:
    from datasets import Dataset

ROWS_AT_ONCE = 1000
DATASET_FILES = ("dataset_info.json", "dataset_dict.json", "state.json")


@settings
class HubOptions(RowOptions):
    """How datasets are read."""

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
    YIELDS (Record): With the dataset's tokens, where it has any; a row begins a sentence.
    RAISES (UserError): Without the `datasets` package, the dataset, the split or
        a column, and for tags that are integers without names.
    """
    dataset, name = _load(source, reading.options.hub_split)
    # Pictures and sound: what isn't said in words is no meta.
    others = [column for column, feature in dataset.features.items() if not _is_plain(feature)]
    if others:
        dataset = dataset.remove_columns(others)
        reading.notes.append(
            f"{name}: columns that are neither text nor numbers passed over: {', '.join(others)}"
        )
    yield from read_rows(
        lambda issues: _rows(dataset), reading, name, lambda column: names_beside(Path(source), column)
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


def _rows(dataset: "Dataset") -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the rows, with classes by their names."""
    features = dataset.features
    named = [column for column, feature in features.items() if _has_names(feature)]
    number = 0
    for batch in dataset.with_format(None).iter(ROWS_AT_ONCE):
        columns = dict(batch)
        for column in named:
            columns[column] = [_by_name(value, features[column]) for value in columns[column]]
        for values in zip(*columns.values(), strict=True):
            number += 1
            yield number, dict(zip(columns, values, strict=True))


def _is_plain(feature: Any) -> bool:
    """Whether a column holds text and numbers, in lists and structs or not."""
    inner = _inner(feature)
    if inner is not None:
        return all(map(_is_plain, inner))
    return hasattr(feature, "names") or "binary" not in str(getattr(feature, "dtype", "binary"))


def _has_names(feature: Any) -> bool:
    inner = _inner(feature)
    return hasattr(feature, "names") if inner is None else any(map(_has_names, inner))


def _inner(feature: Any) -> list[Any] | None:
    """The features inside of lists and structs; None for any other."""
    if isinstance(feature, dict):
        return list(feature.values())
    if isinstance(feature, list):
        return feature
    return [feature.feature] if hasattr(feature, "feature") else None


def _by_name(value: Any, feature: Any) -> Any:
    """Write a ClassLabel's numbers as names, however deep they stand; negative ones are missing."""
    if hasattr(feature, "names"):
        return None if value is None or value < 0 else feature.names[value]
    if isinstance(value, dict) and isinstance(feature, dict):
        return {key: _by_name(part, feature.get(key)) for key, part in value.items()}
    if isinstance(value, list):
        item = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
        return [_by_name(part, item) for part in value]
    if isinstance(value, dict) and isinstance(getattr(feature, "feature", None), dict):
        # A list of structs that older versions keep as a struct of lists.
        inner = feature.feature
        return {key: [_by_name(part, inner.get(key)) for part in parts or ()] for key, parts in value.items()}
    return value
