import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.encoders.tokenization import SEPARATOR, WordpieceTokenizer, read_texts
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
    pieces = tokenizer([text])
    assert len(pieces.ids) == 5000
    assert text[pieces.starts[-1] : pieces.ends[-1]] == "Oslo"


@pytest.mark.parametrize("kind", KINDS)
def test_tokenization_offsets_are_code_points(kind):
    text = "🙂 Oslo"
    pieces = WordpieceTokenizer(KINDS[kind]())([text])
    assert pieces.ends[-1] == len(text)
    assert text[pieces.ends[-1] - 1] == "o"


@pytest.mark.parametrize("kind", KINDS)
def test_tokenization_of_an_empty_text_is_empty(kind):
    pieces = WordpieceTokenizer(KINDS[kind]())([""])
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


WORDS = st.lists(st.tuples(st.text(min_size=1, max_size=6), st.booleans()), max_size=10)


@given(st.lists(WORDS, max_size=4))
def test_tokenization_reads_texts_and_tokens_as_spacy_does(batch):
    docs = [
        Doc(VOCAB, words=[word for word, _ in words], spaces=[space for _, space in words]) for words in batch
    ]
    read = read_texts(docs)
    assert read.parts == [doc.text for doc in docs]
    assert read.text == SEPARATOR.join(doc.text for doc in docs)
    places = zip(read.starts, read.ends, strict=True)
    assert [read.text[start:end] for start, end in places] == [token.text for doc in docs for token in doc]


@pytest.mark.parametrize("kind", KINDS)
def test_tokenization_of_a_batch_is_that_of_each_text(kind):
    texts = ["Anna Berg lives in Oslo", "", "🙂 Oslo", " "]
    tokenizer = WordpieceTokenizer(KINDS[kind]())
    pieces = tokenizer(texts)
    alone = [tokenizer([text]) for text in texts]
    assert pieces.counts == [len(part.ids) for part in alone]
    assert pieces.ids.tolist() == [i for part in alone for i in part.ids.tolist()]
    joined = SEPARATOR.join(texts)
    words = [joined[start:end] for start, end in zip(pieces.starts, pieces.ends, strict=True)]
    assert words == [
        text[start:end]
        for text, part in zip(texts, alone, strict=True)
        for start, end in zip(part.starts, part.ends, strict=True)
    ]


def test_tokenization_reads_texts_within_a_memory_zone(nlp):
    with nlp.memory_zone():
        doc = nlp.make_doc("unheardof  words\nhere")
        assert read_texts([doc]).parts == [doc.text]
