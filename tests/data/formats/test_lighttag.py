import json

import pytest

from spacy_ner_plus.data.formats.format import CERTAIN
from spacy_ner_plus.data.formats.lighttag import LIGHTTAG
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from tests.data.formats.reading import all_spans, ents, read_file

TEXT = "Rosa Quint moved to Lund."


def span(start, end, tag="PER", by=("ann",), **about):
    names = [{"annotator": name, "annotator_id": 1} for name in by]
    return {"start": start, "end": end, "tag": tag, "value": TEXT[start:end], "annotated_by": names, **about}


def job(*spans, seen=("ann", "bob"), **about):
    example = {
        "example_id": "e1",
        "content": TEXT,
        "metadata": {"source": "web"},
        "seen_by": [{"annotator": name} for name in seen],
        "annotations": list(spans),
        **about,
    }
    schema = {"id": "s", "tags": [{"id": "t1", "name": "PER"}, {"id": "t2", "name": "LOC"}]}
    return {"id": "j", "name": "letters", "examples": [example], "schema": schema}


def read(tmp_path, value, **options):
    return read_file(LIGHTTAG, tmp_path, json.dumps(value), **options)


def test_lighttag_reads_a_job(tmp_path):
    by_id = span(20, 24, tag=None, tag_id="t2", tagged_token_id="a2")
    found = read(tmp_path, job(span(0, 10, by=("ann", "bob"), tagged_token_id="a1", correct=None), by_id))
    doc = found.docs[0]
    assert all_spans(doc) == [(0, 10, "PER", "a1", None), (20, 24, "LOC", "a2", None)]
    known = record_of(doc)
    assert (known["id"], known["annotator"]) == ("e1", "ann, bob")
    assert known["meta"]["source"] == "web"
    assert not found.issues


@pytest.mark.parametrize(
    ("annotations", "tags"),
    [
        ("all", ["B", "I", "O", "O", "B", "O"]),
        ("agreed", ["B", "I", "O", "O", "", "O"]),
        ("reviewed", ["", "", "O", "O", "B", "O"]),
    ],
)
def test_lighttag_annotations_of_several(tmp_path, annotations, tags):
    value = job(span(0, 10, by=("ann", "bob")), span(20, 24, "LOC", correct=True))
    doc = read(tmp_path, value, annotations=annotations).docs[0]
    assert [token.ent_iob_ for token in doc] == tags


def test_lighttag_what_a_reviewer_found_wrong_is_left_out_and_counted(tmp_path):
    found = read(tmp_path, job(span(0, 10), span(20, 24, correct=False)))
    assert ents(found.docs[0]) == [("Rosa Quint", "PER")]
    assert found.issues["annotation that a reviewer found wrong"] == 1


@pytest.mark.parametrize(("seen", "is_annotated"), [(("ann",), True), ((), False)])
def test_lighttag_example_that_nobody_has_seen_is_not_annotated(tmp_path, seen, is_annotated):
    assert read(tmp_path, job(seen=seen)).docs[0].has_annotation("ENT_IOB") == is_annotated


@pytest.mark.parametrize("item", [None, {"start": None, "end": 4, "tag": "PER"}])
def test_lighttag_what_is_not_understood_is_missing(tmp_path, item):
    found = read(tmp_path, job(item, span(20, 24, "LOC")))
    assert [token.ent_iob_ for token in found.docs[0]] == ["", "", "", "", "B", ""]
    assert found.issues["label not understood"] == 1


def test_lighttag_example_without_text_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"E151.*example 1.*content"):
        read(tmp_path, job(content=None))


def test_lighttag_is_recognised_by_its_beginning(tmp_path):
    path = tmp_path / "a.json"
    value = job(*[span(0, 10, tagged_token_id=str(i)) for i in range(1000)])
    path.write_text(json.dumps(value))
    assert path.stat().st_size > 65_536
    assert LIGHTTAG.sniff(Source(str(path))).confidence == CERTAIN
    assert len(read_file(LIGHTTAG, path).docs) == 1
