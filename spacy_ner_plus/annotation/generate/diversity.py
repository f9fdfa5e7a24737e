"""How much of a synthetic corpus repeats itself."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spacy_ner_plus.alignment.near_duplicates import jaccard, shingles_of
from spacy_ner_plus.annotation.generate.patterns import pattern_of
from spacy_ner_plus.annotation.generate.records import Record

NGRAMS = (1, 2, 3)
# So many texts are compared, each with so many others.
_COMPARED, _OTHERS = 200, 2000


@dataclass(frozen=True)
class Diversity:
    """Measures of records; those of another number of records can't be compared with them.

    texts (int): How many there are.
    tokens (int): Tokens of them all.
    distinct (dict[int, float]): By n, the distinct n-grams of tokens in lower case as a share of all (Li et al. 2016,
        arXiv:1510.03055).
    self_similarity (float | None): The mean, over up to 200 texts, of how similar the most similar of up to 2,000
        others is: Jaccard of pairs of neighbouring words. None for a single text.
    patterns (int): How many texts differ by more than what their entities are.
    ambiguous (int): How many words of entities have several labels, or are none elsewhere.
    """

    texts: int
    tokens: int
    distinct: dict[int, float]
    self_similarity: float | None
    patterns: int
    ambiguous: int


def measure_diversity(records: Sequence[Record], seed: int = 0) -> Diversity:
    """Measure records.

    seed (int): Of the texts that are compared, where there are more.
    """
    words = [_words(record) for record in records]
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for row in words:
        for word, label in row:
            if any(map(str.isalnum, word)):
                labels[word].add(label)
    return Diversity(
        texts=len(records),
        tokens=sum(map(len, words)),
        distinct={n: _distinct([[word for word, _ in row] for row in words], n) for n in NGRAMS},
        self_similarity=_self_similarity([record.text for record in records], seed),
        patterns=len({pattern_of(record).lower() for record in records}),
        ambiguous=sum(len(found) > 1 for found in labels.values()),
    )


def _words(record: Record) -> list[tuple[str, str]]:
    """RETURNS (list[tuple[str, str]]): The words of a text in lower case, each with its label or ''."""
    found, end = [], 0
    for span in record.spans:
        found += [(word, "") for word in record.text[end : span.start].lower().split()]
        found += [(word, span.label) for word in record.text[span.start : span.end].lower().split()]
        end = span.end
    return found + [(word, "") for word in record.text[end:].lower().split()]


def _distinct(texts: Sequence[Sequence[str]], n: int) -> float:
    count, distinct = 0, set()
    for words in texts:
        for at in range(len(words) - n + 1):
            count += 1
            distinct.add(tuple(words[at : at + n]))
    return len(distinct) / count if count else 0.0


def _self_similarity(texts: Sequence[str], seed: int) -> float | None:
    if len(texts) < 2:
        return None
    rng = random.Random(seed)
    others = rng.sample(range(len(texts)), min(_OTHERS, len(texts)))
    shingles = {number: shingles_of(texts[number]) for number in others}
    compared = others[:_COMPARED]
    nearest = [
        max(jaccard(shingles[number], shingles[other]) for other in others if other != number)
        for number in compared
    ]
    return sum(nearest) / len(nearest)
