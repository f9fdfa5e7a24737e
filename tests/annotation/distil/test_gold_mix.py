import numpy as np
import pytest
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.annotation.distil.gold_mix import GoldMix
from spacy_ner_plus.soft_tags import SoftTags, read_soft_tags, write_soft_tags


def make(vocab, words, tags=None, soft=True):
    words = words.split()
    doc = Doc(vocab, words=words, ents=["" if tag == "-" else tag for tag in tags.split()] if tags else None)
    if soft:
        probs = np.tile([0.25, 0.75, 0], (len(words), 1))
        write_soft_tags(doc, SoftTags(("PER",), probs, np.ones(len(words))))
    return doc


PER = frozenset({"PER"})


def test_gold_mix_gives_gold_in_place_of_the_same_text(nlp):
    gold = make(nlp.vocab, "Anna left", "B-PER O", soft=False)
    weak = [make(nlp.vocab, "Anna left"), make(nlp.vocab, "Bob came")]
    mix = GoldMix([gold], PER, soften=False)
    assert [doc.text for doc in mix.mix(weak)] == ["Bob came ", "Anna left "]
    assert read_soft_tags(gold) is None
    assert mix.to_dict() == {
        "gold": 1, "gold_open": 0, "weak": 1, "replaced": 1, "unmatched": 0, "softened_tokens": 0, "gold_alone": [],
        "teachers_alone": [],
    }  # fmt: skip


def test_gold_mix_tells_gold_that_nobody_annotated(nlp):
    golds = [make(nlp.vocab, "Anna left", "B-PER O", soft=False), nlp.make_doc("Bob came")]
    mix = GoldMix(golds, PER, soften=False)
    assert (mix.to_dict()["gold"], mix.to_dict()["gold_open"]) == (2, 1)


def test_gold_mix_takes_texts_for_the_same_that_differ_in_white_space(nlp):
    gold = make(nlp.vocab, "Anna left .", "B-PER - O", soft=False)
    other = make(nlp.vocab, "Nobody", "O", soft=False)
    weak = Doc(nlp.vocab, words=["Anna", "left", "."], spaces=[True, False, False])
    mix = GoldMix([gold, other], PER, soften=False)
    assert list(mix.mix([weak])) == [gold, other]
    assert mix.to_dict()["replaced"] == mix.to_dict()["unmatched"] == 1


def test_gold_mix_fills_what_people_left_open(nlp):
    gold = make(nlp.vocab, "Anna met Bob", "B-PER O -", soft=False)
    list(GoldMix([gold], PER, soften=False).mix([make(nlp.vocab, "Anna met Bob")]))
    found = read_soft_tags(gold)
    assert found.weights.tolist() == [0, 0, 1]
    assert found.beside_gold


def test_gold_mix_softens_gold_where_it_is_asked_to(nlp):
    gold = make(nlp.vocab, "Anna met Bob", "B-PER O -", soft=False)
    mix = GoldMix([gold], PER, soften=True)
    list(mix.mix([make(nlp.vocab, "Anna met Bob")]))
    assert read_soft_tags(gold).weights.tolist() == [1, 1, 1]
    assert mix.softened_tokens == 3


def test_gold_mix_says_which_labels_teachers_did_not_look_for(nlp):
    gold = make(nlp.vocab, "Oslo is here", "B-LOC O O", soft=False)
    weak = make(nlp.vocab, "Anna left", "B-PER O")
    mix = GoldMix([gold], PER, soften=False)
    docs = list(mix.mix([weak]))
    assert annotated_labels(docs[0]) == PER
    assert annotated_labels(docs[1]) is None
    assert mix.to_dict()["gold_alone"] == ["LOC"]
    # Where teachers don't say what they look for, it may be all.
    other = make(nlp.vocab, "Anna left", "B-PER O")
    list(GoldMix([gold], None, soften=False).mix([other]))
    assert annotated_labels(other) is None


@pytest.mark.parametrize("words", ["Anna-Bob left", "Anna - Bob left"])
def test_gold_mix_lays_soft_tags_on_the_tokens_of_gold(nlp, words):
    text = "Anna-Bob left"
    gold = nlp.make_doc(text)
    weak = Doc(nlp.vocab, words=["Anna-Bob", "left"], spaces=[True, False])
    write_soft_tags(weak, SoftTags(("PER",), np.array([[0, 1, 0], [1, 0, 0]]), np.ones(2)))
    list(GoldMix([gold], PER, soften=True).mix([weak]))
    assert read_soft_tags(gold).probs[:3].argmax(axis=1).tolist() == [1, 2, 2]


def test_gold_mix_fills_what_people_left_open_in_other_white_space(nlp):
    gold = make(nlp.vocab, "Anna met Bob .", "B-PER O - -", soft=False)
    weak = Doc(nlp.vocab, words=["Anna", "  ", "met", "Bob", "."], spaces=[False, False, True, False, False])
    probs = np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0], [0.25, 0.75, 0], [1, 0, 0]])
    write_soft_tags(weak, SoftTags(("PER",), probs, np.array([1, 0, 1, 1, 1])))
    list(GoldMix([gold], PER, soften=False).mix([weak]))
    found = read_soft_tags(gold)
    assert found.weights.tolist() == [0, 0, 1, 1]
    assert found.probs[2] == pytest.approx([0.25, 0.75, 0], abs=1e-4)


def test_gold_mix_counts_a_token_once_that_comes_in_two_texts(nlp):
    gold = make(nlp.vocab, "Anna met Bob", "B-PER O -", soft=False)
    mix = GoldMix([gold], PER, soften=False)
    list(mix.mix([make(nlp.vocab, "Anna met Bob"), make(nlp.vocab, "Anna met Bob")]))
    assert (mix.replaced, mix.softened_tokens) == (2, 1)


def test_gold_mix_says_which_labels_gold_does_not_know(nlp):
    weak = [make(nlp.vocab, "Anna saw Oslo", "B-PERSON O B-LOC")]
    labels = frozenset({"PERSON", "LOC"})
    gold = make(nlp.vocab, "Bob saw Paris", "B-PER O B-LOC", soft=False)
    mix = GoldMix([gold], labels, soften=False)
    list(mix.mix(weak))
    assert (mix.to_dict()["gold_alone"], mix.to_dict()["teachers_alone"]) == (["PER"], ["PERSON"])
    # Gold that says O of nothing, or of its own labels alone, teaches no O for others.
    for partial in (make(nlp.vocab, "Bob saw", "B-PER -", soft=False), gold):
        if partial is gold:
            set_annotated_labels(partial, ["PER", "LOC"])
        mix = GoldMix([partial], labels, soften=False)
        list(mix.mix(weak))
        assert mix.to_dict()["teachers_alone"] == []
