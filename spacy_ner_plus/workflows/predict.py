"""Entities of texts: Docs in the order of the texts, also where the pipeline fails on some."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.letters import OtherSpace, without_space
from spacy_ner_plus.pipeline.masking import (
    Mask,
    crossing_mentions,
    find_mask,
    mask_text,
    warn_of_unmasked,
    why_incomplete,
    why_unplaced,
)
from spacy_ner_plus.workflows.arguments.numbers import at_least, check_processes
from spacy_ner_plus.workflows.arguments.pipelines import load_pipeline, path_of
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.arguments.texts import TableShape, TextRecord, check_input_format, read_texts
from spacy_ner_plus.workflows.written_predictions import (
    ENTS,
    ERROR,
    MASKED,
    MISSING,
    Layout,
    Prediction,
    Writer,
    check_masks,
    find_writer,
)

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

FAILED = "text on which the pipeline failed"
INCOMPLETE = "text of which the pipeline left a part without annotation"
UNMASKED = "text that isn't masked, as something that was found in it has no place"
REPLACED = "record that had {key!r} already: replaced by the prediction"

# After so many texts the strings that they brought are forgotten (spaCy's
# memory zone), so that an endless stream does not fill the memory.
ZONE = 5_000


def predict(
    pipeline: "Language | str | Path",
    texts: "Path | Iterable[str | Doc]",
    *,
    overrides: Iterable[str] = (),
    batch_size: int | None = None,
    n_process: int = 1,
    code: str | Path | None = None,
) -> "Iterator[Doc]":
    """Find entities in texts: one Doc for each, in their order, whatever happens.

    `nlp.pipe` ends at the first text on which a component fails, or, with an error handler that ignores it,
    leaves the Doc out, so that all that follow are shifted. Here such a text keeps its place: its Doc has
    tokens whose entities are missing (not the same as a Doc without entities), and the reason is in
    `doc._.ner_failure`, as where a chat model gave no answer. An error handler that was set with
    `nlp.set_error_handler` is called, too, and ends the stream by raising. spaCy's own `ner` and `parser`
    know no error handlers: a failure in these ends the stream.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline.
    texts (Path | Iterable[str | Doc]): Texts or Docs; or, as a Path, a file with a text a line, of JSONL with
        the texts under 'text', or a table (.csv, .tsv) with a column of them.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    batch_size (int): Texts at once. Default: the pipeline's own.
    n_process (int): Number of processes, -1 for one on each CPU. Default: 1.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    YIELDS (Doc): The Docs, while the texts are read; not in a memory zone, so that they may be kept.
    RAISES (UserError): Where something can't be read or loaded.
    """
    at_least("batch_size", batch_size, 1)
    check_processes(n_process)
    if isinstance(texts, str):
        raise UserError(Errors.E512.format(text=texts[:40]))
    nlp = load_pipeline(pipeline, overrides, code=code)
    if isinstance(texts, Path):
        texts = (record.text for record in read_texts([str(texts)]))
    return _predict(nlp, texts, batch_size, n_process)


def _predict(
    nlp: "Language", texts: "Iterable[str | Doc]", batch_size: int | None, n_process: int
) -> "Iterator[Doc]":
    from spacy_ner_plus.evaluation.predictions import pipe_in_order
    from spacy_ner_plus.pipeline.scored_ents import register_failure, write_failure

    register_failure()
    inputs = ((text, text) for text in texts)
    for doc, text, failure in pipe_in_order(nlp, inputs, batch_size=batch_size, n_process=n_process):
        if doc is None:
            # Not nlp.make_doc, which refuses texts above nlp.max_length.
            doc = nlp.tokenizer(text) if isinstance(text, str) else text
            write_failure(doc, failure)
        yield doc


def predict_records(
    pipeline: "Language | str | Path",
    records: Iterable[dict[str, Any]],
    *,
    mask: str | Mask | None = None,
    overrides: Iterable[str] = (),
    batch_size: int | None = None,
    n_process: int = 1,
    code: str | Path | None = None,
    issues: IssueLog | None = None,
) -> Iterator[dict[str, Any]]:
    """Add entities to records, as `spacy-ner-plus predict` writes them; memory stays flat over any stream.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline.
    records (Iterable[dict[str, Any]]): Each with `text`.
    mask (str | Callable): What stands in place of entities under `masked`: 'label', 'numbered', or as `find_mask` takes
        it. Default: none.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    batch_size (int): Texts at once. Default: the pipeline's own.
    n_process (int): Number of processes, -1 for one on each CPU. Default: 1.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    issues (IssueLog): Where texts on which the pipeline fails are counted.
    YIELDS (dict[str, Any]): The records in order with `ents`, as `describe_entities` gives them, and `masked` where
        that is asked for; both None where the pipeline failed, or nothing in it looked for entities: why is then under
        `error`. Where tokens are missing annotation, `masked` is None, `error` says so, and `missing` has the stretches
        of text, as [start, end]. Offsets are those of `text`, also where the tokenizer doesn't keep its white space.
    RAISES (UserError): Where something can't be loaded, and a mask is given where no component finds entities.
    """
    at_least("batch_size", batch_size, 1)
    check_processes(n_process)
    nlp = load_pipeline(pipeline, overrides, code=code)
    issues = IssueLog() if issues is None else issues
    masking = None if mask is None else find_mask(mask)
    if masking is not None:
        _check_finds_entities(nlp)
    read = (TextRecord(record["text"], record) for record in records)
    predictions = _predict_records(nlp, read, masking, batch_size, n_process, issues)
    return (prediction.record for prediction in predictions)


def _predict_records(
    nlp: "Language",
    records: Iterator[TextRecord],
    mask: Mask | None,
    batch_size: int | None,
    n_process: int,
    issues: IssueLog,
) -> Iterator[Prediction]:
    from spacy_ner_plus.evaluation.predictions import pipe_in_order

    number, warned = 0, set()
    while (first := next(records, None)) is not None:
        inputs = ((record.text, record) for record in chain([first], islice(records, ZONE - 1)))
        # A worker of another process gets no zone of ours, and its Docs outlive it.
        with nlp.memory_zone() if n_process == 1 else nullcontext():
            for doc, record, failure in pipe_in_order(
                nlp, inputs, batch_size=batch_size, n_process=n_process
            ):
                number += 1
                where = f"text {number}"
                given = dict(record.fields)
                for key in _added(mask is not None):
                    # What an earlier run said of a text says nothing of this one.
                    if key in given and given.pop(key) not in (None, ""):
                        issues.add(REPLACED.format(key=key), record.text[:40], where)
                if isinstance(given.get(MISSING), list):
                    issues.add(REPLACED.format(key=MISSING), record.text[:40], where)
                    del given[MISSING]
                ents, error = _read_ents(doc, failure, record.text)
                if error:
                    issues.add(FAILED if ents is None else INCOMPLETE, error, where)
                masked = {}
                if mask is not None:
                    if doc is not None and not error and (error := why_unplaced(doc)):
                        issues.add(UNMASKED, error, where)
                    # Where anything may have been overlooked, it would be the text as it was.
                    hidden = None if error else _to_hide(doc, ents, record.text)
                    if hidden is not None:
                        warn_of_unmasked(doc, warned)
                    masked[MASKED] = None if hidden is None else mask_text(record.text, hidden, mask)
                reason = {ERROR: error} if error else {}
                fields = {**given, ENTS: ents, **masked, **reason}
                missing = [] if ents is None else _missing(doc, record.text)
                yield Prediction(record.text, ents, error, fields, missing)


def _read_ents(doc: "Doc | None", failure: str, text: str) -> tuple[list[dict[str, Any]] | None, str]:
    """Take what a pipeline found in a text.

    RETURNS (tuple[list[dict[str, Any]] | None, str]): The entities by their offsets in the text, None where the
        pipeline failed, in whole or in part; and why something is missing, '' where nothing is.
    """
    from spacy_ner_plus.evaluation.failures import find_failure, is_answered

    if doc is None:
        # A failure always has a reason here.
        return None, failure or "the pipeline gave nothing"
    error = why_incomplete(doc)
    if find_failure(doc) or not is_answered(doc):
        return None, error
    ents = describe_entities(doc)
    if doc.text != text:
        ents = _on_text(ents, doc.text, text)
        if ents is None:
            return None, "the tokens of the pipeline don't make up the text"
    return ents, error


def _missing(doc: "Doc", text: str) -> list[list[int]]:
    """RETURNS (list[list[int]]): The stretches of a text that are missing annotation."""
    from spacy_ner_plus.spans import missing_ranges

    ranges = missing_ranges(doc)
    if not ranges or doc.text == text:
        return ranges
    there = OtherSpace(doc.text, text)
    return [list(bounds) for start, end in ranges if (bounds := there.bounds(start, end))]


def _to_hide(doc: "Doc | None", ents: list[dict[str, Any]] | None, text: str) -> list[dict[str, Any]] | None:
    """RETURNS (list[dict[str, Any]] | None): Entities and what was found across their ends, by offsets in the text;
    None where that can't be told."""
    if doc is None or ents is None:
        return None
    others: list[dict[str, Any]] | None = crossing_mentions(doc)
    if others and doc.text != text:
        others = _on_text(others, doc.text, text)
    return None if others is None else [*ents, *others]


def _on_text(ents: list[dict[str, Any]], read: str, text: str) -> list[dict[str, Any]] | None:
    """Lay entities on the text of which a tokenizer kept all but the white space.

    RETURNS (list[dict[str, Any]] | None): None where the texts differ in more.
    """
    if without_space(read) != without_space(text):
        return None
    there, found = OtherSpace(read, text), []
    for ent in ents:
        at = there.bounds(ent["start"], ent["end"])
        if at is not None:
            found.append({**ent, "start": at[0], "end": at[1], "text": text[slice(*at)]})
    return found


def _check_finds_entities(nlp: "Language") -> None:
    """Check that a pipeline may find entities; of a component that isn't spaCy's own, that can't be ruled out.

    RAISES (UserError): Where no component does.
    """
    for name, component in nlp.pipeline:
        meta = nlp.get_pipe_meta(name)
        # A span ruler writes entities where it is told to, and says nothing of it in its meta.
        if "doc.ents" in meta.assigns or meta.factory == "span_ruler":
            return
        if not str(getattr(component, "__module__", "")).startswith("spacy.pipeline"):
            return
    raise UserError(Errors.E721.format(components=", ".join(nlp.pipe_names) or "it has none"))


def _check_text_column(column: str | None, masked: bool) -> None:
    """RAISES (UserError): A column of texts that a column of predictions would replace."""
    if column in _added(masked):
        raise UserError(Errors.E722.format(column=column))


def _added(masked: bool) -> tuple[str, ...]:
    return (ENTS, MASKED, ERROR) if masked else (ENTS, ERROR)


def describe_entities(doc: "Doc") -> list[dict[str, Any]]:
    """Give a Doc's entities as plain data.

    RETURNS (list[dict[str, Any]]): `start` and `end` in characters, `label`,
        `text`, and `score` where a span group holds the same span with scores
        (`doc.spans[key].attrs["scores"]`).
    """
    from spacy_ner_plus.spans import span_scores

    scores = span_scores(doc)
    entities = []
    for ent in doc.ents:
        entity = {"start": ent.start_char, "end": ent.end_char, "label": ent.label_, "text": ent.text}
        score = scores.get((ent.start, ent.end, ent.label))
        entities.append(entity if score is None else {**entity, "score": round(score, 6)})
    return entities


def predict_files(
    pipeline: "Language | str | Path",
    files: Iterable[str | Path],
    target: str | Path | TextIO,
    *,
    texts: Iterable[str] = (),
    write: str | Writer = "jsonl",
    mask: str | Mask | None = None,
    input_format: str = "auto",
    text_column: str | None = None,
    encoding: str = "utf-8",
    whole: bool = False,
    overrides: Iterable[str] = (),
    batch_size: int | None = None,
    n_process: int = 1,
    code: str | Path | None = None,
    issues: IssueLog | None = None,
) -> IssueLog:
    """Read texts from files, and write them with their entities; a file is written whole or not at all.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline.
    files (Iterable[str | Path]): Text, JSONL, CSV or TSV files, '-' for standard input.
    target (str | Path | TextIO): The file to write, or a stream.
    texts (Iterable[str]): Texts that come before those of the files.
    write (str | Writer): How they are written: 'jsonl', 'csv', 'tsv', 'html', 'text' (the masked texts alone), or a
        function that does it. Default: 'jsonl'.
    mask (str | Callable): What stands in place of entities in masked texts: 'label', 'numbered', or as `find_mask`
        takes it. Default: none are made.
    input_format (str): Of the files: 'text', 'jsonl', 'csv' for tables with any delimiter, or 'auto' for by the file's
        name. Default: 'auto'.
    text_column (str): The column of a table, or the key of JSONL, that has the texts. Default: 'text' of JSONL, and
        of a table the first whose name is one that texts have.
    encoding (str): Of the files. Default: 'utf-8', in which the predictions are written in any case.
    whole (bool): Whether a file is one text, instead of one a line. Default: False.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    batch_size (int): Texts at once. Default: the pipeline's own.
    n_process (int): Number of processes, -1 for one on each CPU. Default: 1.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    issues (IssueLog): Where texts on which the pipeline fails are counted, and blank lines that are passed over.
    RETURNS (IssueLog): The same, or a new one.
    RAISES (UserError): Where something can't be read, loaded or written, the texts' column is one that is added, and
        a mask is given where no component finds entities.
    """
    at_least("batch_size", batch_size, 1)
    check_processes(n_process)
    check_input_format(input_format)
    check_masks(write, mask)
    _check_text_column(text_column, mask is not None)
    writer = find_writer(write) if isinstance(write, str) else write
    files = [str(file) for file in files]
    if isinstance(target, str | Path):
        read = [("a file of texts", file) for file in files if file != "-"]
        inputs = [*read, ("the pipeline", path_of(pipeline)), ("the code", code)]
        check_targets({"the predictions": Path(target)}, inputs)
    nlp = load_pipeline(pipeline, overrides, code=code)
    # After the code that may register it.
    masking = None if mask is None else find_mask(mask)
    if masking is not None:
        _check_finds_entities(nlp)
    issues = IssueLog() if issues is None else issues
    layout = Layout(nlp.lang, masking is not None, whole, TableShape())
    records = read_texts(
        files,
        texts,
        input_format=input_format,
        whole=whole,
        text_column=text_column,
        encoding=encoding,
        shape=layout.table,
        # Masked texts stand beside those that were read by nothing but their lines.
        blank_lines=write == "text",
        issues=issues,
    )
    results = _predict_records(nlp, records, masking, batch_size, n_process, issues)
    with _open(target) as stream:
        writer(results, stream, layout)
    return issues


@contextmanager
def _open(target: str | Path | TextIO) -> Iterator[TextIO]:
    """A stream as it is, or a file that takes its name only when it is whole."""
    from spacy_ner_plus.files import written_whole

    if not isinstance(target, str | Path):
        yield target
        return
    with (
        written_whole(Path(target)) as beside,
        # Lines end alike on all systems, and line ends within cells stay.
        beside.open("w", encoding="utf8", newline="\n") as stream,
    ):
        yield stream
