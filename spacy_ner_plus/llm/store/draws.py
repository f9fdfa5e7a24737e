"""Which variant was drawn for a text of an episode: once, whoever asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.llm.store.engines.engine import Engine, Row


@dataclass(frozen=True, slots=True)
class Draw:
    """A variant that was drawn.

    probability (float): With which it was.
    """

    variant: str
    probability: float


class Draws:
    """The draws of a store.

    engine (Engine): Its database.
    """

    def __init__(self, engine: Engine[Any]):
        self._engine = engine

    def first(self, episode: str, text_hash: str, draw: Callable[[], Draw]) -> Draw:
        """Find the draw for a text of an episode, or draw.

        draw (Callable): Draws; where several threads or processes do so at once, the first draw counts for all.
        RETURNS (Draw): The one that counts.
        RAISES (StoreError): Where the database can't be used.
        """
        drawn = self._find(episode, text_hash)
        if not drawn:
            # Not within the transaction: it may well read the store.
            new = draw()
            row = (episode, text_hash, new.variant, float(new.probability))
            self._engine.write(
                lambda writer: writer.run(
                    "INSERT INTO draws (episode, text_hash, variant, probability) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    row,
                )
            )
            drawn = self._find(episode, text_hash)
        variant, probability = drawn[0]
        return Draw(variant, probability)

    def _find(self, episode: str, text_hash: str) -> list[Row]:
        return self._engine.rows(
            "SELECT variant, probability FROM draws WHERE episode = ? AND text_hash = ?", (episode, text_hash)
        )
