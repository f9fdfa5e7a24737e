import random

import pytest

from spacy_ner_plus.alignment.near_duplicates import NearDuplicates, count_shingles, jaccard, shingles_of


def test_near_duplicates_ignore_case_quotes_and_spaces():
    assert shingles_of("Ann\N{RIGHT SINGLE QUOTATION MARK}s  here.") == shingles_of("ann's here .")


@pytest.mark.parametrize(("threshold", "counted"), [(0.3, 0), (0.7, 0), (0.7, 50), (0.7, 300), (1.0, 300)])
def test_near_duplicates_are_those_that_comparing_all_pairs_finds(threshold, counted):
    rng = random.Random(0)
    texts = [" ".join(rng.choices("abcdef", k=rng.randrange(1, 9))) for _ in range(300)]
    near, added = NearDuplicates(threshold, count_shingles(texts[:counted])), []
    for text in texts:
        similar = [(jaccard(shingles_of(text), shingles_of(other)), -n) for n, other in enumerate(added)]
        best = max([found for found in similar if found[0] >= threshold], default=None)
        assert near.find(text) == (None if best is None else (added[-best[1]], best[0]))
        near.add(text)
        added.append(text)


def test_near_duplicates_above_one_are_none():
    near = NearDuplicates(1.1)
    near.add("the same")
    assert near.find("the same") is None
