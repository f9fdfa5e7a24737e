from spacy_ner_plus.annotation.review.label_studio.regions import (
    NO_LABEL,
    NO_OFFSETS,
    OTHER_CONTROL,
    OTHER_KIND,
    to_regions,
    to_spans,
)
from spacy_ner_plus.annotation.review.tasks import TaskSpan
from spacy_ner_plus.issues import IssueLog

TEXT = "🚀🚀 Rosa Quint moved\r\nto Lund 😀."


def region(start, end, text, *labels, **about):
    value = {"start": start, "end": end, "text": text, "labels": list(labels)}
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value, **about}


def read(*results):
    issues = IssueLog()
    return to_spans(results, TEXT, "label", "text", issues, "task 1"), issues


def test_regions_count_code_points_both_ways():
    spans = (TaskSpan(3, 13, "PER", 0.5), TaskSpan(24, 28, "LOC"))
    made = to_regions(spans, TEXT, "label", "text")
    assert [one["value"]["text"] for one in made] == ["Rosa Quint", "Lund"]
    assert "score" not in made[1]
    (found, missing), issues = read(*made)
    assert [span[:4] for span in found] == [span[:4] for span in spans]
    assert not missing
    assert not len(issues)


def test_regions_across_lines_say_their_breaks_as_the_page_does():
    """The page of version 1.23 writes a line break as a backslash and an n, and two where it is of two characters."""
    (found, _), _ = read(region(14, 23, "moved\\n\\nto", "LOC"))
    assert found[0].text.split() == TEXT[14:23].split()
    # A backslash of the text itself stays.
    (found, _) = to_spans([region(0, 5, "a\\n b", "LOC")], "a\\n b", "label", "text", IssueLog(), "")
    assert found[0].text == "a\\n b"
    # Also beside a line break.
    text = "C:\\new\nline"
    (found, _) = to_spans([region(0, 11, "C:\\new\\nline", "LOC")], text, "label", "text", IssueLog(), "")
    assert found[0].text == text


def test_regions_of_several_labels_of_none_and_of_other_kinds():
    choice = {"from_name": "kind", "to_name": "text", "type": "choices", "value": {"choices": ["news"]}}
    relation = {"from_id": "a0", "to_id": "a1", "type": "relation"}
    sound = region(0, 2, "x", "PER") | {"from_name": "else", "to_name": "audio"}
    per_region = region(3, 13, "Rosa Quint") | {"from_name": "kind", "type": "choices"}
    others = (choice, relation, sound, per_region, "x", {"value": 7})
    (found, missing), issues = read(
        region(3, 13, "Rosa Quint", "PER", "ARTIST"), region(24, 28, "Lund"), *others
    )
    assert [span.label for span in found] == ["PER", "ARTIST"]
    assert missing == ((24, 28),)
    assert (issues[OTHER_KIND], issues[NO_LABEL]) == (6, 1)


def test_regions_by_labels_that_the_project_has_no_more_are_missing():
    (found, missing), issues = read(region(24, 28, "Lund", "LOC") | {"from_name": "ner"})
    assert (found, missing, issues[OTHER_CONTROL]) == ((), ((24, 28),), 1)


def test_regions_without_offsets_leave_the_text_missing():
    (found, missing), issues = read(region("/div[1]", "/div[2]", "Lund", "LOC"), region(True, 3, "x", "LOC"))
    assert not found
    assert missing == ((0, len(TEXT)),) * 2
    assert issues[NO_OFFSETS] == 2
