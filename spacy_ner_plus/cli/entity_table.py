"""Entities as a table in the terminal, written while they come in."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.text import Text

    from spacy_ner_plus.workflows.written_predictions import Layout, Prediction

# Rows that make one piece of the table: columns have fixed widths, so that
# pieces line up and nothing waits for the end of the stream.
ROWS = 50
NUMBER, LABEL, OFFSETS, SCORE = 5, 12, 13, 5
# How many columns the file's table has; a terminal has its own width.
FILE_WIDTH = 120


def write_entities(predictions: Iterable["Prediction"], stream: TextIO, layout: "Layout") -> None:
    """Write a row for each entity: the text's number, the entity, its label, offsets, score and context.

    stream (TextIO): Where to; coloured if it is a terminal.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console(file=stream, width=None if stream.isatty() else FILE_WIDTH)
    rest = max(console.width - NUMBER - LABEL - OFFSETS - SCORE - 10, 24)
    entity_width = max(12, rest * 2 // 5)
    context_width = rest - entity_width
    rows = _rows(predictions, context_width)
    header = True
    while piece := list(islice(rows, ROWS)):
        table = Table(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("Text", justify="right", width=NUMBER)
        table.add_column("Entity", width=entity_width, overflow="fold")
        table.add_column("Label", width=LABEL, overflow="fold")
        table.add_column("Offsets", width=OFFSETS, no_wrap=True)
        table.add_column("Score", width=SCORE, no_wrap=True, justify="right")
        table.add_column("Context", width=context_width, no_wrap=True, overflow="ellipsis")
        for row in piece:
            table.add_row(*row)
        console.print(table, highlight=False)
        header = False


def _rows(predictions: Iterable["Prediction"], width: int) -> Iterator[list["Text"]]:
    from rich.text import Text

    for number, prediction in enumerate(predictions, 1):
        text, ents, error = prediction.text, prediction.ents, prediction.error
        if not ents:
            failed = ents is None
            what = Text("failed", "red") if failed else Text("no entity", "dim")
            beside = error if failed else text[: width + 1]
            yield [Text(str(number)), what, Text(""), Text(""), Text(""), Text(_one_line(beside))]
        for ent in ents or ():
            score = f"{ent['score']:.3f}" if "score" in ent else ""
            offsets = f"{ent['start']}-{ent['end']}"
            yield [
                Text(str(number)),
                Text(_one_line(ent["text"]), "bold"),
                Text(ent["label"], "cyan"),
                Text(offsets),
                Text(score),
                _context(text, ent["start"], ent["end"], width),
            ]


def _context(text: str, start: int, end: int, width: int) -> "Text":
    """The stretch of text around an entity that fits the column."""
    from rich.text import Text

    room = max(0, width - (end - start))
    left = max(0, start - room // 2)
    right = min(len(text), left + max(width, end - start))
    left = max(0, min(left, right - width))
    before = ("…" + text[left + 1 : start]) if 0 < left < start else text[left:start]
    after = (text[end : right - 1] + "…") if end < right < len(text) else text[end:right]
    return Text.assemble(_one_line(before), (_one_line(text[start:end]), "bold underline"), _one_line(after))


def _one_line(text: str) -> str:
    # As many characters as before: control characters would move the cursor.
    return "".join(char if char.isprintable() else " " for char in text)
