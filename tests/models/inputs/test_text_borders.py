import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.models.encoders.tokenization import read_texts
from spacy_ner_plus.models.inputs.text_borders import LINE, NO_BORDER, SENTENCE, borders

VOCAB = spacy.blank("xx").vocab
PIECES = [".", "?!", "...", "\u3002", "\u061f", '"', ")", "(", "\n", " ", "Oslo", "U.S.", "is", "5"]
WORDS = st.lists(st.sampled_from(PIECES), max_size=8)


def found(docs) -> list[tuple[str, int]]:
    """The tokens of Docs that have something before them, and what that is."""
    tokens = [token for doc in docs for token in doc]
    visible = [i for i, token in enumerate(tokens) if not token.is_space]
    before = borders(read_texts(docs), np.array(visible, dtype=np.int64)).tolist()
    return [(tokens[i].text, kind) for i, kind in zip(visible, before, strict=True) if kind != NO_BORDER]


@pytest.mark.parametrize(
    ("lang", "text", "first"),
    [
        ("en", "He left. Anna stayed!", ["Anna"]),
        ("en", 'He said "Go." Then he left.', ["Then"]),
        ("en", 'Really?! (He was.) "No," she said.', ["(", '"']),
        ("en", "Wait . . . Here it is", ["Here"]),
        ("en", "He left. and Ann. stayed . or so", []),
        ("en", "The U.S. Open in St. Louis costs 3.50 dollars", []),
        ("zh", "张伟去了。李娜呢\uff1f好\uff01", ["李", "好"]),
        ("ar", "من هو؟ هو أحمد.", ["هو"]),
        ("hi", "राम गया। वह आया।", ["वह"]),
    ],
)
def test_borders_are_before_sentences(lang, text, first):
    assert [word for word, kind in found([spacy.blank(lang)(text)]) if kind == SENTENCE] == first


def test_borders_are_before_lines_that_go_on_with_no_sentence():
    doc = spacy.blank("en")("Results\n\nOslo 5 Paris 3\n Berlin won. \nNobody\ncame\nÅsa left")
    assert found([doc]) == [
        ("Oslo", LINE),
        ("Berlin", LINE),
        ("Nobody", SENTENCE),
        ("Åsa", LINE),
    ]


def test_borders_of_nothing_are_none():
    assert found([]) == []
    assert found([Doc(VOCAB), Doc(VOCAB, words=["\n", " "])]) == []
    assert found([Doc(VOCAB, words=["."])]) == []


@given(st.lists(WORDS, min_size=2, max_size=4), st.data())
@settings(deadline=None)
def test_borders_are_the_same_whatever_stands_beside_a_text(words, data):
    docs = []
    for some in words:
        spaces = data.draw(st.lists(st.booleans(), min_size=len(some), max_size=len(some)))
        docs.append(Doc(VOCAB, words=some, spaces=spaces))
    assert found(docs) == [one for doc in docs for one in found([doc])]
