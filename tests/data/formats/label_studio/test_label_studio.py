import json

import pytest

from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY
from spacy_ner_plus.data.formats.label_studio.label_studio import LABEL_STUDIO
from spacy_ner_plus.data.formats.label_studio.options import LabelStudioOptions
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from tests.data.formats.reading import all_spans, ents, read_file

TEXT = "Rosa Quint moved to Lund."
BOTH = [("Rosa Quint", "PER"), ("Lund", "LOC")]
LEFT_OUT = "annotation beside the one that is taken, and different"


def value(start, end, *labels, text=TEXT):
    return {"start": start, "end": end, "text": text[start:end], "labels": list(labels)}


def region(start, end, *labels, text=TEXT, **about):
    tags = {"from_name": "label", "to_name": "text", "type": "labels"}
    return {**tags, "value": value(start, end, *labels, text=text), **about}


PER, LOC = region(0, 10, "PER", id="a0"), region(20, 24, "LOC", id="a1")
CHOICE = {"from_name": "kind", "to_name": "text", "type": "choices", "value": {"choices": ["news"]}}


def task(*annotations, data=None, **about):
    made = [
        given if isinstance(given, dict) else {"result": given, "completed_by": 1} for given in annotations
    ]
    return {"id": 1, "data": data or {"text": TEXT}, "annotations": made, **about}


def read(tmp_path, *records, **options):
    return read_file(LABEL_STUDIO, tmp_path, json.dumps(list(records)), **options)


def iobs(doc):
    return [token.ent_iob_ for token in doc]


def sniff(path):
    found = LABEL_STUDIO.sniff(Source(str(path)))
    return found and found.confidence


def test_label_studio_reads_tasks(tmp_path):
    found = read(tmp_path, task([PER, LOC], data={"text": TEXT, "source": "web"}))
    assert all_spans(found.docs[0]) == [(0, 10, "PER", "a0", None), (20, 24, "LOC", "a1", None)]
    known = record_of(found.docs[0])
    assert (known["id"], known["annotator"], known["meta"]) == (
        "1",
        "1",
        {"source": "web", "label_studio": {"annotation": {"completed_by": 1}}},
    )
    assert not found.issues
    assert sniff(tmp_path / "source") == CERTAIN


@pytest.mark.parametrize("who", [{"id": 1, "email": "ann@x.y"}, "ann@x.y"])
def test_label_studio_reads_old_completions(tmp_path, who):
    value = {"id": 1, "data": {"text": TEXT}, "completions": [{"result": [PER, LOC], "completed_by": who}]}
    found = read(tmp_path, value)
    assert ents(found.docs[0]) == BOTH
    assert record_of(found.docs[0])["annotator"] == "ann@x.y"
    assert sniff(tmp_path / "source") == CERTAIN


def test_label_studio_each_label_is_a_span(tmp_path):
    doc = read(tmp_path, task([region(0, 10, "PER", "ARTIST")])).docs[0]
    assert [(span.text, span.label_) for span in doc.spans["sc"]] == [
        ("Rosa Quint", "PER"),
        ("Rosa Quint", "ARTIST"),
    ]
    assert ents(doc) == [("Rosa Quint", "PER")]


def test_label_studio_skipped_and_missing_annotations_are_none(tmp_path):
    skipped = {"result": [PER], "was_cancelled": True}
    found = read(tmp_path, task([LOC]), task(skipped), task(), task([]), {"data": {"text": TEXT}})
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs] == [True, False, False, True, False]
    assert found.issues["skipped annotation"] == 1


@pytest.mark.parametrize(
    ("annotations", "entities", "differing"),
    [("auto", BOTH, 1), ("last", BOTH, 0), ("first", BOTH[:1], 0), ("agreed", BOTH[:1], 0)],
)
def test_label_studio_several_annotations(tmp_path, annotations, entities, differing):
    found = read(tmp_path, task([PER], [PER, LOC]), annotations=annotations)
    assert ents(found.docs[0]) == entities
    assert found.issues[LEFT_OUT] == differing
    if annotations == "agreed":
        assert iobs(found.docs[0]) == ["B", "I", "O", "O", "", "O"]


def test_label_studio_each_annotation_and_equal_ones(tmp_path):
    assert len(read(tmp_path, task([PER], [PER, LOC]), annotations="each").docs) == 2
    assert not read(tmp_path, task([PER], [PER])).issues


def test_label_studio_ground_truth_is_preferred(tmp_path):
    truth = {"result": [PER], "ground_truth": True, "created_at": "2026-01-01"}
    later = {"result": [LOC], "created_at": "2026-02-01"}
    assert ents(read(tmp_path, task(truth, later)).docs[0]) == BOTH[:1]
    assert ents(read(tmp_path, task(later, truth | {"ground_truth": False})).docs[0]) == BOTH[1:]


def test_label_studio_predictions_are_taken_where_asked_for(tmp_path):
    made = {"model_version": "m1", "score": 0.5, "result": [PER | {"score": 0.25}, LOC]}
    value = task(predictions=[made])
    found = read(tmp_path, value)
    assert not found.docs[0].has_annotation("ENT_IOB")
    assert any("predictions" in note for note in found.notes)
    doc = read(tmp_path, value, predictions=True).docs[0]
    assert [span[4] for span in all_spans(doc)] == [0.25, 0.5]
    assert record_of(doc)["annotator"] == "m1"


def test_label_studio_other_results_are_kept_and_counted(tmp_path):
    relation = {"from_id": "a0", "to_id": "a1", "type": "relation", "direction": "right"}
    found = read(tmp_path, task([PER, LOC, CHOICE, relation]), task([CHOICE]))
    assert record_of(found.docs[0])["meta"]["label_studio"]["results"] == [CHOICE, relation]
    assert found.issues["result that is no span, kept in meta: choices"] == 2
    assert found.issues["result that is no span, kept in meta: relation"] == 1
    # In a project with spans a text with a choice alone has none.
    assert iobs(found.docs[1]) == ["O"] * 6


def test_label_studio_of_choices_alone_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"E171.*choices"):
        read(tmp_path, task([CHOICE]), task([]))


@pytest.mark.parametrize(
    ("broken", "tags"),
    [
        ({"type": "labels", "value": {"start": 0, "end": 10, "labels": []}}, ["", "", "O", "O", "B", "O"]),
        ({"type": "labels", "value": {"start": 0, "end": 10, "labels": None}}, ["", "", "O", "O", "B", "O"]),
        ({"type": "strange", "value": {"start": 0, "end": 10}}, ["", "", "O", "O", "B", "O"]),
        (
            {"type": "labels", "value": {"start": None, "end": 10, "labels": ["PER"]}},
            ["", "", "", "", "B", ""],
        ),
        ({"type": "labels"}, ["", "", "", "", "B", ""]),
        (None, ["", "", "", "", "B", ""]),
    ],
)
def test_label_studio_what_is_not_understood_is_missing(tmp_path, broken, tags):
    found = read(tmp_path, task([broken, LOC]))
    assert iobs(found.docs[0]) == tags
    assert len(found.issues) >= 1


def test_label_studio_hypertext_is_read_by_global_offsets(tmp_path):
    path = "/div[1]/text()[1]"
    value = {"start": path, "end": path, "startOffset": 0, "endOffset": 10, "text": "Rosa Quint"}
    value |= {"globalOffsets": {"start": 0, "end": 10}, "hypertextlabels": ["PER"]}
    result = {"type": "hypertextlabels", "from_name": "ner", "to_name": "text", "value": value}
    found = read(tmp_path, task([result]))
    assert ents(found.docs[0]) == BOTH[:1]
    assert not found.issues


@pytest.mark.parametrize(
    ("text", "offset", "way"),
    [("🚀🚀 {} left", 5, "utf-16"), ("a\r\nb\r\n\r\n{} left", 5, "one-line-end")],
)
def test_label_studio_of_old_versions_is_counted_as_it_did(tmp_path, text, offset, way):
    names = ("Rosa", "Ann", "Ole", "Lena")
    tasks = []
    for name in names:
        result = region(0, 0, "PER")
        result["value"] |= {"start": offset, "end": offset + len(name), "text": name}
        tasks.append(task([result], data={"text": text.format(name)}))
    found = read(tmp_path, *tasks)
    assert [ents(doc) for doc in found.docs] == [[(name, "PER")] for name in names]
    assert any(way in note for note in found.notes)
    # One task says too little, and is refused with what would help.
    with pytest.raises(UserError, match=f"E171.*`offsets` {way}.*--offsets"):
        read(tmp_path, tasks[0])
    assert ents(read(tmp_path, tasks[0], offsets=way).docs[0]) == [("Rosa", "PER")]


def test_label_studio_finds_the_text_by_the_spans(tmp_path):
    data = {"url": "http://x.y", "body": TEXT, "text": "Another text."}
    found = read(tmp_path, task([PER, LOC], data=data), task([], data=data | {"body": "It rains."}))
    assert [doc.text for doc in found.docs] == [TEXT, "It rains."]


def test_label_studio_of_several_texts_one_is_named(tmp_path):
    value = {"data": {"a": TEXT, "b": "It rains."}, "annotations": []}
    with pytest.raises(UserError, match=r"E602.*a, b.*text_key"):
        read(tmp_path, value)
    assert read(tmp_path, value, text_key="b").docs[0].text == "It rains."
    with pytest.raises(UserError, match=r"E151.*`c`.*a, b"):
        read(tmp_path, value, text_key="c")


def test_label_studio_annotation_under_another_key_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"E180.*annotation_results"):
        read(tmp_path, {"data": {"text": TEXT}, "annotation_results": [{"result": [PER]}]})


def test_label_studio_ids_of_annotations_alone_are_missing_annotation(tmp_path):
    found = read(tmp_path, task([PER]), {"id": 2, "data": {"text": TEXT}, "annotations": [7]})
    assert not found.docs[1].has_annotation("ENT_IOB")
    assert found.issues["annotation not exported"] == 1


def row(*values, **about):
    made = {"id": 1, "text": TEXT, "annotator": 1, "annotation_id": 7}
    return made | ({"label": list(values)} if values else {}) | about


PERSON, PLACE = value(0, 10, "PER"), value(20, 24, "LOC")


def test_label_studio_reads_rows_of_json_min(tmp_path):
    none, open_, null = row(id=2), row(id=3, annotator=None, annotation_id=None), row(id=4, label=None)
    found = read(tmp_path, row(PERSON, PLACE, kind="news"), none, open_, null)
    assert ents(found.docs[0]) == BOTH
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs] == [True, True, False, True]
    assert record_of(found.docs[0])["meta"]["kind"] == "news"
    assert sniff(tmp_path / "source") == CERTAIN


def test_label_studio_rows_of_one_task_are_its_annotations(tmp_path):
    rows = [
        row(PERSON, created_at="2026-02-01", annotation_id=8),
        row(PERSON, PLACE, created_at="2026-01-01", annotation_id=7),
        row(PLACE, id=2),
    ]
    found = read(tmp_path, *rows)
    assert [ents(doc) for doc in found.docs] == [BOTH[:1], BOTH[1:]]
    assert found.issues[LEFT_OUT] == 1
    assert len(read(tmp_path, *rows, annotations="each").docs) == 3


def test_label_studio_rows_without_any_span_are_not_annotated(tmp_path):
    docs = read(tmp_path, row(kind="news"), row(id=2, kind="letter")).docs
    assert not any(doc.has_annotation("ENT_IOB") for doc in docs)


def test_label_studio_row_with_two_labels(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": 1, "text": TEXT, "label": [value(0, 10, "PER", "ARTIST")]}))
    assert sniff(path) == LIKELY
    assert len(read_file(LABEL_STUDIO, path).docs[0].spans["sc"]) == 2


def test_label_studio_is_recognised_by_its_beginning(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([task([region(0, 10, "PER", id=str(i)) for i in range(1000)])]))
    assert path.stat().st_size > 65_536
    assert sniff(path) == CERTAIN
    path.write_text(json.dumps([{"data": {"text": TEXT}}]))
    assert sniff(path) == LIKELY
    path.write_text(json.dumps({"text": TEXT, "label": [[0, 10, "PER"]]}))
    assert sniff(path) is None


def test_label_studio_writes_what_it_read(tmp_path):
    kept = [
        region(0, 10, "PER", "ARTIST", id="a0", origin="manual", score=0.5),
        LOC | {"hidden": True},
        CHOICE,
    ]
    docs = read(tmp_path, task(kept, data={"text": TEXT, "source": "web"}, meta={"batch": 3}), task()).docs
    path = tmp_path / "written.json"
    LABEL_STUDIO.write(docs, path, LabelStudioOptions(), IssueLog())
    written = json.loads(path.read_text(encoding="utf8"))
    assert written[0]["data"] == {"source": "web", "text": TEXT}
    assert written[0]["annotations"][0]["result"] == kept
    assert "completed_by" not in written[0]["annotations"][0]
    assert written[1]["annotations"] == []
    again = read_file(LABEL_STUDIO, path).docs
    assert [record_of(doc)["meta"] for doc in again] == [record_of(doc)["meta"] for doc in docs]
    assert [all_spans(doc) for doc in again] == [all_spans(doc) for doc in docs]


def test_label_studio_writes_for_other_tags_and_as_predictions(tmp_path):
    docs = read(tmp_path, task([PER])).docs
    path = tmp_path / "written.json"
    options = LabelStudioOptions(predictions=True, from_name="ner", to_name="letter", text_key="body")
    LABEL_STUDIO.write(docs, path, options, IssueLog())
    (written,) = json.loads(path.read_text(encoding="utf8"))
    assert written["data"] == {"body": TEXT}
    assert written["annotations"] == []
    (made,) = written["predictions"]
    assert made["model_version"] == "1"
    assert made["result"] == [PER | {"from_name": "ner", "to_name": "letter"}]


def test_label_studio_meta_under_the_texts_key_is_counted(tmp_path):
    docs = read(tmp_path, task([PER], data={"text": "x", "body": TEXT})).docs
    issues = IssueLog()
    LABEL_STUDIO.write(docs, tmp_path / "written.json", LabelStudioOptions(), issues)
    assert issues["meta under `text`, where the text is"] == 1


def test_label_studio_reads_spans_across_lines_as_its_page_writes_them(tmp_path):
    """A line break stands as a backslash and an n in a region's text; of two characters, it stands twice."""
    text = "Rosa went to\r\nSan\nJuan."
    marked = {"start": 10, "end": 22, "text": "to\\n\\nSan\\nJuan", "labels": ["LOC"]}
    result = {"from_name": "label", "to_name": "text", "type": "labels", "value": marked}
    one = {"data": {"text": text}, "annotations": [{"result": [result]}]}
    found = read_file(LABEL_STUDIO, tmp_path, json.dumps([one]))
    assert not len(found.issues)
    assert [ent.text for ent in found.docs[0].ents] == [text[10:22]]
