import pytest
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.matching.gold_tokens import differences, leave_out, place, same_words


def make_doc(nlp, text, tags):
    return Doc(nlp.vocab, words=text.split("|"), spaces=[False] * len(tags.split()), ents=tags.split())


GOLD = ("Anna| |Smith| |in| |Berlin", "B-PER I-PER I-PER O O O B-LOC")


@pytest.mark.parametrize(
    ("tags", "kinds"),
    [
        (GOLD[1], []),
        ("O O O O O O B-LOC", ["missed"]),
        ("B-PER I-PER I-PER O B-LOC O B-LOC", ["spurious"]),
        ("B-ORG I-ORG I-ORG O O O B-LOC", ["wrong label"]),
        ("B-PER O O O O O B-LOC", ["wrong boundary"]),
        ("B-ORG O O O O O B-LOC", ["wrong label and boundary"]),
        ("B-PER O B-PER O O O B-LOC", ["wrong boundary", "spurious"]),
        ("O O O O B-LOC I-LOC I-LOC", ["missed", "wrong boundary"]),
    ],
)
def test_matching_names_each_kind_of_difference(nlp, tags, kinds):
    gold, predicted = make_doc(nlp, *GOLD), make_doc(nlp, GOLD[0], tags)
    assert [difference.kind for difference in differences(predicted, gold)] == kinds


def test_matching_pairs_the_same_label_before_the_longer_overlap(nlp):
    gold = make_doc(nlp, "a|b|c", "B-PER I-PER I-PER")
    predicted = make_doc(nlp, "a|b|c", "B-ORG I-ORG B-PER")
    found = differences(predicted, gold)
    assert {(d.kind, d.predicted.label) for d in found} == {("wrong boundary", "PER"), ("spurious", "ORG")}


def test_matching_gives_a_prediction_inside_a_token_the_tokens_it_touches(nlp):
    gold = make_doc(nlp, "the| |U.S.-based", "O O B-LOC")
    predicted = make_doc(nlp, "the| |U.S.|-based", "O O B-LOC O")
    (span,) = place(predicted, gold)
    assert (span.start, span.end, span.fits, span.text) == (2, 3, False, "U.S.")
    assert (span.start_char, span.end_char) == (4, 8)
    assert [d.kind for d in differences(predicted, gold)] == ["wrong boundary"]


def test_matching_projects_over_other_white_space(nlp):
    gold = Doc(nlp.vocab, words=["in", "New", "York"], ents=["O", "B-LOC", "I-LOC"])
    predicted = Doc(nlp.vocab, words=["in", " ", "new", "York"], ents=["O", "O", "B-LOC", "I-LOC"])
    (span,) = place(predicted, gold)
    assert (span.start, span.end, span.fits) == (1, 3, True)
    assert differences(predicted, gold) == []


def test_matching_knows_when_tokens_can_not_be_aligned(nlp):
    gold, other = make_doc(nlp, "a|b", "B-X O"), make_doc(nlp, "a|c", "B-X O")
    assert not same_words(other, gold)
    (span,) = place(other, gold)
    assert span.start == span.end
    assert not span.fits


def test_matching_leaves_out_what_touches_a_token_without_annotation(nlp):
    gold = Doc(nlp.vocab, words=["a", "b", "c", "d"], ents=["B-X", "", "O", "O"])
    predicted = Doc(nlp.vocab, words=["a", "b", "c", "d"], ents=["O", "B-X", "I-X", "B-X"])
    kept, left_out = leave_out(place(predicted, gold), gold)
    assert [span.start for span in kept] == [3]
    assert [span.start for span in left_out] == [1]
    assert [d.kind for d in differences(predicted, gold)] == ["missed", "spurious"]
