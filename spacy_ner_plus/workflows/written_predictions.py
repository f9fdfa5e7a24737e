"""How `predict` writes texts with their entities: JSONL, tables, masked texts, a page."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TextIO

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.pipeline.masking import Mask
from spacy_ner_plus.workflows.arguments.texts import TableShape

# What is added to a JSON object or a row.
ENTS, MASKED, ERROR = "ents", "masked", "error"
# What JSONL alone says; the columns of a table are known before its first row.
MISSING = "missing"
# Formats with a place for masked texts.
MASKED_FORMATS = ("jsonl", "csv", "tsv", "text")


class Prediction(NamedTuple):
    """What was found in a text.

    text (str): The text.
    ents (list[dict[str, Any]] | None): Its entities as plain data; None where the pipeline failed.
    error (str): Why it failed, or how much of the text is missing annotation; '' where nothing is missing.
    fields (dict[str, Any]): What was read with the text and the text itself, with `ents`, `masked` where that was asked
        for, and `error` where there is one.
    missing (Sequence[list[int]]): Where an annotated text is missing annotation: from which character to which.
    """

    text: str
    ents: list[dict[str, Any]] | None
    error: str
    fields: dict[str, Any]
    missing: Sequence[list[int]] = ()

    @property
    def record(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The fields, and `missing` where something is, unless what was read has it."""
        own = {MISSING: list(self.missing)} if self.missing and MISSING not in self.fields else {}
        return {**self.fields, **own}


@dataclass(frozen=True)
class Layout:
    """What writers have to know beside the predictions.

    lang (str): Code of the texts' language, '' where unknown.
    masked (bool): Whether there are masked texts.
    whole (bool): Whether each file was one text.
    table (TableShape): Of the first table that was read.
    """

    lang: str = ""
    masked: bool = False
    whole: bool = False
    table: TableShape = field(default_factory=TableShape)


# Writes predictions to a stream.
Writer = Callable[[Iterable[Prediction], TextIO, Layout], None]


def find_writer(name: str) -> Writer:
    """Find how to write.

    name (str): 'jsonl', 'csv', 'tsv', 'text' or 'html'.
    RAISES (UserError): For any other.
    """
    if name not in WRITERS:
        raise UserError(Errors.E506.format(value=name, option="format", choices=", ".join(WRITERS)))
    return WRITERS[name]


def check_masks(write: str | Writer, mask: str | Mask | None) -> None:
    """Check that masked texts are asked for where there is a place for them, and only there.

    RAISES (UserError): Where a mask would count for nothing, or `text` has nothing to write.
    """
    reason = ""
    if isinstance(write, str) and write == "text" and mask is None:
        reason = "no mask is given"
    elif mask is not None and isinstance(write, str) and write not in MASKED_FORMATS:
        reason = f"{write} has no place for them"
    if reason:
        raise UserError(Errors.E787.format(reason=reason, formats=", ".join(MASKED_FORMATS)))


def write_jsonl(predictions: Iterable[Prediction], stream: TextIO, layout: Layout) -> None:
    """Write each record as a line of JSON, as soon as it is there."""
    for prediction in predictions:
        stream.write(f"{json.dumps(prediction.record, ensure_ascii=False)}\n")
        # A reader at the other end of a pipe sees each at once.
        stream.flush()


def write_table(
    predictions: Iterable[Prediction], stream: TextIO, layout: Layout, delimiter: str | None = None
) -> None:
    """Write the rows that were read, each as soon as it is there, with columns more.

    `ents` has the entities as JSON: a list of objects with start, end, label, text, and score where there is one; it
    is empty where the pipeline failed. `masked` has the masked text where a mask is given and no token is missing
    annotation, `error` why something is missing. `spacy-ner-plus convert` reads such a table as a corpus, in which all
    that the entities of a text with an error don't cover is missing, as a table doesn't say where it is.

    delimiter (str | None): What stands between cells. Default: as in the first table that was read, ',' where none was.
    RAISES (UserError): For a record with a key for which there is no column.
    """
    added = [ENTS, MASKED, ERROR] if layout.masked else [ENTS, ERROR]
    predictions = iter(predictions)
    first = next(predictions, None)
    names = layout.table.columns or (first.fields if first else ())
    columns = [name for name in names if name not in added] + added
    if first is None and not layout.table.columns:
        return
    own = layout.table.delimiter
    delimiter = delimiter or (own if own not in ("", "\t") else ",")
    stream.write(_row(columns, delimiter))
    for number, prediction in enumerate(chain([] if first is None else [first], predictions), 1):
        unknown = [name for name in prediction.fields if name not in columns]
        if unknown:
            raise UserError(Errors.E782.format(number=number, column=unknown[0]))
        stream.write(_row([_cell(prediction.fields.get(name)) for name in columns], delimiter))
        stream.flush()


def write_masked(predictions: Iterable[Prediction], stream: TextIO, layout: Layout) -> None:
    """Write the masked texts alone, one a line; an empty line where the pipeline failed.

    RAISES (UserError): A text of several lines, unless each file was one text.
    """
    for number, prediction in enumerate(predictions, 1):
        masked = prediction.fields.get(MASKED) or ""
        # Not splitlines: what else that parts at is one line to all who read lines, `read_texts` among them.
        if ("\n" in masked or "\r" in masked) and not layout.whole:
            formats = ", ".join(name for name in MASKED_FORMATS if name != "text")
            reason = f"text {number} has several lines, so that nobody could tell where the next begins"
            raise UserError(Errors.E787.format(reason=reason, formats=formats))
        stream.write(f"{masked}\n")
        stream.flush()


def write_page(predictions: Iterable[Prediction], stream: TextIO, layout: Layout) -> None:
    """Write an HTML page, which takes all texts into memory."""
    from spacy_ner_plus.evaluation.pages.entities_page import render_entities

    texts = (
        {"text": prediction.text, ENTS: prediction.ents, ERROR: prediction.error}
        for prediction in predictions
    )
    stream.write(render_entities(texts, title="Entities", lang=layout.lang))


WRITERS: dict[str, Writer] = {
    "jsonl": write_jsonl,
    "csv": write_table,
    "tsv": partial(write_table, delimiter="\t"),
    "text": write_masked,
    "html": write_page,
}


def _row(cells: Iterable[str], delimiter: str) -> str:
    """Cells as a line of a table, all those that hold a line end of any kind in quotes."""
    line = io.StringIO()
    # Python's csv quotes the line ends that its own is made of, and no others.
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: Any) -> str:
    """A value as a cell: strings as they are, nothing for None, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
