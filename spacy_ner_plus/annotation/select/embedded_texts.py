"""The texts to select from: their Docs and vectors, in temporary files, so that memory holds neither."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.alignment.normalization import squeeze
from spacy_ner_plus.annotation.select.vectors import Vectors
from spacy_ner_plus.corpus import DocSpool
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.statistics.counts import hash_text
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.embeddings.kept_embedder import CHUNK, KeptEmbedder

WITHOUT_TEXT = "record without text: passed over"
LONG = "text longer than the model reads: embedded in parts"


class EmbeddedTexts:
    """Texts with their embeddings, equal ones once.

    embedder (KeptEmbedder): Makes the vectors.
    folder (Path): Where the temporary files lie.
    issues (IssueLog): Where texts that are passed over, or too long for the model, are counted.
    """

    def __init__(self, embedder: KeptEmbedder, folder: Path, issues: IssueLog):
        self._embedder = embedder
        self._folder = folder
        self._issues = issues
        self._docs = DocSpool(folder)
        self._vectors: Vectors | None = None
        self._seen: set[int] = set()
        self._labelled: set[int] = set()
        # All texts; those that were there already, or are labelled; those that the model read in parts.
        self.count = self.duplicates = self.labelled = self.long = 0

    def __len__(self) -> int:
        """RETURNS (int): How many different texts there are."""
        return len(self._docs)

    @property
    def vectors(self) -> Vectors:
        """RETURNS (Vectors): Of the different texts, in their order."""
        return Vectors(0, self._folder) if self._vectors is None else self._vectors

    def leave_out(self, texts: Iterable[str]) -> np.ndarray:
        """Take none of some texts, which are labelled already.

        RETURNS (Floats2d): Their vectors, equal ones once.
        """

        def different() -> Iterator[str]:
            for text in texts:
                form = _form(text)
                if text.strip() and form not in self._labelled:
                    self._labelled.add(form)
                    yield text

        return embed_all(self._embedder, different())

    def add(self, records: Iterable[Record]) -> None:
        """Add the texts of Records while they are read."""
        for some in _chunks(self._different(records)):
            found = self._embedder.embed(some)
            for text, parts in zip(some, found.parts, strict=True):
                if parts > 1:
                    self.long += 1
                    self._issues.add(LONG, text[:60])
            if self._vectors is None:
                self._vectors = Vectors(found.vectors.shape[1], self._folder)
            self._vectors.append(found.vectors)

    def docs(self, numbers: Iterable[int], vocab: Vocab) -> Iterator[Doc]:
        """YIELDS (Doc): The Docs of some texts, in the order of the numbers; vocab is that of the Records."""
        return self._docs.take(numbers, vocab)

    def close(self) -> None:
        """Close the temporary files, which removes them."""
        self._docs.close()
        if self._vectors is not None:
            self._vectors.close()

    def _different(self, records: Iterable[Record]) -> Iterator[str]:
        for record in records:
            text = record.doc.text if record.text is None else record.text
            if not text.strip():
                self._issues.add(WITHOUT_TEXT, record.id, record.where)
                continue
            self.count += 1
            form = _form(text)
            if form in self._labelled:
                self.labelled += 1
            elif form in self._seen:
                self.duplicates += 1
            else:
                self._seen.add(form)
                self._docs.add(record.doc)
                yield text


def embed_all(embedder: KeptEmbedder, texts: Iterable[str]) -> np.ndarray:
    """RETURNS (Floats2d): The vectors of texts that fit into memory, of shape (texts, width)."""
    found = [embedder.embed(some).vectors for some in _chunks(text for text in texts if text.strip())]
    return np.concatenate(found) if found else np.zeros((0, 0), dtype=np.float32)


def _form(text: str) -> int:
    # Case, white space, kinds of quotes and the like make no other text.
    return hash_text(squeeze(text))


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    texts = iter(texts)
    while some := list(islice(texts, CHUNK)):
        yield some
