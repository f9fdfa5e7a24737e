"""Spaces by rule: natural text out of tokens, and tokens that never change."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.conll.conll import conll_to_docs
from spacy_ner_plus.data.records.whitespace import restore_spaces
from spacy_ner_plus.issues import IssueLog


def restore(text, lang="en"):
    words = text.split()
    spaces = restore_spaces(words, lang)
    return "".join(word + " " * space for word, space in zip(words, spaces, strict=True)).rstrip()


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("Hello , Ann .", "Hello, Ann."),
        ("( AP ) Who ? Me !", "(AP) Who? Me!"),
        ("I 'm sure he did n't see Ann 's", "I'm sure he didn't see Ann's"),
        ("LORD 'S TEST", "LORD'S TEST"),
        ('" I do , " he said .', '"I do," he said.'),
        ('He said : " yes " and " no " .', 'He said: "yes" and "no".'),
        ('and so on . "', 'and so on."'),
        ('so on , " he said .', 'so on," he said.'),
        ('" It began here .', '"It began here.'),
        ("`` I do , '' he said", "``I do,'' he said"),
        ("the hijackers ' surrender", "the hijackers' surrender"),
        ("he said ' no ' to me", "he said 'no' to me"),
        ("myself , ' \" said Ann", "myself,'\" said Ann"),
        ("$ 1.2 million , US$ 3 and $ each", "$1.2 million, US$3 and $ each"),
        ("up 20 % or % up", "up 20% or % up"),
        ("won 6 - 3 in CRICKET - LEEDS", "won 6-3 in CRICKET - LEEDS"),
        ("meals / feeds", "meals/feeds"),
        ("at Lear Corp . in Mich . now", "at Lear Corp . in Mich . now"),
        ("in the U.S .", "in the U.S ."),
        (". O", ". O"),
    ],
)
def test_whitespace_reads_as_english_does(tokens, text):
    assert restore(tokens) == text


@pytest.mark.parametrize(
    ("lang", "tokens", "text"),
    [
        ("fr", "l' homme d' Italie parle -t-il : « oui » ?", "l'homme d'Italie parle-t-il : « oui » ?"),
        ("it", "dell' Italia , oggi", "dell'Italia, oggi"),
        ("de", "„ Ja “ , sagte er .", "„Ja“, sagte er."),
        ("de", "» Ja « , sagte er .", "»Ja«, sagte er."),
        ("es", "¿ Qué ? « Sí »", "¿Qué? «Sí»"),
        ("nl", "om 's avonds", "om 's avonds"),
        ("zh", "我 是 Ann 。", "我是Ann。"),
        ("ja", "私 は", "私は"),
        ("th", "ก ข", "กข"),
        ("zz", "Ann , Bob", "Ann, Bob"),
    ],
)
def test_whitespace_follows_the_language(lang, tokens, text):
    assert restore(tokens, lang) == text


def test_whitespace_leaves_room_after_the_last_token():
    assert restore_spaces([], "en") == []
    assert restore_spaces(["("], "en") == [True]
    assert restore_spaces(["我"], "zh") == [True]


MARKS = st.sampled_from(
    [*"\"'(),.-/$%:„“«»#", "'s", "n't", "``", "''", "l'", "-il", "U.S", "3", "Ann", "players"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(MARKS, st.text(min_size=1, max_size=4)), max_size=15),
    st.sampled_from(["en", "fr", "de", "zh"]),
)
def test_whitespace_says_one_thing_a_token(words, lang):
    spaces = restore_spaces(words, lang)
    assert len(spaces) == len(words)
    assert all(isinstance(space, bool) for space in spaces)
    assert not spaces or spaces[-1]


def test_whitespace_lets_spacy_find_the_entities_of_conllpp(data_dir):
    nlp = spacy.blank("en")
    entities = kept = 0
    lines = (data_dir / "conllpp" / "dev.txt").read_text(encoding="utf8").splitlines(keepends=True)
    for doc in conll_to_docs(lines, nlp, issues=IssueLog(), where="dev"):
        tokens = nlp.make_doc(doc.text)
        for ent in doc.ents:
            entities += 1
            kept += tokens.char_span(ent.start_char, ent.end_char) is not None
    assert kept / entities >= 0.999
