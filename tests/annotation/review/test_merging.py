import re

import pytest
import spacy

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.annotation.review.merging import (
    CONFLICT,
    EARLIER_MERGE,
    NESTED,
    OVERLAPPING_MERGE,
    common_doc,
    merge_docs,
    merge_sets,
    texts_apart,
)
from spacy_ner_plus.annotation.review.pull import META, SUPERSEDED, kept_doc, review_of, without_annotation
from spacy_ner_plus.annotation.review.review_report import agreement
from spacy_ner_plus.annotation.review.tasks import task_ids
from spacy_ner_plus.data.records.record import RECORD, record_of
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.entity_vote.policies import intersection_v1, majority_v1, union_v1
from tests.annotation.review.docs import EMOJI, NONE, PEOPLE, corpus, ents, make_doc

ANN = make_doc(PEOPLE, ("Ann Lee", "PER"), ("Oslo", "LOC"), annotator="ann")
BOB = make_doc(PEOPLE, ("Ann Lee", "PER"), ("Oslo", "LOC"), ("Bob", "PER"), annotator="bob")
EVE = make_doc(PEOPLE, ("Ann", "PER"), ("Bob", "PER"), annotator="eve")


@pytest.mark.parametrize(
    ("policy", "kept", "missing"),
    [
        (majority_v1(), [("Ann Lee", "PER"), ("Bob", "PER"), ("Oslo", "LOC")], ""),
        (intersection_v1(), [], "Ann Lee Bob Oslo"),
        (union_v1(), [("Bob", "PER"), ("Oslo", "LOC")], "Ann Lee"),
    ],
)
def test_merging_follows_the_policy_and_leaves_conflicts_missing(policy, kept, missing):
    issues = IssueLog()
    doc = merge_docs([ANN, BOB, EVE], policy, issues, "here").doc
    assert ents(doc) == kept
    assert " ".join(token.text for token in doc if token.ent_iob == 0) == missing
    assert issues[CONFLICT] == (1 if policy is not intersection_v1() and kept else 4) or policy
    assert record_of(doc)["annotator"] == "ann + bob + eve"


def test_merging_equal_docs_keeps_them_whole():
    issues = IssueLog()
    doc = merge_docs([ANN, ANN.copy()], intersection_v1(), issues, "here").doc
    assert ents(doc) == ents(ANN)
    assert not len(issues)


def test_merging_counts_nested_spans_on_which_people_differ():
    both = BOB.copy()
    both.spans["sc"] = [*both.ents, both.char_span(0, 3, "FIRST")]
    issues = IssueLog()
    doc = merge_docs([both, EVE], majority_v1(), issues, "here").doc
    assert issues[NESTED] == 1
    assert [token.ent_iob for token in doc][:2] == [0, 0]


def test_merging_lays_different_tokens_on_common_ones():
    split = spacy.blank("en").tokenizer.vocab
    words = ["It", "rains", "in", "U.S.", "-", "based", "places", "."]
    spaces = [True, True, True, False, False, True, False, False]
    doc = spacy.tokens.Doc(split, words=words, spaces=spaces)
    doc.ents = [doc.char_span(12, 16, "LOC")]
    whole = make_doc(NONE, annotator="bob")
    assert [token.text for token in common_doc([whole, doc])] == words
    merged = merge_docs([whole, doc], union_v1(), IssueLog(), "here").doc
    assert ents(merged) == [("U.S.", "LOC")]


@pytest.mark.parametrize("text", ["Ann  met Bob", "Ann met  Bob ", "Ann\n met Bob  "])
def test_merging_of_white_space_cut_otherwise_keeps_what_each_said(text):
    vocab = spacy.blank("en").vocab
    ours = make_doc(text, ("Ann", "PER"), annotator="ann")
    # As tokenizers for which all white space is a token have it.
    pieces = re.findall(r"\s+|\S+", text)
    theirs = spacy.tokens.Doc(vocab, words=pieces, spaces=[False] * len(pieces))
    theirs.set_ents([], missing=[theirs[i : i + 1] for i, piece in enumerate(pieces) if not piece.strip()])
    for docs in ([ours, theirs], [theirs, ours]):
        common = common_doc(docs)
        assert common.text == text
        assert all(common.char_span(t.idx, t.idx + len(t)) for doc in docs for t in doc)
        merged = merge_docs(docs, union_v1(), IssueLog(), "here").doc
        assert ents(merged) == [("Ann", "PER")]


def test_merging_of_different_labels_asks_those_who_looked():
    ann, bob = ANN.copy(), make_doc(PEOPLE, ("Oslo", "LOC"), annotator="bob")
    set_annotated_labels(ann, ["PER", "LOC"])
    set_annotated_labels(bob, ["LOC"])
    doc = merge_docs([ann, bob], intersection_v1(), IssueLog(), "here").doc
    assert ents(doc) == ents(ANN)
    assert annotated_labels(doc) == {"PER", "LOC"}


def test_merging_sets_by_id_and_text():
    first, second, third = corpus()
    sets = {"ann": [first, without_annotation(second)], "bob": [second, make_doc(PEOPLE, id="d-1"), third]}
    issues = IssueLog()
    merged, each = merge_sets(sets, majority_v1(), issues)
    assert [doc.text for doc in merged] == [first.text, second.text, third.text]
    assert [record_of(doc)["annotator"] for doc in each] == ["ann", "bob", "bob", "bob"]
    assert ents(merged[0]) == []
    assert ents(merged[1]) == ents(second)
    assert record_of(merged[1])["annotator"] == "bob"
    assert issues[CONFLICT] == 3
    assert not issues[SUPERSEDED]


def reviewed(doc, name, annotator):
    doc = doc.copy()
    doc.user_data[RECORD] = record_of(doc) | {"annotator": annotator, "meta": {META: {"id": name}}}
    return doc


def test_merging_keeps_each_document_of_doubled_texts_and_ids():
    for ids, texts in ((("", ""), ("Ann lives.", "Ann lives.")), (("1", "1"), ("Ann lives.", "Bob dies."))):
        docs = [make_doc(text, id=id) for text, id in zip(texts, ids, strict=True)]
        names = task_ids(docs)
        opened = [without_annotation(doc) for doc in docs]
        ann = [reviewed(docs[0], names[0], "ann"), opened[1]]
        bob = [opened[0].copy(), reviewed(docs[1], names[1], "bob")]
        assert len(merge_sets({"ann": [one.copy() for one in ann]}, majority_v1(), IssueLog())[0]) == 2
        merged, each = merge_sets({"a": ann, "b": bob}, majority_v1(), IssueLog())
        assert sorted(doc.text for doc in merged) == sorted(texts)
        assert all(doc.has_annotation("ENT_IOB") for doc in merged)
        # Both stand in one file: each is a document of its own still.
        both = [each[0], each[1]]
        assert len(merge_sets({"all": both}, majority_v1(), IssueLog())[0]) == 2


def test_merging_compares_texts_whatever_else_a_set_has():
    one, other = make_doc("Ann lives.", id="1"), make_doc("Bob dies.", id="1")
    merged, each = merge_sets({"a": [one], "b": [one.copy(), other]}, majority_v1(), IssueLog())
    assert [doc.text for doc in merged] == [one.text, other.text]
    assert agreement(each, resamples=0)["documents"] == 1


def test_merging_keeps_nested_spans_on_which_all_agree():
    docs = [ANN.copy(), EVE.copy()]
    for doc in docs:
        doc.set_ents(
            [doc.char_span(0, 7, "PER"), *([doc[-2:-1]] if doc is docs[0] else [])], default="outside"
        )
        doc.spans["sc"] = [*doc.ents, doc.char_span(0, 3, "FIRST")]
    docs[0].spans["sc"] = [*docs[0].spans["sc"], docs[0].char_span(4, 7, "LAST")]
    issues = IssueLog()
    doc = merge_docs(docs, intersection_v1(), issues, "here").doc
    assert [(span.text, span.label_) for span in doc.spans["sc"]] == [("Ann Lee", "PER"), ("Ann", "FIRST")]
    assert issues[NESTED] == 1


def test_merging_takes_the_last_that_a_person_submitted_in_whatever_set():
    docs = []
    for time, label in (("2026-02-01T10:00:00Z", "PER"), ("2026-01-01T10:00:00+00:00", "ORG")):
        doc = make_doc(PEOPLE, ("Bob", label), annotator="ann")
        doc.user_data[RECORD]["meta"][META] = {"annotator": "ann", "submitted": time}
        docs.append(doc)
    for one, other in (docs, docs[::-1]):
        issues = IssueLog()
        ((doc,), _) = merge_sets({"a": [one.copy()], "b": [other.copy()]}, majority_v1(), issues)
        assert ents(doc) == [("Bob", "PER")]
        assert issues[SUPERSEDED] == 1
    # Where nobody says when, the set that was named last.
    one, other = (make_doc(PEOPLE, ("Bob", label), annotator="ann") for label in ("PER", "ORG"))
    ((doc,), _) = merge_sets({"a": [one], "b": [other]}, majority_v1(), IssueLog())
    assert ents(doc) == [("Bob", "ORG")]


def test_merging_tells_texts_of_several_sets_without_a_common_id():
    one, other = make_doc(PEOPLE, id="d-1"), make_doc(PEOPLE, id="7")
    assert texts_apart({"a": [one, make_doc(" ", id="1")], "b": [other, make_doc(" ")]}) == [PEOPLE]
    assert texts_apart({"a": [one, other], "b": [other]}) == []
    assert texts_apart({"a": [make_doc(PEOPLE)], "b": [make_doc(PEOPLE)], "c": [make_doc(NONE)]}) == []


def test_merging_lets_what_was_decided_stand_alone():
    people = [
        make_doc(PEOPLE, ("Bob", label), annotator=name) for name, label in (("ann", "PER"), ("bob", "ORG"))
    ]
    decided = make_doc(PEOPLE, ("Bob", "LOC"), annotator="eve")
    decided.user_data[RECORD]["meta"][META] = {"annotator": "eve", "final": True}
    issues = IssueLog()
    doc = merge_docs([*people, decided], majority_v1(), issues, "here").doc
    assert ents(doc) == [("Bob", "LOC")]
    assert not issues[CONFLICT]


def test_merging_counts_nothing_that_nobody_looked_at():
    gold = [
        make_doc(PEOPLE, ("Bob", "ORG"), id="d-1"),
        make_doc(NONE, ("places", "LOC"), id="d-2"),
        make_doc(EMOJI),
    ]
    ann = [make_doc(PEOPLE, ("Bob", "PER"), id="d-1", annotator="ann"), kept_doc(gold[1]), kept_doc(gold[2])]
    bob = [kept_doc(gold[0]), make_doc(NONE, id="d-2", annotator="bob"), kept_doc(gold[2])]
    issues = IssueLog()
    merged, each = merge_sets({"ann": ann, "bob": bob}, majority_v1(), issues)
    assert [ents(doc) for doc in merged] == [[("Bob", "PER")], [], []]
    assert [record_of(doc)["annotator"] for doc in each] == ["ann", "bob"]
    assert not len(issues)
    # Of what nobody looked at, the corpus's annotation stays, and says so.
    assert merged[2].has_annotation("ENT_IOB")
    assert [bool(review_of(doc).get("kept")) for doc in merged] == [False, False, True]


@pytest.mark.parametrize("ending", [" ", "\n", "\r\n"])
def test_merging_compares_texts_whatever_white_space_they_have(ending):
    first, second = (
        make_doc(PEOPLE, ("Bob", "PER"), id="d-1"),
        make_doc(PEOPLE + ending, ("Oslo", "LOC"), id="d-1"),
    )
    merged, each = merge_sets({"a": [first], "b": [second]}, union_v1(), IssueLog())
    assert [ents(doc) for doc in merged] == [[("Bob", "PER"), ("Oslo", "LOC")]]
    assert merged[0].text == PEOPLE
    assert agreement(each, resamples=0)["documents"] == 1
    assert texts_apart({"a": [make_doc(PEOPLE, id="1")], "b": [make_doc(PEOPLE + ending, id="2")]}) == [
        PEOPLE
    ]


def test_merging_puts_one_persons_passes_for_other_labels_together():
    passes = []
    for labels, found in ((("PER", "ORG"), ("Bob", "PER")), (("LOC", "ORG"), ("Oslo", "LOC"))):
        doc = make_doc(PEOPLE, found, annotator="ann")
        set_annotated_labels(doc, labels)
        passes.append(doc)
    issues = IssueLog()
    ((doc,), (one,)) = merge_sets({"first": passes[:1], "second": passes[1:]}, majority_v1(), issues)
    assert ents(doc) == ents(one) == [("Bob", "PER"), ("Oslo", "LOC")]
    assert annotated_labels(doc) == {"PER", "LOC", "ORG"}
    assert record_of(doc)["annotator"] == "ann"
    assert not len(issues)


def test_merging_counts_an_earlier_merge_as_nobody():
    sets = {"ann": [ANN.copy()], "bob": [BOB.copy()]}
    (earlier,), _ = merge_sets(sets, union_v1(), IssueLog())
    issues = IssueLog()
    (doc,), each = merge_sets({"gold": [earlier], **sets}, intersection_v1(), issues)
    assert issues[EARLIER_MERGE] == 1
    assert [record_of(one)["annotator"] for one in each] == ["ann", "bob"]
    assert ents(doc) == ents(merge_sets(sets, intersection_v1(), IssueLog())[0][0])


def test_merging_says_that_someone_counts_twice():
    (earlier,), _ = merge_sets({"ann": [ANN.copy()], "bob": [BOB.copy()]}, union_v1(), IssueLog())
    issues = IssueLog()
    _, each = merge_sets({"gold": [earlier], "ann": [ANN.copy()]}, union_v1(), issues)
    assert issues[OVERLAPPING_MERGE] == 1
    assert len(each) == 2


def test_merging_keeps_an_earlier_merge_of_people_who_say_nothing_beside_it():
    (earlier,), _ = merge_sets({"ann": [ANN.copy()], "bob": [BOB.copy()]}, union_v1(), IssueLog())
    issues = IssueLog()
    opened = {name: [without_annotation(doc)] for name, doc in (("ann", ANN), ("bob", BOB))}
    (doc,), _ = merge_sets({**opened, "gold": [earlier]}, union_v1(), issues)
    assert ents(doc) == ents(earlier)
    assert not issues[EARLIER_MERGE]
    assert not issues[OVERLAPPING_MERGE]
