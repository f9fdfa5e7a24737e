import pytest

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.annotation.review.pull import META, predicted_doc, review_of
from spacy_ner_plus.annotation.review.review_report import agreement, review_report
from spacy_ner_plus.data.records.record import RECORD, record_of
from tests.annotation.review.docs import EMOJI, PEOPLE, corpus, make_doc


def by(doc, seconds=None):
    known = record_of(doc)
    doc.user_data[RECORD] = known | {"meta": {META: {"id": known["id"], "seconds": seconds}}}
    assert review_of(doc)["id"] == known["id"]
    return doc


def test_review_report_tells_what_was_accepted_and_changed():
    mended = by(
        make_doc(PEOPLE, ("Ann Lee", "PER"), ("Bob", "PER"), ("Oslo", "LOC"), id="d-1", annotator="ann"), 4.0
    )
    less = by(make_doc(EMOJI, ("Lund", "LOC"), id="d-2", annotator="ann"), 8.0)
    report = review_report(corpus()[:2], [mended, less], resamples=0)
    assert report["labels"]["PER"] == {"predicted": 2, "accepted": 1, "rate": 0.5, "after": 2}
    assert report["labels"]["ORG"] == {"predicted": 1, "accepted": 0, "rate": 0.0, "after": 0}
    kinds = {kind: row["count"] for kind, row in report["changes"]["kinds"].items() if row["count"]}
    assert kinds == {"wrong label": 1, "spurious": 1}
    assert report["annotators"] == [{"name": "ann", "submissions": 2, "seconds": 12.0, "median_seconds": 6.0}]
    assert report["agreement"]["documents"] == 0
    assert report["agreement"]["alpha"]["value"] is None


def test_review_report_agreement_of_those_who_share_texts():
    docs = [
        make_doc(PEOPLE, ("Ann Lee", "PER"), ("Oslo", "LOC"), id="d-1", annotator="ann"),
        make_doc(PEOPLE, ("Ann Lee", "PER"), ("Oslo", "ORG"), id="d-1", annotator="bob"),
        # A third person has done another text alone, of which nobody else says anything.
        make_doc(EMOJI, id="d-2", annotator="eve"),
    ]
    found = agreement(docs, resamples=0)
    assert found["documents"] == 1
    (pair,) = found["pairs"]
    assert (pair["annotators"], pair["f1"]) == (["ann", "bob"], 0.5)
    import krippendorff

    values = [[0, 0, 9, 9, 9, 1, 9], [0, 0, 9, 9, 9, 2, 9]]
    expected = krippendorff.alpha(values, level_of_measurement="nominal")
    assert found["alpha"]["value"] == pytest.approx(expected)


def test_review_report_agreement_counts_labels_for_which_both_looked():
    docs = [
        make_doc(PEOPLE, ("Ann Lee", "PER"), id="d-1", annotator="ann"),
        make_doc(PEOPLE, ("Ann Lee", "PER"), ("Oslo", "LOC"), id="d-1", annotator="bob"),
    ]
    set_annotated_labels(docs[0], ["PER"])
    found = agreement(docs, resamples=0)
    assert (found["pairs"][0]["f1"], found["alpha"]["value"]) == (1.0, 1.0)


def test_review_report_counts_what_was_sent():
    sent, left = make_doc(PEOPLE, ("Ann Lee", "PER"), ("Oslo", "LOC")), make_doc(PEOPLE, ("Ann Lee", "PER"))
    # Nested ones are sent and accepted as well; of a label that wasn't sent, nothing is known.
    for doc in (sent, left):
        doc.spans["sc"] = [*doc.ents, doc.char_span(0, 3, "FIRST")]
    sent.set_ents([sent.char_span(0, 3, "FIRST")], default="outside")
    set_annotated_labels(left, ["PER", "FIRST"])
    labels = review_report([predicted_doc(sent, None)], [left], resamples=0)["labels"]
    row = {"predicted": 1, "accepted": 1, "rate": 1.0, "after": 1}
    assert labels == {"FIRST": row, "PER": row}
