"""Texts that are nearly the same, by the words that stand beside each other in them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import ceil
from zlib import crc32

from spacy_ner_plus.alignment.normalization import normalise

# From which Jaccard similarity of neighbouring words on texts are nearly the same.
NEARLY = 0.7
_WORD = re.compile(r"\w+|[^\w\s]")
Shingles = frozenset[int]


def shingles_of(text: str) -> Shingles:
    """RETURNS (frozenset[int]): The pairs of neighbouring words of a text and its ends, whatever their spelling, by
    hashes that are the same in every process."""
    words = ["", *_WORD.findall(normalise(text)), ""]
    return frozenset(crc32(f"{one} {other}".encode()) for one, other in pairwise(words))


def count_shingles(texts: Iterable[str]) -> Counter[int]:
    """RETURNS (Counter[int]): In how many of the texts each shingle is."""
    return Counter(shingle for text in texts for shingle in shingles_of(text))


def jaccard(one: Shingles, other: Shingles) -> float:
    """RETURNS (float): What two sets share, of all that is in them."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


class NearDuplicates:
    """Finds a text among many that is nearly the same, by prefix filtering (Bayardo, Ma and Srikant 2007).

    threshold (float): From which Jaccard similarity of their shingles on; above 1 for none.
    frequencies (Mapping[int, int] | None): In how many texts each shingle is, as far as that is known: texts are looked
        up by their rarest ones, without which all that begin alike are compared with each other.
    """

    def __init__(self, threshold: float, frequencies: Mapping[int, int] | None = None):
        self.threshold = threshold
        self._frequencies = frequencies or {}
        self._sets: list[Shingles] = []
        self._texts: list[str] = []
        self._by_shingle: defaultdict[int, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._texts)

    def find(self, text: str) -> tuple[str, float] | None:
        """RETURNS (tuple[str, float] | None): The most similar text, the first of several, and how similar it is; None
        where none is similar enough."""
        own = shingles_of(text)
        numbers = {number for shingle in self._prefix(own) for number in self._by_shingle.get(shingle, ())}
        best: tuple[float, int] | None = None
        for number in sorted(numbers):
            similarity = jaccard(own, self._sets[number])
            if similarity >= self.threshold and (best is None or similarity > best[0]):
                best = similarity, number
        return None if best is None else (self._texts[best[1]], best[0])

    def add(self, text: str) -> None:
        """Add a text, to be found."""
        own = shingles_of(text)
        number = len(self._texts)
        self._texts.append(text)
        self._sets.append(own)
        for shingle in self._prefix(own):
            self._by_shingle[shingle].append(number)

    def _prefix(self, shingles: Shingles) -> list[int]:
        # Of two sets that share so much, the first of each in one order share at least one.
        count = len(shingles) - ceil(self.threshold * len(shingles) - 1e-9) + 1
        known = self._frequencies
        return sorted(shingles, key=lambda shingle: (known.get(shingle, 0), shingle))[: max(count, 0)]
