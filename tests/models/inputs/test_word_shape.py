import pytest
from spacy.tokens import Doc

from spacy_ner_plus.models.encoders.tokenization import read_texts
from spacy_ner_plus.models.inputs.word_shape import CASE_PATTERNS, case_patterns, line_starts


@pytest.mark.parametrize(
    ("word", "pattern"),
    [
        (".", "symbols"),
        ("🙂", "symbols"),
        ("oslo", "lower"),
        ("I", "one upper letter"),
        ("NATO", "all upper"),
        ("U.S.", "all upper"),
        ("Oslo", "title"),
        ("Élan", "title"),
        ("iPhone", "mixed"),
        ("McDonald", "mixed"),
        ("1996-08-22", "digits"),
        ("7pm", "digits and lower"),
        ("B52", "digits and upper"),
        ("東京", "caseless letters"),
        ("مايو", "caseless letters"),
    ],
)
def test_word_shape_names_the_case_pattern(nlp, word, pattern):
    doc = Doc(nlp.vocab, words=["a", word, "b"])
    assert [CASE_PATTERNS[i] for i in case_patterns(read_texts([doc]))] == ["lower", pattern, "lower"]


def test_word_shape_of_an_empty_doc_is_empty(nlp):
    assert case_patterns(read_texts([Doc(nlp.vocab)])).shape == (0,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One line", [True, False]),
        ("Title\nText goes on\n\n - item", [True, False, True, False, False, False, True, False]),
        ("\nFirst", [False, True]),
        ("a\r\nb", [True, False, True]),
        ("", []),
    ],
)
def test_word_shape_finds_where_lines_begin(nlp, text, expected):
    doc = nlp(text)
    found = line_starts(read_texts([doc]))
    words = [
        (token.text, bool(starts)) for token, starts in zip(doc, found, strict=True) if not token.is_space
    ]
    assert words == [
        (token.text, starts) for token, starts in zip(doc, expected, strict=True) if not token.is_space
    ]
