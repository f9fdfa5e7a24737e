"""The numbers of inferences and feedback, by which a snapshot is named."""

from typing import Any

from spacy_ner_plus.llm.store.engines.engine import Engine, Writer


def next_positions(writer: Writer, count: int) -> int:
    """Take the next numbers, which are committed in this order.

    count (int): How many.
    RETURNS (int): The first.
    """
    writer.run("UPDATE positions SET position = position + ?", (count,))
    return writer.rows("SELECT position FROM positions")[0][0] - count + 1


def read_position(engine: Engine[Any]) -> int:
    """RETURNS (int): The last number that was given."""
    return engine.rows("SELECT position FROM positions")[0][0]
