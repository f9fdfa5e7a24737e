import json

import pytest

from spacy_ner_plus.data.formats.dataturks import DATATURKS
from spacy_ner_plus.data.formats.doccano import DOCCANO
from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from tests.data.formats.reading import ents, read_file

CASE = [
    {
        "content": "Rosa Quint moved to Lund.",
        "annotation": [
            {"label": ["Name"], "points": [{"start": 0, "end": 9, "text": "Rosa Quint"}]},
            {"label": ["City"], "points": [{"start": 20, "end": 23, "text": "Lund"}]},
        ],
        "extras": None,
    },
    {
        "content": "Lund is small.",
        "annotation": [{"label": ["City"], "points": [{"start": 0, "end": 3, "text": "Lund"}]}],
        "extras": None,
    },
]


def region(label, start, end, text=None):
    point = {"start": start, "end": end} | ({"text": text} if text else {})
    return {"label": label, "points": [point]}


def read(tmp_path, *records, **options):
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return read_file(DATATURKS, tmp_path, "\n".join(lines), **options)


def test_dataturks_ends_are_inclusive(tmp_path):
    found = read(tmp_path, *CASE)
    assert [ents(doc) for doc in found.docs] == [
        [("Rosa Quint", "Name"), ("Lund", "City")],
        [("Lund", "City")],
    ]
    assert not found.issues


def test_dataturks_ends_are_inclusive_without_texts_too(tmp_path):
    record = {"content": "Rosa left Lund", "annotation": [region(["PER"], 0, 3), region("LOC", 10, 13)]}
    assert ents(read(tmp_path, record).docs[0]) == [("Rosa", "PER"), ("Lund", "LOC")]
    assert ents(read(tmp_path, record, offsets="inclusive").docs[0]) == [("Rosa", "PER"), ("Lund", "LOC")]


def test_dataturks_counts_utf16_as_its_page_did(tmp_path):
    records = [
        {"content": f"🚀🚀 {name} left", "annotation": [region(["PER"], 5, 4 + len(name), name)]}
        for name in ("Rosa", "Ann", "Ole", "Lena")
    ]
    found = read(tmp_path, *records)
    assert [ents(doc) for doc in found.docs] == [[(name, "PER")] for name in ("Rosa", "Ann", "Ole", "Lena")]
    assert any("utf-16" in note for note in found.notes)


def test_dataturks_several_labels_and_points_are_a_span_each(tmp_path):
    record = {
        "content": "Rosa and Ann left",
        "annotation": [
            {
                "label": ["PER", "ARTIST"],
                "points": [{"start": 0, "end": 3}, {"start": 9, "end": 11, "text": "Ann"}],
            }
        ],
    }
    doc = read(tmp_path, record).docs[0]
    assert [(span.text, span.label_) for span in doc.spans["sc"]] == [
        ("Rosa", "PER"),
        ("Rosa", "ARTIST"),
        ("Ann", "PER"),
        ("Ann", "ARTIST"),
    ]


@pytest.mark.parametrize("annotation", [None, []])
def test_dataturks_null_is_no_annotation_and_an_empty_list_is(tmp_path, annotation):
    doc = read(tmp_path, CASE[0], {"content": "It rains", "annotation": annotation}).docs[1]
    assert doc.has_annotation("ENT_IOB") == (annotation == [])


def test_dataturks_region_without_a_label_is_missing_there(tmp_path):
    found = read(
        tmp_path, {"content": "Rosa left Lund", "annotation": [region([], 0, 3), region(["LOC"], 10, 13)]}
    )
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "O", "B"]
    assert found.issues["region without a label"] == 1


def test_dataturks_what_is_not_understood_is_missing_and_counted(tmp_path):
    record = {"content": "Rosa left Lund", "annotation": [{"label": ["PER"]}, region(["LOC"], 10, 13)]}
    found = read(tmp_path, record)
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "", "B"]
    assert found.issues["label not understood"] == 1


def test_dataturks_labels_of_texts_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"E171.*points"):
        read(tmp_path, {"content": "Rosa left", "annotation": {"labels": ["good"], "note": ""}})


def test_dataturks_keeps_other_keys(tmp_path):
    record = CASE[1] | {"metadata": {"status": "done", "big": 2**70}, "extras": {"Name": "x"}}
    meta = record_of(read(tmp_path, record).docs[0])["meta"]
    assert meta == {"metadata": {"status": "done", "big": str(2**70)}, "extras": {"Name": "x"}}


def test_dataturks_record_without_text_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"E151.*content"):
        read(tmp_path, {"contents": "Rosa", "annotation": []})


def test_dataturks_with_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(map(json.dumps, CASE)).encode())
    assert len(read_file(DATATURKS, path).docs) == 2


def test_dataturks_is_recognised(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("\n".join(map(json.dumps, CASE)))
    assert DATATURKS.sniff(Source(str(path))).confidence == CERTAIN
    assert DOCCANO.sniff(Source(str(path))) is None
    path.write_text(json.dumps({"content": "It rains", "annotation": None, "extras": None}))
    assert DATATURKS.sniff(Source(str(path))).confidence == LIKELY
    path.write_text(json.dumps({"text": "Rosa", "label": [[0, 4, "PER"]]}))
    assert DATATURKS.sniff(Source(str(path))) is None
