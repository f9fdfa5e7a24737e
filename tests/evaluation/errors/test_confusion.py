from hypothesis import given, settings

from spacy_ner_plus.evaluation.errors.confusion import confusion_matrix
from tests.evaluation.strategies import match, tag_pairs


def test_confusion_says_which_label_was_taken_for_which():
    docs = [
        match("a b c d", "B-X O B-Y O", "B-Y O B-Y O"),
        match("a b c d", "B-X I-X O O", "O B-X O B-Y"),
        match("a b c d", "B-Y O O O", "O O O O"),
    ]
    assert confusion_matrix(docs) == {"labels": ["X", "Y", "O"], "matrix": [[1, 1, 0], [0, 1, 1], [0, 1, 0]]}


def test_confusion_tells_a_label_called_o_from_none():
    found = confusion_matrix([match("a b", "B-O O", "O O")])
    assert found == {"labels": ["O", "O"], "matrix": [[0, 1], [0, 0]]}


@settings(max_examples=100, deadline=None)
@given(tag_pairs())
def test_confusion_counts_each_entity_once(pair):
    doc = match(["w"] * len(pair[0]), *pair)
    matrix = confusion_matrix([doc])["matrix"]
    assert sum(map(sum, matrix[:-1])) == len(doc.gold.ents)
    assert sum(sum(row[:-1]) for row in matrix) == len(doc.predicted)
