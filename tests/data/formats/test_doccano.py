import json

import pytest

from spacy_ner_plus.data.formats.doccano import DOCCANO
from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.reading import all_spans, ents, read_file

TEXT = "Rosa Quint moved to Lund."
TRIPLES = [[0, 10, "PER"], [20, 24, "LOC"]]
OBJECTS = [
    {"id": i, "label": label, "start_offset": s, "end_offset": e}
    for i, (s, e, label) in enumerate(TRIPLES, 7)
]
IDS = [
    {
        "id": 1,
        "text": TEXT,
        "annotations": [{"id": 1, "label": 2, "start_offset": 0, "end_offset": 10, "user": 1}],
    },
    {
        "id": 2,
        "text": "Lund is small.",
        "annotations": [{"id": 2, "label": 1, "start_offset": 0, "end_offset": 4, "user": 1}],
    },
]


def read(tmp_path, *records, **options):
    return read_file(DOCCANO, tmp_path, "\n".join(map(json.dumps, records)), **options)


def sniff(tmp_path, *records):
    path = tmp_path / "a.json"
    path.write_text("\n".join(map(json.dumps, records)))
    found = DOCCANO.sniff(Source(str(path)))
    return found and found.confidence


@pytest.mark.parametrize(
    ("record", "confidence"),
    [
        ({"id": 1, "text": TEXT, "label": TRIPLES, "Comments": []}, CERTAIN),
        ({"id": 1, "text": TEXT, "label": TRIPLES}, LIKELY),
        ({"id": 1, "text": TEXT, "labels": TRIPLES, "meta": {}, "annotation_approver": None}, CERTAIN),
        ({"id": 1, "data": TEXT, "label": TRIPLES}, LIKELY),
        ({"id": 1, "text": TEXT, "cats": ["move"], "entities": TRIPLES, "Comments": []}, CERTAIN),
        ({"id": 1, "text": TEXT, "entities": OBJECTS, "relations": [], "Comments": []}, CERTAIN),
        ({"id": 1, "text": TEXT, "annotation": TRIPLES, "annotation_approver": "admin"}, CERTAIN),
        ({"id": 1, "text": TEXT, "annotations": OBJECTS, "meta": {}}, CERTAIN),
    ],
)
def test_doccano_reads_and_knows_the_exports_of_each_version(tmp_path, record, confidence):
    found = read(tmp_path, record)
    assert ents(found.docs[0]) == [("Rosa Quint", "PER"), ("Lund", "LOC")]
    assert record_of(found.docs[0])["id"] == "1"
    assert not found.issues
    assert sniff(tmp_path, record) == confidence


@pytest.mark.parametrize(
    "names",
    [
        [
            {"id": 1, "text": "LOC", "prefix_key": None},
            {"id": 2, "text": "PER", "background_color": "#209cee"},
        ],
        {"1": "LOC", "2": "PER"},
        {"count": 2, "results": [{"id": 1, "text": "LOC"}, {"id": 2, "text": "PER"}]},
    ],
)
def test_doccano_numbers_get_their_names_from_a_file(tmp_path, names):
    labels = tmp_path / "label_config.json"
    labels.write_text(json.dumps(names), encoding="utf-8-sig")
    found = read(tmp_path, *IDS, labels=str(labels))
    assert [ents(doc) for doc in found.docs] == [[("Rosa Quint", "PER")], [("Lund", "LOC")]]
    assert record_of(found.docs[0])["annotator"] == "1"
    assert not found.issues


def test_doccano_numbers_without_names_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"E600.*source:1: the label is a number \(2\).*labels=FILE"):
        read(tmp_path, *IDS)


def test_doccano_number_that_has_no_name_is_missing(tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text('{"1": "LOC"}')
    found = read(tmp_path, *IDS, labels=str(labels))
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "", "O", "O", "O", "O"]
    assert found.issues["label without a name"] == 1


@pytest.mark.parametrize(
    "content", ["[", "[]", '[{"text": "PER", "suffix_key": "p"}]', '{"1": "A", "1": "B"}', None]
)
def test_doccano_file_of_names_without_any_is_refused(tmp_path, content):
    labels = tmp_path / "labels.json"
    if content is not None:
        labels.write_text(content)
    with pytest.raises(UserError, match=r"E601.*labels\.json"):
        read(tmp_path, *IDS, labels=str(labels))


def test_doccano_relations_comments_and_meta_are_kept(tmp_path):
    relations = [{"id": 1, "from_id": 7, "to_id": 8, "type": "went"}]
    record = {
        "id": 3,
        "text": TEXT,
        "entities": OBJECTS,
        "relations": relations,
        "Comments": ["?"],
        "source": "web",
    }
    doc = read(tmp_path, record).docs[0]
    assert record_of(doc)["meta"] == {"relations": relations, "Comments": ["?"], "source": "web"}
    assert all_spans(doc) == [(0, 10, "PER", "7", None), (20, 24, "LOC", "8", None)]


def test_doccano_empty_list_is_annotation_and_no_key_is_none(tmp_path):
    docs = read(
        tmp_path, {"text": TEXT, "label": TRIPLES}, {"text": "It rains", "label": []}, {"text": "It rains"}
    ).docs
    assert [doc.has_annotation("ENT_IOB") for doc in docs] == [True, True, False]


@pytest.mark.parametrize("null", [None, [0, 4], {"start_offset": 0, "end_offset": None, "label": "PER"}])
def test_doccano_span_that_is_not_understood_is_missing(tmp_path, null):
    found = read(tmp_path, {"text": "Rosa left Lund", "label": [null, [10, 14, "LOC"]]})
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "", "B"]
    assert found.issues["label not understood"] == 1


@pytest.mark.parametrize("label", [None, "", " "])
def test_doccano_span_without_a_label_is_missing_there(tmp_path, label):
    found = read(tmp_path, {"text": "Rosa left Lund", "label": [[0, 4, label], [10, 14, "LOC"]]})
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "O", "B"]


def test_doccano_labels_of_texts_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"E171.*start_offset"):
        read(tmp_path, {"id": 1, "text": TEXT, "label": ["good"]})
    assert sniff(tmp_path, {"id": 1, "text": TEXT, "label": ["good"], "Comments": []}) is None


def test_doccano_array_after_an_emoji(tmp_path):
    found = read_file(
        DOCCANO, tmp_path, json.dumps([{"text": "🚀 Rosa\r\nLund", "label": [[2, 6, "PER"], [8, 12, "LOC"]]}])
    )
    assert ents(found.docs[0]) == [("Rosa", "PER"), ("Lund", "LOC")]


def test_doccano_knows_no_other_tools_files(tmp_path):
    span = {"start": 0, "end": 4, "label": "PER"}
    assert sniff(tmp_path, {"text": "Rosa", "spans": [span]}) is None
    assert sniff(tmp_path, {"text": "Rosa", "entities": [[0, 4, "PER"]]}) is None
    assert sniff(tmp_path, ["Rosa", {"entities": [[0, 4, "PER"]]}]) is None
    assert (
        sniff(
            tmp_path, {"text": "Rosa", "label": [{"start": 0, "end": 4, "text": "Rosa", "labels": ["PER"]}]}
        )
        is None
    )


def test_doccano_reads_the_spans_beside_an_empty_list_of_them(tmp_path):
    found = read(
        tmp_path, {"text": "Rosa left Lund", "label": [], "entities": [[0, 4, "PER"]], "Comments": []}
    )
    assert ents(found.docs[0]) == [("Rosa", "PER")]


def test_doccano_counts_spans_under_a_second_key(tmp_path):
    found = read(
        tmp_path, {"text": "Rosa left Lund", "label": [[0, 4, "PER"]], "entities": [[10, 14, "LOC"]]}
    )
    assert found.issues["spans under another key, not read"] == 1
    assert [token.ent_iob_ for token in found.docs[0]] == ["B", "", ""]


def test_doccano_tells_of_offsets_behind_emojis(tmp_path):
    record = {"id": 1, "text": f"🚀 {TEXT}", "label": [[3, 13, "PER"]], "Comments": []}
    before = {"id": 2, "text": f"{TEXT} 🚀", "label": [[0, 10, "PER"]], "Comments": []}
    found = read(tmp_path, record, before)
    assert any("1 records have spans behind emojis" in note for note in found.notes)
    found = read(tmp_path, record, offsets="utf-16")
    assert ents(found.docs[0]) == [("Rosa Quint", "PER")]
    assert not any("emojis" in note for note in found.notes)


def test_doccano_makes_a_doc_of_each_person_of_a_record(tmp_path):
    """As Prodigy's answers: agreement and policies are of people, and nobody is called "1, 2"."""
    spans = [{**span, "user": user} for span, user in zip((*OBJECTS, OBJECTS[0]), (1, 1, 2), strict=True)]
    found = read(tmp_path, {"id": 5, "text": TEXT, "annotations": spans, "relations": []})
    assert [(record_of(doc)["annotator"], record_of(doc)["id"], ents(doc)) for doc in found.docs] == [
        ("1", "5", [("Rosa Quint", "PER"), ("Lund", "LOC")]),
        ("2", "5", [("Rosa Quint", "PER")]),
    ]
    assert not found.issues


def test_doccano_knows_nothing_of_each_persons_tokens_under_a_span_of_nobody(tmp_path):
    nobody = {"label": "LOC", "start_offset": 20, "end_offset": 24}
    spans = [{**OBJECTS[0], "user": 1}, {**OBJECTS[0], "user": 2}, nobody]
    found = read(tmp_path, {"text": TEXT, "annotations": spans})
    assert [doc_to_tags(doc) for doc in found.docs] == [["B-PER", "I-PER", "O", "O", "-", "O"]] * 2
    assert found.issues["span of nobody in a record of several people: its tokens are missing"] == 1
    # What can't be read may be anywhere in any of them.
    found = read(tmp_path, {"text": TEXT, "annotations": [*spans[:2], {"label": "LOC"}]})
    assert [doc_to_tags(doc)[2] for doc in found.docs] == ["-", "-"]
    assert found.issues["label not understood"] == 1
    found = read(tmp_path, {"text": TEXT, "annotations": [spans[0], nobody]})
    assert [ents(doc) for doc in found.docs] == [[("Rosa Quint", "PER"), ("Lund", "LOC")]]


def test_doccano_tells_why_json_is_none(tmp_path):
    with pytest.raises(UserError, match=r"E150.*: Invalid control character\. Correct"):
        read_file(DOCCANO, tmp_path, '{"text": "a\nb"}')
