"""The texts to select from: their Docs and vectors, in temporary files, so that memory holds neither."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.alignment.normalization import squeeze
from spacy_ner_plus.annotation.select.vectors import VectorsOnDemand
from spacy_ner_plus.corpus import DocSpool
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.statistics.counts import hash_text
from spacy_ner_plus.files import writing
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.embeddings.kept_embedder import CHUNK, KeptEmbedder

WITHOUT_TEXT = "record without text: passed over"
LONG = "text longer than the model reads: embedded in parts"

T = TypeVar("T")
# Passes items through while they are worked on, as `workflows.progress.Progress` does.
Watch = Callable[[Iterable[int], str, int], Iterable[int]]


class EmbeddedTexts:
    """Texts, equal ones once, each with its embedding, which is made when it is needed.

    vocab (Vocab): Of their Docs.
    embedder (KeptEmbedder): Makes the vectors.
    folder (Path): Where the temporary files lie.
    issues (IssueLog): Where texts that are passed over, or too long for the model, are counted.
    watch (Watch): Is told of the texts that are embedded.
    """

    def __init__(self, vocab: Vocab, embedder: KeptEmbedder, folder: Path, issues: IssueLog, watch: Watch):
        self._vocab = vocab
        self._embedder = embedder
        self._folder = folder
        self._issues = issues
        self._watch = watch
        self._docs = DocSpool(folder)
        self._seen: set[int] = set()
        # All texts; those that were there already, or are labelled; those that the model read in parts.
        self.count = self.duplicates = self.labelled = self.long = 0

    def __len__(self) -> int:
        """RETURNS (int): How many different texts there are."""
        return len(self._docs)

    def add(self, records: Iterable[Record], labelled: Iterable[str] = ()) -> None:
        """Add the texts of Records.

        labelled (Iterable[str]): Texts that are labelled already, which are left out.
        """
        known = {_form(text) for text in labelled}
        for record in records:
            text = text_of(record)
            if not text.strip():
                self._issues.add(WITHOUT_TEXT, record.id, record.where)
                continue
            self.count += 1
            form = _form(text)
            if form in known:
                self.labelled += 1
            elif form in self._seen:
                self.duplicates += 1
            else:
                self._seen.add(form)
                with writing(self._folder):
                    self._docs.add(record.doc)

    @cached_property
    def vectors(self) -> VectorsOnDemand:
        """Of the different texts, in their order; there is at least one."""
        return VectorsOnDemand(len(self), self._embed, self._folder)

    def docs(self, numbers: Iterable[int]) -> Iterator[Doc]:
        """YIELDS (Doc): The Docs of some texts, in the order of the numbers."""
        return self._docs.take(numbers, self._vocab)

    def close(self) -> None:
        """Close the temporary files, which removes them."""
        self._docs.close()
        if "vectors" in vars(self):
            self.vectors.close()

    def _embed(self, numbers: list[int]) -> Iterator[tuple[list[int], np.ndarray]]:
        for some in chunks(self._watch(numbers, "Embedding", len(numbers))):
            texts = [doc.text for doc in self.docs(some)]
            found = self._embedder.embed(texts)
            for text, parts in zip(texts, found.parts, strict=True):
                if parts > 1:
                    self.long += 1
                    self._issues.add(LONG, text[:60])
            with writing(self._folder):
                yield some, found.vectors


def text_of(record: Record) -> str:
    """RETURNS (str): A record's text."""
    return record.doc.text if record.text is None else record.text


def embed_all(embedder: KeptEmbedder, texts: Sequence[str]) -> np.ndarray:
    """RETURNS (Floats2d): The vectors of texts that fit into memory, of shape (texts, width)."""
    found = [embedder.embed(some).vectors for some in chunks(texts)]
    return np.concatenate(found) if found else np.zeros((0, 0), dtype=np.float32)


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """YIELDS (list): As many items as are embedded before they are kept."""
    items = iter(items)
    while some := list(islice(items, CHUNK)):
        yield some


def _form(text: str) -> int:
    # Case, white space, kinds of quotes and the like make no other text.
    return hash_text(squeeze(text))
