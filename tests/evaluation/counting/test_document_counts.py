import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.counting.counts import Counts, total
from spacy_ner_plus.evaluation.counting.document_counts import count_documents
from spacy_ner_plus.evaluation.counting.schemes import BY_POSITION, SCHEMES, count_entities
from spacy_ner_plus.evaluation.matching.matched_doc import match_doc
from spacy_ner_plus.evaluation.metrics.compute import metrics_of_counts
from tests.evaluation.strategies import VOCAB, make_doc, match, tag_pairs

DOCS = [
    match("Bo met Al", "B-X O B-Y", "B-X O B-X", 1),
    match("no one there", "O O O", "O O O", 2),
    match("Bo Lee left", "B-X I-X O", "B-X O O", 3),
]


def test_document_counts_keep_a_row_for_each_document():
    counts = count_documents(DOCS)
    assert len(counts) == 3
    assert counts.schemes["strict"].tolist() == [[1, 1, 0, 0, 0], [0] * 5, [0, 1, 0, 0, 0]]
    assert counts.labels["Y"].tolist() == [[0, 0, 0, 1, 0], [0] * 5, [0] * 5]
    assert counts.label_totals["X"]["partial"] == Counts(correct=1, partial=1, spurious=1)
    assert counts.exact.tolist() == [0, 1, 0]
    assert counts.jaccard.tolist() == [1 / 3, 1, 0]
    assert counts.tags.tolist() == [[2, 3], [3, 3], [2, 3]]


def test_document_counts_take_the_threshold_of_the_fuzzy_scheme():
    assert total(count_documents(DOCS[2:], similarity_threshold=0.5).schemes["fuzzy"]).correct == 1
    assert total(count_documents(DOCS[2:]).schemes["fuzzy"]).correct == 0


def test_document_counts_leave_documents_without_annotation_out_of_the_mean():
    gold = Doc(VOCAB, words=["a", "b"])
    counts = count_documents([match_doc(gold, make_doc("a b", "B-X O")), *DOCS])
    assert counts.annotated.tolist() == [0, 1, 1, 1]
    assert counts.exact.tolist() == [0, 0, 1, 0]
    assert metrics_of_counts(counts)["documents"]["exact_match"] == pytest.approx(1 / 3)


def test_document_counts_of_nothing_are_empty():
    counts = count_documents([])
    assert len(counts) == 0
    assert counts.tags.shape == (0, 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(tag_pairs(), min_size=1, max_size=4))
def test_document_counts_add_up(pairs):
    docs = [match(["w"] * len(gold), gold, predicted) for gold, predicted in pairs]
    counts = count_documents(docs)
    assert set(counts.schemes) == set(SCHEMES)
    for scheme in BY_POSITION:
        expected = sum((count_entities(doc, scheme) for doc in docs), Counts())
        assert total(counts.schemes[scheme]) == expected
    for label, table in counts.labels.items():
        assert total(table) == counts.label_totals[label]["strict"]
        assert np.issubdtype(table.dtype, np.integer)
