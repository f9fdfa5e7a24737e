"""Prodigy's tasks, after its documentation and what people's exports look like."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.prodigy import PRODIGY
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.docs import NLP, docs, told
from tests.data.formats.record_files import ents, read, sniffed, write

TEXT = "Rosa Quint moved to Lund."
ROSA = {"start": 0, "end": 10, "token_start": 0, "token_end": 1, "label": "PER"}
LUND = {"start": 20, "end": 24, "token_start": 4, "token_end": 4, "label": "LOC"}
HASHES = {"_input_hash": 17, "_task_hash": -4, "_view_id": "ner_manual"}
TASK = {"text": TEXT, "spans": [ROSA, LUND], "answer": "accept", **HASHES}


def test_prodigy_reads_a_task_with_its_annotator_hashes_and_meta():
    task = TASK | {
        "_session_id": "news-ann",
        "_annotator_id": "ann",
        "meta": {"source": "news"},
        "_timestamp": 9,
    }
    found, issues = read(PRODIGY, task)
    assert ents(found[0]) == [("Rosa Quint", "PER"), ("Lund", "LOC")]
    known = record_of(found[0])
    assert known["annotator"] == "ann"
    assert known["meta"] == {"source": "news", "_session_id": "news-ann", "_timestamp": 9, **HASHES}
    assert len(issues) == 0


def test_prodigy_takes_the_session_for_the_annotator_where_none_is_named():
    found, _ = read(PRODIGY, TASK | {"_session_id": "news-ann"})
    assert record_of(found[0])["annotator"] == "news-ann"


@pytest.mark.parametrize("session", ["2024-01-02_10-11-12", "news-2024-01-02_10-11-12"])
def test_prodigy_takes_no_time_for_a_name(session):
    """As Prodigy calls the sessions of people who gave none."""
    task = TASK | {"_session_id": session, "_annotator_id": session}
    (doc,), issues = read(PRODIGY, task)
    assert record_of(doc)["annotator"] == ""
    assert record_of(doc)["meta"]["_session_id"] == session
    assert len(issues) == 0
    (doc,), _ = read(PRODIGY, task | {"_session_id": "news-ann"})
    assert record_of(doc)["annotator"] == "news-ann"
    assert json.loads(write(PRODIGY, [doc])[0])["_annotator_id"] == "news-ann"


def test_prodigy_makes_a_doc_of_each_annotator_of_a_text():
    found, _ = read(PRODIGY, TASK | {"_annotator_id": "a"}, TASK | {"_annotator_id": "b", "spans": []})
    assert [(record_of(doc)["annotator"], len(doc.ents)) for doc in found] == [("a", 2), ("b", 0)]


def test_prodigy_keeps_overlapping_spans_of_spans_manual():
    first = {"start": 0, "end": 4, "label": "FIRST", "text": "Rosa", "id": "s1", "score": 0.5}
    found, issues = read(PRODIGY, TASK | {"spans": [ROSA, first], "_view_id": "spans_manual"})
    assert ents(found[0]) == [("Rosa Quint", "PER")]
    assert [(span.text, span.label_, span.id_, score) for span, score in spans_of(found[0])] == [
        ("Rosa Quint", "PER", "", None),
        ("Rosa", "FIRST", "s1", 0.5),
    ]
    assert len(issues) == 0


def test_prodigy_keeps_tokens():
    tokens = [{"text": char, "start": i, "end": i + 1, "id": i, "ws": False} for i, char in enumerate("abc")]
    span = {"start": 1, "end": 2, "label": "X"}
    found, issues = read(PRODIGY, {"text": "abc", "tokens": tokens, "spans": [span], "answer": "accept"})
    assert [token.text for token in found[0]] == ["a", "b", "c"]
    assert ents(found[0]) == [("b", "X")]
    assert len(issues) == 0


@pytest.mark.parametrize(("answer", "kind"), [("reject", "rejected answer"), ("ignore", "ignored answer")])
def test_prodigy_leaves_out_what_was_not_accepted(answer, kind):
    found, issues = read(PRODIGY, TASK | {"answer": answer}, TASK)
    assert len(found) == 1
    assert issues[kind] == 1
    assert issues.kinds[kind].where == "f.jsonl:1"


@pytest.mark.parametrize(
    ("more", "tags"),
    [
        ({}, {"O"}),
        ({"_view_id": "ner_manual"}, {"O"}),
        # A category was chosen, and nobody looked for entities.
        ({"_view_id": "classification", "label": "news"}, {"-"}),
        ({"_view_id": "choice", "options": [{"id": 1, "text": "news"}], "accept": [1]}, {"-"}),
        ({"label": "news"}, {"-"}),
    ],
)
def test_prodigy_reads_an_accepted_task_without_spans_as_it_was_shown(more, tags):
    found, _ = read(PRODIGY, {"text": "a b", "answer": "accept", **more}, TASK)
    assert set(doc_to_tags(found[0])) == tags


CHOICE = {"options": [{"id": "news", "text": "news"}], "accept": ["news"]}


@pytest.mark.parametrize(
    ("more", "tags"),
    [
        ({"_view_id": "choice", **CHOICE}, "-"),
        ({"_view_id": "classification", "label": "news"}, "-"),
        ({"_view_id": "text_input", "user_input": "x"}, "-"),
        # Of a choice beside the text, which has no tokens as where spans are marked.
        ({"_view_id": "blocks", **CHOICE}, "-"),
        (CHOICE, "-"),
        ({"_view_id": "blocks", **CHOICE, "tokens": [{"text": "a", "start": 0, "end": 1, "id": 0}]}, "O"),
        ({"_view_id": "blocks"}, "O"),
        ({"_view_id": "ner_manual", "label": "news"}, "O"),
        ({"_view_id": "review", "view_id": "ner_manual", "versions": []}, "O"),
        ({"_view_id": "review", "view_id": "choice", "versions": [], **CHOICE}, "-"),
    ],
)
def test_prodigy_takes_no_answer_for_one_about_spans_where_none_can_be_marked(more, tags):
    """What a push writes has spans, [] where nothing is predicted, whatever a recipe asks of it then."""
    found, issues = read(PRODIGY, {"text": "a", "spans": [], "answer": "accept"} | more, TASK)
    assert doc_to_tags(found[0]) == [tags]
    assert issues["answer about something else than spans: its spans aren't read"] == (tags == "-")


def test_prodigy_counts_spans_of_answers_about_something_else():
    found, issues = read(PRODIGY, TASK | {"_view_id": "choice", **CHOICE}, TASK)
    assert set(doc_to_tags(found[0])) == {"-"}
    assert issues["answer about something else than spans: its spans aren't read"] == 1
    # Without a view there may have been spans to mark, beside the choice.
    found, issues = read(PRODIGY, {"text": TEXT, "spans": [ROSA], "answer": "accept", **CHOICE})
    assert doc_to_tags(found[0]) == ["B-PER", "I-PER", "-", "-", "-", "-"]
    assert issues["spans beside a choice: only they are known"] == 1


def test_prodigy_knows_only_the_spans_of_a_yes_or_no_answer():
    found, issues = read(PRODIGY, TASK | {"spans": [ROSA], "_view_id": "ner"})
    assert doc_to_tags(found[0]) == ["B-PER", "I-PER", "-", "-", "-", "-"]
    assert issues["answer of yes or no: only its spans are known"] == 1


def test_prodigy_makes_a_span_that_was_rejected_missing():
    found, issues = read(
        PRODIGY, TASK | {"spans": [ROSA | {"answer": "accept"}, LUND | {"answer": "reject"}]}
    )
    assert doc_to_tags(found[0]) == ["B-PER", "I-PER", "O", "O", "-", "O"]
    assert issues["span of a rejected or ignored answer"] == 1


def test_prodigy_makes_a_task_missing_whose_answer_it_does_not_know():
    found, issues = read(PRODIGY, TASK | {"answer": "skip"}, TASK)
    assert set(doc_to_tags(found[0])) == {"-"}
    assert issues["label not understood"] == 1


def test_prodigy_counts_keys_of_spans_that_are_not_kept():
    found, issues = read(PRODIGY, TASK | {"spans": [ROSA | {"pattern": 3, "source": "en_core_web_sm"}]})
    assert ents(found[0]) == [("Rosa Quint", "PER")]
    assert dict(issues).keys() == {
        "key of spans that isn't kept: pattern",
        "key of spans that isn't kept: source",
    }


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"image": "a.png", "answer": "accept"}, "f.jsonl:2.*no text.*image"),
        ({"text": "a", "entities": [[0, 1, "X"]]}, "'entities' looks like some"),
        ({"text": "a", "label": [[0, 1, "X"]]}, "'label' looks like some"),
        ("[1]", r"f.jsonl:2.*\[1\]"),
    ],
)
def test_prodigy_names_the_line_of_what_it_cannot_read(record, message):
    with pytest.raises(UserError, match=message):
        read(PRODIGY, TASK, record)


def test_prodigy_refuses_a_source_of_which_nothing_can_be_read():
    with pytest.raises(UserError, match=r"E171.*looked for|E171.*Looked for"):
        read(PRODIGY, TASK | {"spans": [ROSA | {"start": 90, "end": 99}]})


def test_prodigy_writes_what_prodigy_reads():
    found, _ = read(PRODIGY, TASK | {"meta": {"source": "news"}, "_annotator_id": "ann", "id": "r1"})
    written, _ = write(PRODIGY, found)
    task = json.loads(written)
    assert task["spans"] == [ROSA | {"text": "Rosa Quint"}, LUND | {"text": "Lund"}]
    assert task["tokens"][1] == {"text": "Quint", "start": 5, "end": 10, "id": 1, "ws": True}
    assert task["answer"] == "accept"
    assert task["meta"] == {"source": "news"}
    assert {key: task[key] for key in HASHES} == HASHES
    assert (task["id"], task["_annotator_id"]) == ("r1", "ann")


def test_prodigy_writes_what_was_annotated_after_a_choice_as_annotated():
    (doc, *_), _ = read(PRODIGY, {"text": "a", "answer": "accept", "_view_id": "choice", **CHOICE}, TASK)
    doc.set_ents([], default="outside")
    (back,), issues = read(PRODIGY, write(PRODIGY, [doc])[0])
    assert (doc_to_tags(back), len(issues)) == (["O"], 0)


def test_prodigy_writes_neither_spans_nor_an_answer_without_annotation():
    written, _ = write(PRODIGY, [Doc(NLP.vocab, words=["a"])])
    assert json.loads(written).keys() == {"text", "tokens"}


@settings(max_examples=60, deadline=None)
@given(st.lists(docs(), min_size=1, max_size=2))
def test_prodigy_keeps_all_of_docs_there_and_back(originals):
    written, lost = write(PRODIGY, originals)
    back, issues = read(PRODIGY, written)
    assert [told(doc) for doc in back] == [told(doc) for doc in originals]
    assert [[token.text for token in doc] for doc in back] == [
        [token.text for token in doc] for doc in originals
    ]
    assert not len(lost)
    assert not len(issues)


def test_prodigy_knows_its_own_records():
    assert sniffed(TASK) == "prodigy"
    assert sniffed({"text": TEXT, "spans": [ROSA], "answer": "accept"}) == "prodigy"
    assert sniffed({"text": TEXT, "spans": [ROSA]}) == "jsonl"
    assert sniffed({"text": TEXT, "entities": [[0, 10, "PER"]], "answer": "Lund"}) != "prodigy"


def test_prodigy_counts_spans_under_a_second_key():
    docs, issues = read(
        PRODIGY,
        {"text": "Ann saw Bob", "spans": [{"start": 0, "end": 3, "label": "PER"}], "ents": [[8, 11, "PER"]]},
    )
    assert doc_to_tags(docs[0]) == ["B-PER", "-", "-"]
    assert dict(issues).keys() == {"spans under another key, not read"}
