import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.tags import breaks_iob2, renumber_tags, tag_names, tags_to_entities
from spacy_ner_plus.models.decoding.viterbi import decode
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.spans import tags_to_spans
from tests.models.decoding.sequences import random_scores

LABELS = ["A", "B"]


@pytest.mark.parametrize(
    ("tags", "valid"),
    [([0, 1, 3, 3], True), ([3], False), ([1, 4], False), ([2, 4, 0, 4], False), ([], True), ([1, 1], True)],
)
def test_tags_know_what_is_valid(tags, valid):
    assert breaks_iob2(Ragged.join([np.array(tags, dtype=int)]), 2).any() != valid


def test_tags_of_one_document_continue_nothing_of_another():
    begin, inside = np.array([1]), np.array([3])
    assert breaks_iob2(Ragged.join([begin, inside]), 2).tolist() == [False, True]
    entities = tags_to_entities(Ragged.join([begin, np.array([0])]), 2)
    assert [part.tolist() for part in entities] == [[0], [1], [0]]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 20)), min_size=1, max_size=5))
def test_tags_mark_the_spans_that_their_names_mark(documents):
    names = tag_names(LABELS)
    tags = decode(Ragged.join([random_scores(seed, length, 2) for seed, length in documents]))
    found = [
        (s, e, LABELS[n])
        for s, e, n in zip(*(part.tolist() for part in tags_to_entities(tags, 2)), strict=True)
    ]
    expected = [
        (offset + span.start, offset + span.end, span.label)
        for offset, part in zip(tags.offsets.tolist(), tags.split(), strict=False)
        for span in tags_to_spans([names[tag] for tag in part])
    ]
    assert found == expected


def test_tags_are_numbered_again_where_labels_are_added():
    before, after = tag_names(LABELS), tag_names([*LABELS, "C"])
    assert [after[number] for number in renumber_tags(len(before), len(after))] == before
