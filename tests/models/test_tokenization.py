import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.tokenization import WordpieceTokenizer, doc_text
from tests.conftest import bpe_tokenizer, sentencepiece_tokenizer, wordpiece_tokenizer

KINDS = {"wordpiece": wordpiece_tokenizer, "bpe": bpe_tokenizer, "sentencepiece": sentencepiece_tokenizer}


@pytest.mark.parametrize(
    ("kind", "prefix", "suffix"),
    [("wordpiece", "[CLS]", "[SEP]"), ("bpe", "<s>", "</s>"), ("sentencepiece", "<s>", "</s>")],
)
def test_tokenization_finds_the_special_tokens(kind, prefix, suffix):
    tokenizer = WordpieceTokenizer(KINDS[kind]())
    names = tokenizer.hf_tokenizer.convert_ids_to_tokens([*tokenizer.prefix, *tokenizer.suffix])
    assert names == [prefix, suffix]


def test_tokenization_cuts_nothing_off():
    tokenizer = WordpieceTokenizer(wordpiece_tokenizer())
    text = "Oslo " * 5000
    pieces = tokenizer([text])[0]
    assert len(pieces.ids) == 5000
    assert text[pieces.starts[-1] : pieces.ends[-1]] == "Oslo"


@pytest.mark.parametrize("kind", KINDS)
def test_tokenization_offsets_are_code_points(kind):
    text = "🙂 Oslo"
    pieces = WordpieceTokenizer(KINDS[kind]())([text])[0]
    assert pieces.ends[-1] == len(text)
    assert text[pieces.ends[-1] - 1] == "o"


@pytest.mark.parametrize("kind", KINDS)
def test_tokenization_of_an_empty_text_is_empty(kind):
    pieces = WordpieceTokenizer(KINDS[kind]())([""])[0]
    assert pieces.ids.shape == pieces.starts.shape == (0,)


def test_tokenization_notices_lowercasing():
    assert WordpieceTokenizer(wordpiece_tokenizer(lowercase=True)).lowercases
    assert not WordpieceTokenizer(wordpiece_tokenizer(lowercase=False)).lowercases
    assert not WordpieceTokenizer(bpe_tokenizer()).lowercases


def test_tokenization_refuses_a_tokenizer_without_offsets(tmp_path):
    from transformers import CanineTokenizer

    with pytest.raises(UserError, match=r"E203.*canine"):
        WordpieceTokenizer(CanineTokenizer(), "canine")


VOCAB = spacy.blank("en").vocab


@given(st.lists(st.tuples(st.text(min_size=1, max_size=6), st.booleans()), max_size=10))
def test_tokenization_reads_a_doc_s_text_as_spacy_does(words):
    doc = Doc(VOCAB, words=[word for word, _ in words], spaces=[space for _, space in words])
    assert doc_text(doc) == doc.text


def test_tokenization_reads_texts_within_a_memory_zone(nlp):
    with nlp.memory_zone():
        doc = nlp.make_doc("unheardof  words\nhere")
        assert doc_text(doc) == doc.text
