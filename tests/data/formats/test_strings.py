"""Entities by name alone, as models are asked for them and people write them down."""

import pytest

from spacy_ner_plus.data.formats.strings import STRINGS
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.record_files import ents, read, sniffed

TEXT = "Rosa Quint moved to Lund."
FOUND = [("Rosa Quint", "PER"), ("Lund", "LOC")]


@pytest.mark.parametrize(
    "annotation",
    [
        {"entities": [{"text": "Rosa Quint", "label": "PER"}, {"text": "Lund", "label": "LOC"}]},
        {"entities": [{"name": "Rosa Quint", "type": "PER"}, {"word": "Lund", "entity": "LOC"}]},
        {"entities": [{"entity": "Rosa Quint", "category": "PER"}, {"mention": "Lund", "labels": ["LOC"]}]},
        {"entities": [["Rosa Quint", "PER"], ["Lund", "LOC"]]},
        {"entities": {"PER": ["Rosa Quint"], "LOC": ["Lund"], "ORG": []}},
        {"entities": {"PER": "Rosa Quint", "LOC": "Lund", "ORG": None}},
        {"PER": ["Rosa Quint"], "LOC": ["Lund"], "ORG": []},
        {"output": {"entities": {"PER": ["Rosa Quint"], "LOC": ["Lund"]}}},
    ],
)
def test_strings_are_found_in_any_spelling(annotation):
    docs, issues = read(STRINGS, {"text": TEXT, "id": 1, "source": "x", **annotation})
    assert ents(docs[0]) == FOUND
    assert record_of(docs[0])["meta"] == {"source": "x"}
    assert len(issues) == 0
    assert sniffed({"text": TEXT, **annotation}) == "strings"


@pytest.mark.parametrize("lists", ['"entities": {%s}', "%s"])
def test_strings_read_both_lists_of_a_label_that_stands_twice(lists):
    """As chat models write one that they come back to."""
    twice = lists % '"PER": ["Rosa Quint"], "LOC": ["Lund"], "PER": ["Bo"]'
    docs, _ = read(STRINGS, '{"text": "Rosa Quint met Bo in Lund", ' + twice + "}")
    assert ents(docs[0]) == [("Rosa Quint", "PER"), ("Bo", "PER"), ("Lund", "LOC")]


def test_strings_count_an_ambiguous_place_and_make_the_others_missing():
    record = {"text": "May met May", "entities": [{"text": "May", "label": "PER"}]}
    docs, issues = read(STRINGS, record)
    assert doc_to_tags(docs[0]) == ["B-PER", "O", "-"]
    assert issues["ambiguous place"] == 1
    docs, issues = read(STRINGS, record, occurrences="all")
    assert doc_to_tags(docs[0]) == ["B-PER", "O", "B-PER"]
    assert len(issues) == 0


def test_strings_make_missing_what_is_not_found():
    docs, issues = read(STRINGS, {"text": TEXT, "entities": {"LOC": ["Lund", "Berlin"]}})
    assert doc_to_tags(docs[0]) == ["-", "-", "-", "-", "B-LOC", "-"]
    assert issues["mention not found"] == 1
    with pytest.raises(UserError, match="E171"):
        read(STRINGS, {"text": TEXT, "entities": {"LOC": ["Berlin"]}})


def test_strings_tell_none_from_no_annotation():
    docs, issues = read(STRINGS, {"text": "a", "entities": []}, {"text": "a"})
    assert [doc_to_tags(doc) for doc in docs] == [["O"], ["-"]]
    assert issues["record without annotation"] == 1


def test_strings_count_what_they_cannot_read():
    docs, issues = read(
        STRINGS, {"text": TEXT, "entities": [{"text": "Lund", "label": "LOC"}, {"text": "Rosa"}]}
    )
    assert doc_to_tags(docs[0])[:2] == ["-", "-"]
    assert issues["label not understood"] == 1


def test_strings_split_a_token_for_a_mention_within_it():
    docs, issues = read(STRINGS, {"text": "A U.S.-based firm", "entities": {"LOC": ["U.S."]}})
    assert ents(docs[0]) == [("U.S.", "LOC")]
    assert issues["token split at a span's edge"] == 1


def test_strings_are_found_within_words_where_they_are_no_words_there():
    docs, issues = read(STRINGS, {"text": "罗莎住在隆德市", "entities": {"LOC": ["隆德"]}})
    assert ents(docs[0]) == [("隆德", "LOC")]
    assert issues["mention within a longer word"] == 1


@pytest.mark.parametrize(
    "record",
    [
        {"text": TEXT, "labels": [["Rosa", "B-PER"], ["Quint", "I-PER"]]},
        {"text": TEXT, "entities": [{"text": "Lund", "label": "LOC", "start": 20, "end": 24}]},
        {"text": TEXT, "tokens": ["Rosa"], "ner_tags": ["B-PER"]},
    ],
)
def test_strings_leave_what_is_of_others(record):
    assert sniffed(record) != "strings"


def test_strings_counts_entities_under_a_second_key():
    docs, issues = read(
        STRINGS,
        {
            "text": "Ann saw Bob",
            "entities": [{"text": "Ann", "label": "PER"}],
            "mentions": [{"text": "Bob", "label": "PER"}],
        },
    )
    assert doc_to_tags(docs[0]) == ["B-PER", "-", "-"]
    assert dict(issues).keys() == {"spans under another key, not read"}


def test_strings_reads_a_record_that_says_where_its_entities_are():
    docs, issues = read(
        STRINGS,
        {"text": "Ann left", "entities": [{"text": "Ann", "label": "PER"}]},
        {"text": "Bob left", "entities": [{"start": 0, "end": 3, "label": "PER"}]},
    )
    assert [ents(doc) for doc in docs] == [[("Ann", "PER")], [("Bob", "PER")]]
    assert not len(issues)
