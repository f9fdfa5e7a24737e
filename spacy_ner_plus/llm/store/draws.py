"""Which variant a component drew for a text of an episode: once, whoever asks."""

import json
from collections.abc import Callable, Collection
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

    def first(
        self,
        episode: str,
        text_hash: str,
        draw: Callable[[], Draw],
        *,
        component: str = "",
        variants: Collection[str] = (),
    ) -> Draw:
        """Find the draw for a text of an episode, or draw.

        component (str): Who draws: each component has draws of its own.
        variants (Collection[str]): The names that it draws from, in any order; among others it draws anew.
        draw (Callable): Draws; where several threads or processes do so at once, the first draw counts for all.
        RETURNS (Draw): The one that counts.
        RAISES (StoreError): Where the database can't be used.
        """
        key = (episode, text_hash, component, json.dumps(sorted(set(variants))))
        drawn = self._find(key)
        if not drawn:
            # Not within the transaction: it may well read the store.
            new = draw()
            row = (*key, new.variant, float(new.probability))
            self._engine.write(
                lambda writer: writer.run(
                    "INSERT INTO draws (episode, text_hash, component, variants, variant, probability)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    row,
                )
            )
            drawn = self._find(key)
        variant, probability = drawn[0]
        return Draw(variant, probability)

    def _find(self, key: Row) -> list[Row]:
        return self._engine.rows(
            "SELECT variant, probability FROM draws"
            " WHERE episode = ? AND text_hash = ? AND component = ? AND variants = ?",
            key,
        )
