import json

import pytest

from spacy_ner_plus.data.formats.argilla.argilla import ARGILLA
from spacy_ner_plus.data.formats.argilla.options import ArgillaOptions
from spacy_ner_plus.data.formats.format import CERTAIN
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from tests.data.formats.reading import all_spans, ents, read_file

TEXT = "Rosa Quint moved to Lund."
PER = {"start": 0, "end": 10, "label": "PER"}
LOC = {"start": 20, "end": 24, "label": "LOC"}
ANN, BOB = "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004"
BOTH = [("Rosa Quint", "PER"), ("Lund", "LOC")]


def answer(*spans, who=ANN, **about):
    return {"value": list(spans), "user_id": who, **about}


def record(*answers, text=TEXT, **about):
    responses = {"spans": list(answers)} if answers else {}
    return {
        "id": "1",
        "fields": {"text": text},
        "metadata": {},
        "suggestions": {},
        "responses": responses,
        **about,
    }


def read(tmp_path, *records, **options):
    return read_file(ARGILLA, tmp_path, json.dumps(list(records)), **options)


@pytest.fixture(scope="module")
def rg():
    return pytest.importorskip("argilla")


@pytest.fixture
def real(rg):
    """A record of the SDK."""
    return rg.Record(
        id="d-1",
        fields={"text": TEXT},
        metadata={"source": "web"},
        suggestions=[rg.Suggestion("spans", [PER], score=[0.9], agent="m1")],
        responses=[
            rg.Response("spans", [PER, LOC], user_id=ANN, status="submitted"),
            rg.Response("spans", [PER], user_id=BOB, status="draft"),
            rg.Response("kind", "news", user_id=ANN, status="submitted"),
        ],
    )


def test_argilla_reads_what_the_sdk_writes(rg, real, tmp_path):
    from argilla.records._io import GenericIO, JsonIO

    flat = tmp_path / "flat.json"
    flat.write_text(json.dumps(GenericIO.to_list([real], flatten=True)))
    nested = JsonIO.to_json([real], tmp_path / "nested.json")
    for path, options in ((flat, {}), (nested, {"annotations": "first"})):
        assert ARGILLA.sniff(Source(str(path))).confidence == CERTAIN
        found = read_file(ARGILLA, path, **options)
        known = record_of(found.docs[0])
        assert ents(found.docs[0]) == BOTH
        assert (known["id"], known["annotator"]) == ("d-1", ANN)
        assert known["meta"]["source"] == "web"
        assert found.issues["answer to another question, kept in meta: kind"] == 1
    assert read_file(ARGILLA, flat).issues["answer that is no answer: draft"] == 1
    # The nested one doesn't say which answers are drafts.
    assert any("drafts" in note for note in read_file(ARGILLA, nested).notes)


@pytest.mark.parametrize("suggestions", [False, True])
def test_argilla_sdk_reads_what_is_written(rg, real, tmp_path, suggestions):
    from argilla.records._io import JsonIO

    docs = read_file(ARGILLA, JsonIO.to_json([real], tmp_path / "a.json"), annotations="first").docs
    written = tmp_path / "written.json"
    ARGILLA.write(docs, written, ArgillaOptions(suggestions=suggestions), IssueLog())
    again = JsonIO._records_from_json(written)[0]
    assert again.id == "d-1"
    assert again.metadata == {"source": "web"}
    found = again.suggestions["spans"] if suggestions else again.responses["spans"][0]
    assert found.value == [PER, LOC]
    assert again.responses["kind"][0].value == "news"


@pytest.mark.parametrize(
    "value",
    [
        {
            "id": "1",
            "text": TEXT,
            "tokens": ["Rosa"],
            "annotation": [["PER", 0, 10], ["LOC", 20, 24]],
            "metrics": {},
        },
        {
            "fields": {"text": TEXT},
            "responses": [
                {"values": {"spans": {"value": [PER, LOC]}}, "user_id": ANN, "status": "submitted"}
            ],
            "suggestions": [],
            "external_id": "1",
        },
        {"id": "1", "fields": {"body": TEXT}, "responses": [{"question_name": "spans", **answer(PER, LOC)}]},
    ],
)
def test_argilla_reads_other_versions(tmp_path, value):
    found = read(tmp_path, value)
    assert ents(found.docs[0]) == BOTH
    assert ARGILLA.sniff(Source(str(tmp_path / "source"))).confidence == CERTAIN


def test_argilla_old_predictions_and_discarded_records_are_no_annotation(tmp_path):
    about = {"text": TEXT, "tokens": ["Rosa"], "prediction_agent": "m1", "prediction": [["PER", 0, 10, 0.75]]}
    records = (about | {"annotation": None}, about | {"annotation": [["LOC", 20, 24]], "status": "Discarded"})
    found = read(tmp_path, *records)
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs] == [False, False]
    assert found.issues["answer that is no answer: discarded"] == 1
    taken = read(tmp_path, *records, suggestions=True).docs[0]
    assert all_spans(taken) == [(0, 10, "PER", "", 0.75)]
    assert record_of(taken)["annotator"] == "m1"


def test_argilla_answers_of_several_users(tmp_path):
    value = record(answer(PER, status="submitted"), answer(PER, LOC, who=BOB, status="submitted"))
    found = read(tmp_path, value)
    assert ents(found.docs[0]) == BOTH
    assert found.issues["annotation beside the one that is taken, and different"] == 1
    assert len(read(tmp_path, value, annotations="each").docs) == 2
    assert ents(read(tmp_path, value, annotations="first").docs[0]) == BOTH[:1]
    agreed = read(tmp_path, value, annotations="agreed").docs[0]
    assert [token.ent_iob_ for token in agreed] == ["B", "I", "O", "O", "", "O"]
    assert record_of(agreed)["annotator"] == f"{ANN}, {BOB}"


def test_argilla_empty_answer_is_annotation_and_no_answer_is_none(tmp_path):
    suggested = {"suggestions": {"spans": {"value": [PER], "score": None, "agent": "m1"}}}
    found = read(tmp_path, record(answer(PER)), record(answer()), record(), record(**suggested))
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs] == [True, True, False, False]
    assert any("suggestions" in note for note in found.notes)


def test_argilla_tells_spans_behind_emojis(tmp_path):
    value = record(answer({"start": 3, "end": 7, "label": "PER"}), text="🚀 Rosa left")
    found = read(tmp_path, value, offsets="utf-16")
    assert ents(found.docs[0]) == [("Rosa", "PER")]
    assert any("emojis" in note and "utf-16" in note for note in found.notes)


@pytest.mark.parametrize("span", [None, {"start": 0, "end": None, "label": "PER"}, "Rosa"])
def test_argilla_span_that_is_not_understood_is_missing(tmp_path, span):
    found = read(tmp_path, record(answer(span, LOC)))
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "", "", "", "B", ""]
    assert found.issues["label not understood"] == 1


def test_argilla_span_without_a_label_is_missing_there(tmp_path):
    found = read(tmp_path, record(answer(PER | {"label": None}, LOC)))
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "", "O", "O", "B", "O"]


def test_argilla_without_a_span_question_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"E171.*responses"):
        read(tmp_path, record() | {"responses": {"kind": [{"value": "news", "user_id": ANN}]}})


def test_argilla_of_several_fields_one_is_named(tmp_path):
    value = {"fields": {"a": TEXT, "b": "x"}, "responses": {"spans": [answer(PER, LOC)]}}
    with pytest.raises(UserError, match=r"E603.*a, b"):
        read(tmp_path, value)
    doc = read(tmp_path, value, field="a").docs[0]
    assert ents(doc) == BOTH
    assert record_of(doc)["meta"] == {"argilla": {"fields": {"b": "x"}}}
    with pytest.raises(UserError, match=r"E151.*`c`"):
        read(tmp_path, value, field="c")
