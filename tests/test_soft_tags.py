import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.corpus import DocSpool, load_docs, save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.soft_tags import (
    SOFT_TAGS,
    SoftTags,
    named_labels,
    pack,
    read_soft_tags,
    token_bounds,
    unpack,
    write_soft_tags,
)

WORDS = ["Anna", "left", "Oslo", "."]
# Columns: O, B-LOC, B-PER, I-LOC, I-PER.
PROBS = np.array(
    [[0.1, 0.2, 0.7, 0, 0], [1, 0, 0, 0, 0], [0.3, 0.6994, 0.0006, 0, 0], [0.25, 0.25, 0.25, 0.25, 0]]
)


def soft_tags(probs=PROBS, weights=(1.0, 0.5, 0.25, 0.0), labels=("LOC", "PER"), **values):
    return SoftTags(labels, np.array(probs), np.array(weights), **values)


@pytest.fixture
def doc(nlp):
    made = Doc(nlp.vocab, words=WORDS)
    write_soft_tags(made, soft_tags(temperature=2.0, complete=True, beside_gold=True))
    return made


def check(doc):
    found = read_soft_tags(doc)
    assert found.labels == ("LOC", "PER")
    # What is below the floor isn't kept by itself, nor is anything of a token that has no weight.
    assert found.probs[:3] == pytest.approx(PROBS[:3] * (PROBS[:3] >= 0.001), abs=1e-5)
    assert not found.probs[3].any()
    assert found.weights == pytest.approx([1, 0.5, 0.25, 0], abs=1e-5)
    assert (found.temperature, found.complete, found.beside_gold) == (2.0, True, True)


def test_soft_tags_survive_files_copies_and_other_processes(doc, tmp_path):
    check(doc)
    check(doc.copy())
    check(Doc(doc.vocab).from_bytes(doc.to_bytes()))
    # spaCy's own DocBin keeps them without being told to.
    check(next(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(spacy.blank("en").vocab)))
    save_docs([doc], tmp_path / "saved.spacy")
    check(load_docs(tmp_path / "saved.spacy", spacy.blank("en").vocab)[0])
    spool = DocSpool(tmp_path)
    spool.add(doc)
    spool.write(tmp_path / "spooled.spacy")
    spool.close()
    check(load_docs(tmp_path / "spooled.spacy", spacy.blank("en").vocab)[0])


def test_soft_tags_are_exact_where_they_are_certain():
    certain = np.eye(5)
    again = unpack(pack(soft_tags(certain, np.ones(5))))
    assert (again.probs == certain).all()
    assert (again.weights == 1).all()


def test_soft_tags_keep_the_best_tag_whatever_the_floor():
    again = unpack(pack(soft_tags(np.full((1, 5), 0.2), [1.0]), floor=0.5))
    assert (again.probs > 0).sum() == 1


def test_soft_tags_take_a_few_bytes_a_token(nlp):
    sure = np.tile([[0.999, 0.0005, 0.0005, 0, 0]], (1000, 1))
    packed = pack(soft_tags(sure, np.ones(1000)))
    assert sum(len(value) for value in packed.values() if isinstance(value, bytes)) == 8000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda attrs: attrs.pop("probs"), "KeyError"),
        (lambda attrs: attrs.update(counts=b"\1"), "ValueError"),
        (lambda attrs: attrs.update(weights=attrs["weights"][:4]), "4 tokens, and 2 weights"),
        (lambda attrs: attrs.update(labels=[]), "IndexError"),
        (lambda attrs: attrs.update(labels=None), "TypeError"),
    ],
)
def test_soft_tags_that_are_broken_are_refused(doc, change, reason):
    change(doc.spans[SOFT_TAGS].attrs)
    with pytest.raises(UserError, match=f"(?s)E770.*'Anna left Oslo .'.*{reason}"):
        read_soft_tags(doc)


def test_soft_tags_of_other_tokens_are_refused(doc):
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[:2])
    with pytest.raises(UserError, match="4 tokens, and the document has 3"):
        read_soft_tags(doc)
    other = Doc(doc.vocab, words=["Anna", "leaves", "Oslo", "."])
    other.spans[SOFT_TAGS] = doc.spans[SOFT_TAGS].copy(other)
    with pytest.raises(UserError, match="a text of 17 characters, and the document has 19"):
        read_soft_tags(other)


def test_soft_tags_of_labels_that_become_one_are_added_up():
    found = soft_tags().renamed({"LOC": "X", "PER": "X"}.get)
    assert found.labels == ("X",)
    assert found.probs == pytest.approx(
        np.array([[0.1, 0.9, 0], [1, 0, 0], [0.3, 0.7, 0], [0.25, 0.5, 0.25]])
    )
    dropped = soft_tags().renamed({"LOC": None, "PER": "A"}.get)
    assert dropped.labels == ("A",)
    assert dropped.probs[:2] == pytest.approx(np.array([[0.3, 0.7, 0], [1, 0, 0]]))


def test_soft_tags_name_the_labels_that_have_a_probability():
    assert named_labels(soft_tags()) == {"LOC", "PER"}
    assert named_labels(soft_tags(PROBS[1:2], [1.0])) == set()


def tokens(vocab, *words):
    return token_bounds(Doc(vocab, words=list(words), spaces=[False] * len(words)))


def test_soft_tags_of_a_part_of_a_token_go_on_inside(nlp):
    probs = [[0.1, 0.2, 0.6, 0.1, 0]]
    found = soft_tags(probs, [0.5]).aligned(tokens(nlp.vocab, "AnnaBerg"), tokens(nlp.vocab, "Anna", "Berg"))
    assert found.probs == pytest.approx(np.array([[0.1, 0.2, 0.6, 0.1, 0], [0.1, 0, 0, 0.3, 0.6]]))
    assert found.weights == pytest.approx([0.5, 0.5])


def test_soft_tags_of_several_tokens_are_those_of_spans_that_cover_them_all(nlp):
    probs = [[0.1, 0, 0.9, 0, 0], [0.2, 0, 0, 0, 0.8]]
    found = soft_tags(probs, [1.0, 0.5]).aligned(
        tokens(nlp.vocab, "Anna", "Berg"), tokens(nlp.vocab, "AnnaBerg")
    )
    # O of both, or one person of both; the rest can't be told.
    assert found.probs == pytest.approx(np.array([[0.1, 0, 0.8, 0, 0]]) / 0.9)
    assert found.weights == pytest.approx([0.45])


def test_soft_tags_say_nothing_of_a_token_of_which_an_entity_is_a_part(nlp):
    probs = [[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]]
    found = soft_tags(probs, [1.0, 1.0]).aligned(
        tokens(nlp.vocab, "ex-", "Oslo"), tokens(nlp.vocab, "ex-Oslo")
    )
    assert found.weights == pytest.approx([0])
    assert not found.probs.any()


def test_soft_tags_say_nothing_where_a_part_of_the_token_is_missing(nlp):
    own, other = tokens(nlp.vocab, "Anna", "Berg"), tokens(nlp.vocab, "AnnaBerg")
    assert soft_tags(PROBS[:2], [1.0, 0.0]).aligned(own, other).weights == pytest.approx([0])


@given(cuts=st.lists(st.sets(st.integers(1, 11)), min_size=2, max_size=2), seed=st.integers(0, 1000))
def test_soft_tags_on_other_tokens_are_probabilities(cuts, seed):
    rng = np.random.default_rng(seed)
    own, other = (
        np.array(list(zip([0, *sorted(cut)], [*sorted(cut), 12], strict=True)), dtype=np.int64)
        for cut in cuts
    )
    soft = soft_tags(rng.dirichlet(np.full(5, 0.3), len(own)), rng.random(len(own)))
    found = soft.aligned(own, other)
    assert len(found.probs) == len(found.weights) == len(other)
    sums = found.probs.sum(axis=1)
    assert ((found.weights >= 0) & (found.weights <= 1 + 1e-9)).all()
    assert sums == pytest.approx((found.weights > 0).astype(float))
    # On the same tokens they are the same.
    assert soft.aligned(own, own) is soft
