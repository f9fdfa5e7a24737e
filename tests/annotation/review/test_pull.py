from dataclasses import replace

import pytest
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.annotation.review.pull import (
    CHANGED_TEXT,
    FINAL,
    OTHER_LABEL,
    PART,
    SEVERAL_TEXTS,
    SUPERSEDED,
    UNITED,
    UNKNOWN_TASK,
    chosen_submissions,
    review_of,
    reviewed_records,
    without_annotation,
)
from spacy_ner_plus.annotation.review.tasks import Submission, TaskSpan, made_id, task_ids
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from tests.annotation.review.docs import EMOJI, NLP, NONE, PEOPLE, corpus, ents, make_doc, submission

LABELS = ("PER", "LOC", "ORG")


def pulled(*submissions, labels=LABELS):
    issues = IssueLog()
    chosen = chosen_submissions(submissions, corpus(), issues)
    records = reviewed_records(chosen, corpus(), NLP, labels, issues, [], "project")
    return [record.doc for record in records], issues


def test_pull_keeps_who_and_when_and_the_corpus_tokens():
    (doc,), issues = pulled(submission(PEOPLE, ("Bob", "PER"), submitted="2026-01-02T03:04:05Z", seconds=2.5))
    assert ents(doc) == [("Bob", "PER")]
    assert doc.has_annotation("ENT_IOB")
    assert record_of(doc)["annotator"] == "ann"
    assert record_of(doc)["id"] == "d-1"
    assert review_of(doc) == {
        "id": "d-1",
        "annotator": "ann",
        "submitted": "2026-01-02T03:04:05Z",
        "seconds": 2.5,
    }
    assert [token.text for token in doc] == [token.text for token in corpus()[0]]
    assert not len(issues)


def test_pull_splits_tokens_where_people_begin_within_them():
    (doc,), _ = pulled(submission(NONE, ("U.S.", "LOC")))
    assert ents(doc) == [("U.S.", "LOC")]
    assert doc.text == NONE


@pytest.mark.parametrize(
    ("span", "kind"),
    [
        (TaskSpan(20, 400, "LOC"), "misaligned span"),
        (TaskSpan(-1, 11, "PER"), "misaligned span"),
        (TaskSpan(12, 12, "PER"), "misaligned span"),
        (TaskSpan(11, 14, "PER", text="Bob"), "span whose text isn't at its offsets"),
        (TaskSpan(12, 15, "ANIMAL"), OTHER_LABEL),
        (TaskSpan(90, 95, "ANIMAL"), OTHER_LABEL),
        (TaskSpan(-4, -1, "ANIMAL"), OTHER_LABEL),
        (TaskSpan(9, 9, "ANIMAL"), OTHER_LABEL),
    ],
)
def test_pull_checks_offsets_texts_and_labels(span, kind):
    good = submission(PEOPLE, ("Ann Lee", "PER"))
    (doc,), issues = pulled(replace(good, spans=(*good.spans, span)))
    assert issues[kind] == 1
    assert ents(doc) == [("Ann Lee", "PER")]
    # What it may have meant is missing, and not O.
    assert any(token.ent_iob == 0 for token in doc)


def test_pull_of_spans_of_which_none_is_readable_is_refused():
    one = replace(submission(PEOPLE), spans=(TaskSpan(20, 400, "LOC"),))
    with pytest.raises(UserError, match="E790"):
        pulled(one)


def test_pull_takes_each_persons_last_and_no_other_texts():
    docs, issues = pulled(
        submission(PEOPLE, ("Bob", "PER"), submitted="2026-02"),
        submission(PEOPLE, ("Bob", "ORG"), submitted="2026-01"),
        submission(PEOPLE, ("Bob", "LOC"), annotator="bob"),
        submission("Ann Lee met Rob in Oslo.", ("Rob", "PER"), id="d-1"),
        submission("Elsewhere.", id="d-77"),
        # A tool that lost our id.
        submission(EMOJI, ("Lund", "LOC"), id=""),
    )
    assert [ents(doc) for doc in docs] == [[("Bob", "LOC")], [("Bob", "PER")], [("Lund", "LOC")]]
    assert [issues[kind] for kind in (SUPERSEDED, CHANGED_TEXT, UNKNOWN_TASK)] == [1, 1, 1]


def test_pull_knows_a_text_whose_end_a_tool_stripped():
    doc = Doc(NLP.vocab, words=["Ann", "left", "."])
    assert doc.text == "Ann left . "
    one = Submission(task_ids([doc])[0], "Ann left .", (TaskSpan(0, 3, "PER"),), "ann")
    chosen = chosen_submissions([one], [doc], IssueLog())
    (record,) = reviewed_records(chosen, [doc], NLP, None, IssueLog(), [], "project")
    assert ents(record.doc) == [("Ann", "PER")]
    assert record.doc.text == doc.text


def test_pull_leaves_the_rest_missing():
    doc = without_annotation(corpus()[0])
    assert not doc.has_annotation("ENT_IOB")
    assert record_of(doc)["id"] == "d-1"
    assert doc.text == PEOPLE


def test_pull_says_which_labels_people_could_choose():
    (doc,), _ = pulled(submission(PEOPLE, ("Ann Lee", "PER")), labels=["PER"])
    assert annotated_labels(doc) == {"PER"}
    # Where the tool doesn't say it: what the corpus says of its Docs, and what stands there.
    docs = corpus()
    set_annotated_labels(docs[1], ["PER", "LOC"])
    notes = []
    chosen = chosen_submissions([submission(PEOPLE), submission(EMOJI, ("Lund", "ORG"))], docs, IssueLog())
    records = reviewed_records(chosen, docs, NLP, None, IssueLog(), notes, "project")
    assert [annotated_labels(record.doc) for record in records] == [None, {"PER", "LOC", "ORG"}]
    assert any("nobody left a span of LOC, PER" in note for note in notes)


def test_pull_finds_texts_whose_ids_have_moved():
    """Ids of which each is the number of its row, and a row was put before since."""
    docs = [make_doc(text, id=str(i)) for i, text in enumerate((NONE, PEOPLE, EMOJI), start=1)]
    sent = [submission(PEOPLE, ("Bob", "PER"), id="1"), submission(EMOJI, ("Lund", "LOC"), id="2")]
    issues = IssueLog()
    assert [one.id for one in chosen_submissions(sent, docs, issues)] == ["2", "3"]
    assert not len(issues)


def test_pull_knows_two_documents_of_one_text_by_what_a_push_or_the_tool_calls_them():
    docs = [make_doc(text, id=str(i)) for i, text in enumerate((PEOPLE, EMOJI, PEOPLE), start=1)]
    # Their own ids were in use, and of a file of INCEpTION's its name is left.
    for first, third in ((made_id("1", PEOPLE), made_id("3", PEOPLE)), ("00001-1.xmi", "00003-3.xmi")):
        sent = [
            submission(PEOPLE, ("Bob", "ORG"), id=third),
            submission(PEOPLE, ("Bob", "PER"), id=first),
            submission(PEOPLE, ("Bob", "PER"), id=first, annotator="bob"),
        ]
        issues = IssueLog()
        chosen = chosen_submissions(sent, docs, issues)
        assert not len(issues)
        found = {(one.id, one.spans[0].label) for one in chosen}
        assert len(chosen) == 3
        assert {id for id, _ in found} == {"1", "3"}
        assert {label for _, label in found} == {"ORG", "PER"}
        # Both people's of the one document, and ann's of the other.
        assert len(found) == 2
    sent = [submission(PEOPLE, ("Bob", "PER"), id=made_id("3", PEOPLE))]
    assert [one.id for one in chosen_submissions(sent, docs, IssueLog())] == ["3"]


def test_pull_of_another_corpus_is_refused():
    with pytest.raises(UserError, match=r"E835.*2 submissions.*Elsewhere"):
        pulled(submission("Elsewhere.", id="d-1"), submission("Nowhere.", id="d-2"))
    assert pulled()[0] == []


def test_pull_puts_answers_to_two_questions_together():
    (doc,), issues = pulled(
        submission(PEOPLE, ("Oslo", "LOC"), submitted="2026-02"),
        submission(PEOPLE, ("Ann Lee", "PER"), ("Bob", "PER"), submitted="2026-01"),
    )
    assert ents(doc) == [("Ann Lee", "PER"), ("Bob", "PER"), ("Oslo", "LOC")]
    assert [issues[kind] for kind in (UNITED, SUPERSEDED)] == [1, 0]


def test_pull_lays_parts_of_a_text_on_the_whole():
    text = "Ann left. Bob stayed. It rained. It rained."
    docs = [make_doc(text, id="d-1")]
    parts = [
        Submission("d-1", "Ann left.", (TaskSpan(0, 3, "PER"),), "ann"),
        Submission("d-1", " Bob stayed. ", (TaskSpan(1, 4, "PER", text="Bob"),), "ann"),
        Submission("d-1", "It rained.", (), "ann"),
    ]
    issues = IssueLog()
    chosen = chosen_submissions(parts, docs, issues)
    (record,) = reviewed_records(chosen, docs, NLP, LABELS, issues, [], "project")
    assert ents(record.doc) == [("Ann", "PER"), ("Bob", "PER")]
    words = [token.text for token in record.doc if token.ent_iob == 2]
    assert words == ["left", ".", "stayed", "."]
    assert [issues[kind] for kind in (PART, UNITED, CHANGED_TEXT)] == [2, 1, 1]


def test_pull_tells_that_a_text_without_our_id_is_there_several_times():
    docs = [make_doc(NONE), make_doc(NONE), make_doc(PEOPLE)]
    issues = IssueLog()
    chosen_submissions([submission(NONE, id=""), submission(PEOPLE, id="")], docs, issues)
    assert issues[SEVERAL_TEXTS] == 1


def test_pull_says_what_was_decided_for_a_text():
    (doc,), _ = pulled(replace(submission(PEOPLE, ("Bob", "PER")), is_final=True))
    assert review_of(doc)[FINAL] is True


def test_pull_takes_what_was_decided_before_what_the_same_person_submitted_later():
    decided = replace(submission(PEOPLE, ("Bob", "ORG"), submitted="2026-01"), is_final=True)
    (doc,), _ = pulled(decided, submission(PEOPLE, ("Bob", "PER"), submitted="2026-02"))
    assert ents(doc) == [("Bob", "ORG")]


@pytest.mark.parametrize("span", [TaskSpan(10, 13, "PER"), TaskSpan(8, 12, "PER"), TaskSpan(-2, 3, "PER")])
def test_pull_takes_no_span_of_a_part_for_one_of_what_follows(span):
    docs = [make_doc("Ann left. Bob stayed.", id="d-1")]
    part = Submission("d-1", "Ann left.", (TaskSpan(0, 3, "PER"), span), "ann")
    issues = IssueLog()
    chosen = chosen_submissions([part], docs, issues)
    (record,) = reviewed_records(chosen, docs, NLP, LABELS, issues, [], "project")
    assert ents(record.doc) == [("Ann", "PER")]
    assert issues["misaligned span"] == 1
