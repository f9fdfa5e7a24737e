from spacy.tokens import Doc

from spacy_ner_plus.evaluation.errors.surface_forms import OUTSIDE, add_forms, count_forms, count_uses
from spacy_ner_plus.evaluation.matching.gold_doc import read_gold
from tests.evaluation.strategies import VOCAB, make_gold

DOCS = [
    make_gold("New York , New York Times", "B-LOC I-LOC O B-ORG I-ORG I-ORG"),
    make_gold("May went in May to New York", "B-PER O O O O O O"),
]


def test_surface_forms_count_labels():
    assert count_forms(DOCS) == {
        "New York": {"LOC": 1}, "New York Times": {"ORG": 1}, "May": {"PER": 1}
    }  # fmt: skip


def test_surface_forms_count_where_they_are_no_entity():
    uses = count_uses(DOCS)
    assert uses["May"] == {"PER": 1, OUTSIDE: 1}
    # Within 'New York Times' it is a part of an entity, and neither.
    assert uses["New York"] == {"LOC": 1, OUTSIDE: 1}


def test_surface_forms_pass_over_tokens_without_annotation():
    doc = Doc(VOCAB, words=["May", "May", "May"], ents=["B-PER", "", "O"])
    assert count_uses([read_gold(doc)])["May"] == {"PER": 1, OUTSIDE: 1}


def test_surface_forms_are_the_same_over_white_space():
    doc = Doc(VOCAB, words=["New", " ", "York"], ents=["B-LOC", "I-LOC", "I-LOC"])
    assert list(count_uses([read_gold(doc)])) == ["New York"]


def test_surface_forms_of_several_corpora_add_up():
    forms = count_forms(DOCS)
    assert add_forms(forms, forms)["May"] == {"PER": 2}
    assert forms["May"] == {"PER": 1}
