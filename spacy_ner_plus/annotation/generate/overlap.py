"""What a synthetic corpus has in common with another one, such as the one that a model is tested on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

from spacy_ner_plus.alignment.near_duplicates import NEARLY, NearDuplicates
from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.annotation.generate.records import Record

# So many words in a row are no chance any more.
_NGRAM = 8


@dataclass(frozen=True)
class Overlap:
    """What records share with a corpus.

    corpus (str): Its name.
    documents (int): How many it has.
    same_texts (int): How many records have a text of it, but for case, white space and the like.
    near_texts (int): How many more are nearly the same as one of it.
    ngrams (float): The share of the records' runs of eight words that it has.
    entities (float): The share of the records' different entities, with their labels, that it has.
    example (tuple[str, str]): The first record that is the same or nearly so, and the text of the corpus; '' for none.
    """

    corpus: str
    documents: int
    same_texts: int
    near_texts: int
    ngrams: float
    entities: float
    example: tuple[str, str] = ("", "")


class KnownCorpus:
    """What is kept of a corpus, to compare records with it.

    docs (Iterable[Doc]): The corpus, annotated or not.
    name (str): Its name.
    """

    def __init__(self, docs: Iterable[Doc], name: str):
        self.name = name
        self._documents = 0
        self._near = NearDuplicates(NEARLY)
        self._texts: set[str] = set()
        self._ngrams: set[tuple[str, ...]] = set()
        self._entities: set[tuple[str, str]] = set()
        for doc in docs:
            self._add(doc)

    def _add(self, doc: Doc) -> None:
        self._documents += 1
        text = doc.text
        form = normalise(text)
        if form not in self._texts:
            self._texts.add(form)
            self._near.add(text)
            self._ngrams |= _ngrams(form)
        self._entities |= {(ent.label_, normalise(ent.text)) for ent in doc.ents}

    def overlap(self, records: Sequence[Record]) -> Overlap:
        """RETURNS (Overlap): What records share with it."""
        same = nearly = 0
        example = ("", "")
        ngrams: set[tuple[str, ...]] = set()
        entities: set[tuple[str, str]] = set()
        for record in records:
            form = normalise(record.text)
            ngrams |= _ngrams(form)
            entities |= {(label, normalise(text)) for label, text in record.entities}
            is_same = form in self._texts
            found = (record.text, 1.0) if is_same else self._near.find(record.text)
            same += is_same
            nearly += not is_same and found is not None
            if found is not None and not example[0]:
                example = (record.text, found[0])
        return Overlap(
            self.name,
            self._documents,
            same,
            nearly,
            _share(ngrams, self._ngrams),
            _share(entities, self._entities),
            example,
        )


def _ngrams(form: str) -> set[tuple[str, ...]]:
    words = form.split()
    return {tuple(words[at : at + _NGRAM]) for at in range(len(words) - _NGRAM + 1)}


def _share(ours: set, theirs: set) -> float:
    return len(ours & theirs) / len(ours) if ours else 0.0
