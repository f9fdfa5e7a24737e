"""What a copy has that its text doesn't: words before, after and between, words in place of others, signs."""

import pytest

from spacy_ner_plus.alignment.copied_words import CopiedWords

TEXT = "Ann Lee left Rome."


def test_copied_words_tell_what_stands_around_and_between():
    words = CopiedWords("Here it is: Ann Lee has left Roma. It's all.", TEXT)
    assert (words.before, words.middle, words.after) == (
        "Here it is: ",
        "Ann Lee has left Roma. It's all.",
        ". It's all.",
    )
    assert words.added == [["has"]]
    assert words.replaced == [("roma", "rome")]
    assert words.size == 4


@pytest.mark.parametrize(
    ("copy", "marks", "all_marks"),
    [
        (TEXT, "", ""),
        ("ann lee LEFT\nRome", "", ""),
        ("* Ann Lee left Rome.", "", ""),
        ("**Ann Lee left Rome.**", "**", "****"),
        ("\u201cAnn Lee left Rome.\u201d", "", ""),
        ("[Ann Lee] left Rome.", "]", "[]"),
        ("Ann Lee left _Rome_.", "__", "__"),
        ("'Ann Lee' left Rome.", "", "''"),
        ("Ann Lee\u2019 left Rome.", "", ""),
        ("", "", ""),
        ("**", "", "**"),
    ],
)
def test_copied_words_tell_the_signs_that_mark_words(copy, marks, all_marks):
    words = CopiedWords(copy, TEXT)
    assert (words.marks(), words.all_marks()) == (marks, all_marks)


@pytest.mark.parametrize("copy", ["", "Ann", "...", "\n"])
@pytest.mark.parametrize("text", ["", "...", "Ann"])
def test_copied_words_know_copies_and_texts_without_words(copy, text):
    words = CopiedWords(copy, text)
    assert words.before + words.middle == copy
    assert words.added == []
