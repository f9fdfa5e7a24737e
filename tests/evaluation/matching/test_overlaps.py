from hypothesis import given

from spacy_ner_plus.evaluation.matching.gold_doc import Entity
from spacy_ner_plus.evaluation.matching.overlaps import find_overlaps
from tests.evaluation.strategies import entity, spans


@given(spans(overlapping=True), spans(overlapping=True))
def test_overlaps_are_all_that_share_characters(golds, predicted):
    expected = set()
    for i, gold in enumerate(golds):
        for j, found in enumerate(predicted):
            one, other = (set(range(e.start_char, e.end_char)) for e in (gold, found))
            if one & other:
                expected.add((i, j, 1000 * len(one & other) // (max(one | other) - min(one | other) + 1)))
    found = [(overlap.gold, overlap.predicted, overlap.shared) for overlap in find_overlaps(golds, predicted)]
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_overlaps_never_have_the_bounds_of_what_is_misaligned():
    misaligned = Entity(0, 1, "X", 0, 1, "a", aligned=False)
    [overlap] = find_overlaps([entity(0, 1)], [misaligned])
    assert (overlap.same_bounds, overlap.same_label) == (False, True)
