"""Wordpieces and tokens: which stand for which, and no token is read at another one's."""

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer, read_texts
from spacy_ner_plus.models.inputs.token_pieces import read_wordpieces, token_places
from tests.conftest import bpe_tokenizer, sentencepiece_tokenizer, wordpiece_tokenizer
from tests.encoders import chinese_tokenizer, gluing_tokenizer

VOCAB = spacy.blank("en").vocab
TOKENIZERS = {
    "wordpiece": WordpieceTokenizer(wordpiece_tokenizer()),
    "cased-wordpiece": WordpieceTokenizer(wordpiece_tokenizer(lowercase=False)),
    "bpe": WordpieceTokenizer(bpe_tokenizer()),
    "gluing-bpe": WordpieceTokenizer(gluing_tokenizer()),
    "sentencepiece": WordpieceTokenizer(sentencepiece_tokenizer()),
    "chinese": WordpieceTokenizer(chinese_tokenizer()),
}
WORDS = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=6),
        st.sampled_from(
            [
                "Oslo",
                "Os",
                "lo",
                "U",
                ".",
                "S",
                "U.S.",
                "-based",
                "can",
                "'t",
                "do",
                "n't",
                "not",
                "<s>",
                "<",
                "s>",
            ]
        ),
        # Of several code points, of which the tokenizer may make one, and of several bytes.
        st.sampled_from(
            ["e", "\u0301", "é", "ﬁ", "½", "①", "Å", "🙂", "👩", "\u200d", "👩\u200d👧", "\ufe0f", "🇫", "🇷"]
        ),
        st.sampled_from(
            ["北", "京", "北京", "张", "伟", "。", "ア", "ン", "ｱ", "ﾞ", "กรุง", "เทพ", "ำ", "ते", "ि"]
        ),
        st.sampled_from([" ", "\n", "\n\n", "\t", "\xa0", "\u3000", "\u200b", "\xad", "\x00", "\x85"]),
    ),
    max_size=12,
)
SPACES = st.randoms(use_true_random=False)


def make_doc(words, spaces) -> Doc:
    return Doc(VOCAB, words=words, spaces=[spaces.random() < 0.4 for _ in words])


def names(tokenizer, doc) -> list[list[str]]:
    """Names of the wordpieces of each token."""
    batch = read_texts([doc])
    pieces = read_wordpieces(batch, tokenizer)
    begins, _ = token_places(batch, pieces)
    found = tokenizer.hf_tokenizer.convert_ids_to_tokens(pieces.ids.tolist())
    return [[found[i] for i in np.flatnonzero(begins == token.i)] for token in doc]


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(words=WORDS, spaces=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_token_pieces_are_aligned_with_the_tokens_they_touch(kind, words, spaces):
    doc = Doc(VOCAB, words=words, spaces=[spaces.random() < 0.6 for _ in words])
    batch = read_texts([doc])
    pieces = TOKENIZERS[kind](batch.parts)
    token_of, first_piece = token_places(batch, pieces)
    for token, piece in zip(doc, first_piece, strict=True):
        touching = np.flatnonzero(
            (pieces.starts < token.idx + len(token))
            & (pieces.ends > token.idx)
            & (pieces.ends > pieces.starts)
        )
        assert (piece >= 0) == bool(len(touching))
        if piece >= 0:
            assert piece in touching
            begun = [p for p in touching if token_of[p] == token.i]
            assert piece == (begun[0] if begun else touching[-1])


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(docs=st.lists(st.tuples(WORDS, SPACES), max_size=3))
@settings(max_examples=60, deadline=None)
def test_token_pieces_stand_for_one_token_each(kind, docs):
    """Every token but white space and what can't be seen; without exception but what a tokenizer drops."""
    tokenizer = TOKENIZERS[kind]
    batch = read_texts([make_doc(*doc) for doc in docs])
    begins, first_piece = token_places(batch, read_wordpieces(batch, tokenizer))
    for token, (start, end) in enumerate(zip(batch.starts, batch.ends, strict=True)):
        text = batch.text[start:end]
        if (
            text.isprintable()
            and not text.isspace()
            and len(tokenizer([f"a {text}"]).ids) > len(tokenizer(["a"]).ids)
        ):
            # It begins in that token, so in no other.
            assert begins[first_piece[token]] == token, text


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(docs=st.lists(st.tuples(WORDS, SPACES), max_size=3))
@settings(max_examples=30, deadline=None)
def test_token_pieces_of_a_batch_are_those_of_each_text(kind, docs):
    tokenizer = TOKENIZERS[kind]
    docs = [make_doc(*doc) for doc in docs]
    pieces = read_wordpieces(read_texts(docs), tokenizer)
    alone = [read_wordpieces(read_texts([doc]), tokenizer) for doc in docs]
    assert pieces.counts == [len(part.ids) for part in alone]
    assert pieces.ids.tolist() == [i for part in alone for i in part.ids.tolist()]
    assert (np.diff(pieces.starts) >= 0).all()
    assert len(pieces.ids) == len(pieces.starts) == len(pieces.ends)


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(words=WORDS, spaces=SPACES)
@settings(max_examples=30, deadline=None)
def test_token_pieces_are_the_text_s_where_each_token_has_one(kind, words, spaces):
    tokenizer = TOKENIZERS[kind]
    batch = read_texts([make_doc(words, spaces)])
    plain = tokenizer(batch.parts)
    begins, _ = token_places(batch, plain)
    if set(begins.tolist()) >= set(range(len(batch.starts))):
        assert read_wordpieces(batch, tokenizer).ids.tolist() == plain.ids.tolist()


def test_token_pieces_of_chinese_are_cut_where_tokens_are_characters():
    doc = Doc(VOCAB, words=[*"张伟住在北京。", "北京"], spaces=[False] * 8)
    assert names(TOKENIZERS["chinese"], doc) == [
        ["▁", "张"],
        ["伟"],
        ["住"],
        ["在"],
        ["北"],
        ["京"],
        ["。"],
        ["北京"],
    ]


def test_token_pieces_keep_the_space_before_a_token():
    doc = Doc(VOCAB, words=["U.S.", "can", "not", "U.S."], spaces=[True, False, True, False])
    tokenizer = TOKENIZERS["gluing-bpe"]
    whole, cut = (
        tokenizer.hf_tokenizer.convert_ids_to_tokens(ids.tolist())
        for ids in (tokenizer([doc.text]).ids, read_wordpieces(read_texts([doc]), tokenizer).ids)
    )
    assert whole == ["U.S.", "Ġcannot", "Ġ", "U.S."]
    assert (cut[:2], "".join(cut[2:-2]), cut[-2:]) == (["U.S.", "Ġcan"], "not", ["Ġ", "U.S."])


def test_token_pieces_that_tell_tokens_apart_stay():
    """'don' reaches into "n't", which has pieces of its own: what the encoder was trained on stays."""
    doc = Doc(VOCAB, words=["Os", "lo's"], spaces=[False, False])
    assert names(TOKENIZERS["wordpiece"], doc) == [["oslo"], ["'", "s"]]


def test_token_pieces_are_not_cut_for_networks_that_were_trained_without():
    tokenizer = WordpieceTokenizer(chinese_tokenizer(), cuts_at_tokens=False)
    doc = Doc(VOCAB, words=["张", "伟"], spaces=[False, False])
    assert names(tokenizer, doc) == [["▁", "张伟"], []]
