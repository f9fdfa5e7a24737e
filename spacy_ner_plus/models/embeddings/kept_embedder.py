"""Texts to vectors, each text once: what is kept is looked up, and what isn't is embedded and kept."""

from collections.abc import Sequence

import numpy as np

from spacy_ner_plus.models.embeddings.embedder import Embedded, Embedder, Kind
from spacy_ner_plus.models.embeddings.vector_store import Stored, VectorStore, text_key

# So many texts are embedded before they are kept: what a run that is killed has to do again.
CHUNK = 512


class KeptEmbedder:
    """An embedder with a store.

    embedder (Embedder): Makes what isn't kept.
    store (VectorStore | None): None to keep nothing.
    """

    def __init__(self, embedder: Embedder, store: VectorStore | None):
        self._embedder = embedder
        self._store = store
        # How many texts were embedded here, and how many came from the store.
        self.embedded = 0
        self.from_store = 0

    def embed(self, texts: Sequence[str], kind: Kind = "document") -> Embedded:
        """Embed texts, of which equal ones are one.

        kind (str): 'query' or 'document'. Default: 'document'.
        """
        prompt = self._embedder.folder.prompts[kind]
        by_key = {text_key(text, prompt): text for text in texts}
        precision = None if self._embedder.takes_any_precision else self._embedder.precision
        known = {} if self._store is None else self._store.get(list(by_key), precision)
        self.from_store += len(known)
        missing = [key for key in by_key if key not in known]
        for begin in range(0, len(missing), CHUNK):
            some = missing[begin : begin + CHUNK]
            made = self._embedder.embed([by_key[key] for key in some], kind)
            stored = {key: Stored(vector, int(parts)) for key, vector, parts in zip(some, *made, strict=True)}
            if self._store is not None:
                self._store.put(stored, self._embedder.precision)
            known.update(stored)
            self.embedded += len(some)
        found = [known[text_key(text, prompt)] for text in texts]
        vectors = np.stack([one.vector for one in found]) if found else np.zeros((0, 0), dtype=np.float32)
        return Embedded(vectors, np.array([one.parts for one in found], dtype=np.int64))

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()
