"""The texts of dry runs, which nothing learns from."""

from collections.abc import Iterable
from typing import Any

from spacy_ner_plus.llm.store.engines.engine import Engine


class DryTexts:
    """The hashes of the texts that dry runs had.

    engine (Engine): The store's database.
    """

    def __init__(self, engine: Engine[Any]):
        self._engine = engine

    def add(self, hashes: Iterable[str]) -> None:
        """Note texts by their `text_hash`.

        RAISES (StoreError): Where they can't be written.
        """
        rows = [(found,) for found in dict.fromkeys(hashes)]
        if rows:
            statement = "INSERT INTO dry_texts (text_hash) VALUES (?) ON CONFLICT DO NOTHING"
            self._engine.write(lambda writer: writer.run_many(statement, rows))

    def all(self) -> set[str]:
        """RETURNS (set[str]): The hashes of all of them."""
        return {found for (found,) in self._engine.rows("SELECT text_hash FROM dry_texts")}
