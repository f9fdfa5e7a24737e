import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer, read_texts
from spacy_ner_plus.models.inputs.layout import Windowing
from spacy_ner_plus.models.inputs.token_pieces import read_wordpieces, token_places
from spacy_ner_plus.models.inputs.windows import make_windows
from spacy_ner_plus.models.inputs.word_shape import case_patterns
from tests.conftest import bpe_tokenizer, sentencepiece_tokenizer, wordpiece_tokenizer

VOCAB = spacy.blank("en").vocab
TOKENIZERS = {
    "wordpiece": WordpieceTokenizer(wordpiece_tokenizer()),
    "bpe": WordpieceTokenizer(bpe_tokenizer()),
    "sentencepiece": WordpieceTokenizer(sentencepiece_tokenizer()),
}
FINAL = (".", "?", "。", '"')
WORDS = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=6),
        st.sampled_from(
            [
                "Oslo",
                "U.S.-based",
                ".",
                "?",
                "。",
                '"',
                "can",
                "'t",
                " ",
                "\n\n",
                "🙂",
                "e\u0301",
                "\u200b",
                "ﬁne",
                "アンナ",
            ]
        ),
    ),
    min_size=1,
    max_size=12,
)


def windowings():
    return st.integers(1, 40).flatmap(
        lambda size: st.builds(
            Windowing,
            st.just(size),
            st.integers(0, size - 1),
            st.sampled_from([0, 1, 5]),
            st.sampled_from([None, 0, 2, 20]),
        )
    )


def cut(docs, tokenizer, windowing):
    batch = read_texts(docs)
    return make_windows(batch, read_wordpieces(batch, tokenizer), windowing, separator=[3])


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(words=st.lists(WORDS, min_size=1, max_size=4), windowing=windowings())
@settings(max_examples=60, deadline=None)
def test_windows_read_every_token_exactly_once(kind, words, windowing):
    docs = [Doc(VOCAB, words=doc_words) for doc_words in words]
    windows = cut(docs, TOKENIZERS[kind], windowing)
    read = np.concatenate([np.zeros(0, dtype=int), *(window.tokens for window in windows)])
    firsts = np.concatenate(
        [
            token_places(batch, read_wordpieces(batch, TOKENIZERS[kind]))[1]
            for batch in (read_texts([doc]) for doc in docs)
        ]
    )
    assert sorted(read) == list(np.flatnonzero(firsts >= 0))
    for window in windows:
        assert len(window.ids) <= windowing.longest
        assert (window.places >= 0).all()
        assert (window.places < len(window.ids)).all()


@pytest.mark.parametrize("lead", [0, 2, 50])
def test_windows_read_the_wordpiece_of_the_token(lead):
    doc = Doc(
        VOCAB, words=["Anna", "Berg", "lives", "in", "Oslo", "and", "works", "for", "Acme", "Corp", "."]
    )
    tokenizer = TOKENIZERS["wordpiece"]
    windows = cut([doc], tokenizer, Windowing(6, 2, lead))
    assert len(windows) > 1
    read = {}
    for window in windows:
        for place, token in zip(window.places, window.tokens, strict=True):
            read[token] = tokenizer.hf_tokenizer.convert_ids_to_tokens([window.ids[place]])[0]
    assert [read[i] for i in range(len(doc))] == [token.lower_ for token in doc]


def test_windows_of_docs_without_wordpieces_are_none():
    docs = [Doc(VOCAB), Doc(VOCAB, words=[" ", "\n"])]
    assert cut(docs, TOKENIZERS["wordpiece"], Windowing(10, 2)) == []


def test_windows_later_ones_begin_with_the_document_s_lead():
    doc = Doc(
        VOCAB, words=["Anna", "Berg", "lives", "in", "Oslo", "and", "works", "for", "Acme", "Corp", "."]
    )
    tokenizer = TOKENIZERS["wordpiece"]
    windows = cut([doc], tokenizer, Windowing(4, 1, 2))
    texts = [" ".join(tokenizer.hf_tokenizer.convert_ids_to_tokens(w.ids.tolist())) for w in windows]
    assert texts[0] == "anna berg lives in"
    assert all(text.startswith("anna berg [SEP] ") for text in texts[1:])
    assert all(len(window.ids) <= 7 for window in windows)


def test_windows_features_stand_at_the_words_they_tell_of():
    doc = spacy.blank("en")("OSLO talks\nAnna Berg lives in Oslo and works for Acme Corp .")
    windows = cut([doc], TOKENIZERS["wordpiece"], Windowing(5, 1, 2))
    cases, lines = np.zeros((2, len(doc)), dtype=int)
    for window in windows:
        cases[window.tokens] = window.cases[window.places]
        lines[window.tokens] = window.lines[window.places]
    assert len(windows) > 2
    real = [token.i for token in doc if not token.is_space]
    assert cases[real].tolist() == case_patterns(read_texts([doc]))[real].tolist()
    assert [doc[int(i)].text for i in np.flatnonzero(lines)] == ["OSLO", "Anna"]


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(words=st.lists(WORDS, min_size=2, max_size=4), windowing=windowings())
@settings(max_examples=60, deadline=None)
def test_windows_of_a_text_are_the_same_whatever_stands_beside_it(kind, words, windowing):
    docs = [Doc(VOCAB, words=doc_words) for doc_words in words]
    together = cut(docs, TOKENIZERS[kind], windowing)
    first_tokens = np.cumsum([0, *(len(doc) for doc in docs)])
    apart = [
        window._replace(tokens=window.tokens + first)
        for doc, first in zip(docs, first_tokens[:-1], strict=True)
        for window in cut([doc], TOKENIZERS[kind], windowing)
    ]
    assert len(together) == len(apart)
    for one, other in zip(together, apart, strict=True):
        for array, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, expected)


def test_windows_end_with_sentences():
    text = "Anna lives in Oslo . Berg works for Acme Corp . In Paris Berg works ."
    doc = Doc(VOCAB, words=text.split())
    tokenizer = TOKENIZERS["wordpiece"]
    windows = cut([doc], tokenizer, Windowing(12, 6, 0, 1))
    shown = [
        " ".join(tokenizer.hf_tokenizer.convert_ids_to_tokens(window.ids.tolist())) for window in windows
    ]
    read = [" ".join(doc[int(i)].text for i in window.tokens) for window in windows]
    assert shown == ["anna lives in oslo . berg works for acme corp .", ". in paris berg works ."]
    assert read == ["Anna lives in Oslo . Berg works for Acme Corp .", "In Paris Berg works ."]
