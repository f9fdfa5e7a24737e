from spacy_ner_plus.data.records.annotators import choose_annotation
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.issues import IssueLog


def test_annotators_choose_between_annotations_of_the_same_text_alone():
    """Exports of two projects that were joined have the same ids for other texts."""
    views = [
        MarkedText("Rosa left.", "f:1", [MarkedSpan(0, 4, "PER")], id="1"),
        MarkedText("Lund is small.", "f:2", [MarkedSpan(0, 4, "LOC")], id="1"),
        MarkedText("Rosa left.", "f:3", [], id="1"),
    ]
    issues = IssueLog()
    chosen = list(choose_annotation(views, "auto", issues))
    assert [(marked.text, marked.where) for marked in chosen] == [
        ("Rosa left.", "f:3"),
        ("Lund is small.", "f:2"),
    ]
    assert len(issues) == 1
