import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer, read_texts
from spacy_ner_plus.models.inputs.token_pieces import read_wordpieces, token_places
from spacy_ner_plus.models.inputs.windows import Windowing, make_windows, window_bounds
from spacy_ner_plus.models.inputs.word_shape import case_patterns
from tests.conftest import bpe_tokenizer, sentencepiece_tokenizer, wordpiece_tokenizer

VOCAB = spacy.blank("en").vocab
TOKENIZERS = {
    "wordpiece": WordpieceTokenizer(wordpiece_tokenizer()),
    "bpe": WordpieceTokenizer(bpe_tokenizer()),
    "sentencepiece": WordpieceTokenizer(sentencepiece_tokenizer()),
}
WORDS = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=6),
        st.sampled_from(
            ["Oslo", "U.S.-based", "can", "'t", " ", "\n\n", "🙂", "e\u0301", "\u200b", "ﬁne", "アンナ"]
        ),
    ),
    min_size=1,
    max_size=12,
)


def windowings():
    return st.integers(1, 40).flatmap(
        lambda size: st.builds(Windowing, st.just(size), st.integers(0, size - 1), st.sampled_from([0, 1, 5]))
    )


def cut(docs, tokenizer, windowing):
    batch = read_texts(docs)
    return make_windows(batch, read_wordpieces(batch, tokenizer), windowing, separator=[3])


@given(st.integers(1, 2000), windowings())
def test_windows_bounds_cover_the_document(length, windowing):
    starts, ends, takeover = window_bounds(length, windowing)
    assert starts[0] == 0
    assert ends[-1] == length
    assert takeover[-1] == length
    assert (ends - starts <= windowing.size).all()
    assert (starts[1:] <= ends[:-1] - windowing.overlap).all()


@given(st.integers(1, 2000), windowings())
def test_windows_read_each_place_where_it_has_most_context(length, windowing):
    starts, ends, takeover = window_bounds(length, windowing)
    # Nothing is missing beyond the document's own ends.
    left = np.where(starts == 0, 10**6, starts)[:, None]
    right = np.where(ends == length, 10**6, ends)[:, None]
    places = np.arange(length)
    before = np.where(starts[:, None] == 0, 10**6, places - left)
    after = np.where(ends[:, None] == length, 10**6, right - 1 - places)
    context = np.minimum(before, after)
    context[(places < starts[:, None]) | (places >= ends[:, None])] = -1
    reader = np.searchsorted(takeover, places, side="right")
    assert (context[reader, places] >= context.max(axis=0) - 1).all()


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
