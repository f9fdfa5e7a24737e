"""GLiNER's training records, after its documentation and data sets."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.gliner import GLINER
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.docs import docs, told
from tests.data.formats.record_files import ents, read, sniffed, write

WORDS = ["Rosa", "Quint", "moved", "to", "Lund", "."]
RECORD = {"tokenized_text": WORDS, "ner": [[0, 1, "PER"], [4, 4, "LOC"]]}
FOUND = [("Rosa Quint", "PER"), ("Lund", "LOC")]


@pytest.mark.parametrize("array", [False, True])
def test_gliner_reads_token_spans_with_inclusive_ends(array):
    found, issues = read(GLINER, RECORD, array=array)
    assert found[0].text == "Rosa Quint moved to Lund."
    assert [token.text for token in found[0]] == WORDS
    assert ents(found[0]) == FOUND
    assert len(issues) == 0


def test_gliner_finds_mentions_among_the_tokens():
    found, issues = read(GLINER, {"tokenized_text": WORDS, "ner": [["Rosa Quint", "PER"], ["Lund", "LOC"]]})
    assert ents(found[0]) == FOUND
    assert len(issues) == 0


def test_gliner_keeps_nested_spans_several_labels_and_other_keys():
    record = RECORD | {
        "ner": [[0, 1, ["PER", "ARTIST"]], [0, 0, "FIRST"]],
        "ner_labels": ["PER", "ARTIST"],
        "negatives": ["ORG"],
        "id": 3,
    }
    found, issues = read(GLINER, record)
    assert ents(found[0]) == [("Rosa Quint", "PER")]
    assert [span.label_ for span, _ in spans_of(found[0])] == ["PER", "ARTIST", "FIRST"]
    assert record_of(found[0])["meta"] == {"ner_labels": ["PER", "ARTIST"], "negatives": ["ORG"]}
    assert record_of(found[0])["id"] == "3"
    assert len(issues) == 0


def test_gliner_keeps_token_numbers_past_an_empty_token():
    found, issues = read(GLINER, {"tokenized_text": ["Ann", "", "left"], "ner": [[0, 1, "PER"], [2, 2, "X"]]})
    assert ents(found[0]) == [("Ann", "PER"), ("left", "X")]
    assert issues["empty token"] == 1


def test_gliner_makes_missing_what_lies_outside_of_the_tokens():
    found, issues = read(GLINER, RECORD | {"ner": [[4, 4, "LOC"], [5, 9, "PER"]]})
    assert doc_to_tags(found[0]) == ["-", "-", "-", "-", "B-LOC", "-"]
    assert issues["misaligned span"] == 1
    with pytest.raises(UserError, match="E171"):
        read(GLINER, RECORD | {"ner": [[5, 9, "PER"]]})


def test_gliner_tells_an_empty_list_from_none():
    found, issues = read(GLINER, RECORD | {"ner": []}, {"tokenized_text": ["a"]})
    assert set(doc_to_tags(found[0])) == {"O"}
    assert set(doc_to_tags(found[1])) == {"-"}
    assert issues["record without annotation"] == 1


def test_gliner_sets_spaces_between_all_tokens_where_none_are_restored():
    found, _ = read(GLINER, RECORD, restore_whitespace=False)
    assert found[0].text == "Rosa Quint moved to Lund ."


def test_gliner_names_the_line_of_what_it_cannot_read():
    with pytest.raises(UserError, match=r"f.jsonl:2.*tokenized_text.*text, ner"):
        read(GLINER, RECORD, {"text": "a", "ner": []})


def test_gliner_writes_what_gliner_reads():
    found, _ = read(GLINER, RECORD | {"negatives": ["ORG"]})
    written, _ = write(GLINER, found)
    assert json.loads(written) == [RECORD | {"negatives": ["ORG"]}]
    assert json.loads(write(GLINER, [])[0]) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(docs(scores=False, annotator=False), min_size=1, max_size=2))
def test_gliner_keeps_spans_there_and_back(originals):
    back, _ = read(GLINER, write(GLINER, originals)[0])
    for doc, original in zip(back, originals, strict=True):
        assert [token.text for token in doc] == [token.text for token in original]
        spans = [(span.start, span.end, span.label_) for span, _ in spans_of(doc)]
        assert sorted(spans) == sorted((span.start, span.end, span.label_) for span, _ in spans_of(original))
        assert told(doc)[3] == told(original)[3]


def test_gliner_knows_its_records():
    assert sniffed(RECORD) == "gliner"
    assert sniffed({"tokens": WORDS, "ner": [[0, 1, "PER"]]}) == "gliner"


def test_gliner_counts_spans_under_a_second_key():
    docs, issues = read(
        GLINER, {"tokenized_text": ["Ann", "Bob"], "ner": [[0, 0, "PER"]], "spans": [[1, 1, "X"]]}
    )
    assert [token.ent_iob_ for token in docs[0]] == ["B", ""]
    assert issues["spans under another key, not read"] == 1
