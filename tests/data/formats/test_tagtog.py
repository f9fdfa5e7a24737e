import json

import pytest

from spacy_ner_plus.data.formats.format import CERTAIN
from spacy_ner_plus.data.formats.tagtog import TAGTOG
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from tests.data.formats.reading import ents, read_file

HTML = """<!DOCTYPE html >
<html id="a" data-origid="a" class="anndoc"><head><title>a</title></head><body><article><section>
<h2 id="s1h1">A &amp; B</h2><div class="content"><p id="s1p1">Rosa <b>Quint</b> moved.</p>
<pre id="s1p2">Lund is small.</pre></div></section></article></body></html>"""


def entity(start, text, kind="e_1", part="s1p1", state="", who=("user:bob",), **about):
    confidence = {"state": state, "who": list(who), "prob": 1}
    offsets = [{"start": start, "text": text}]
    return {
        "classId": kind,
        "part": part,
        "offsets": offsets,
        "coordinates": [],
        "confidence": confidence,
        **about,
    }


ROSA, LUND = entity(0, "Rosa Quint"), entity(0, "Lund", "e_2", "s1p2")


def write(folder, *entities, complete=True):
    annotation = {"annotatable": {"parts": ["s1h1", "s1p1", "s1p2"]}, "anncomplete": complete, "sources": []}
    for name, content in (
        ("annotations-legend.json", json.dumps({"e_1": "PER", "e_2": "LOC"})),
        ("plain.html/pool/a.plain.html", HTML),
        (
            "ann.json/master/pool/a.ann.json",
            json.dumps(annotation | {"entities": list(entities), "relations": []}),
        ),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_tagtog_reads_a_download(tmp_path):
    found = read_file(TAGTOG, write(tmp_path, ROSA, LUND))
    doc = found.docs[0]
    assert doc.text == "A & B\nRosa Quint moved.\nLund is small."
    assert ents(doc) == [("Rosa Quint", "PER"), ("Lund", "LOC")]
    assert (record_of(doc)["id"], record_of(doc)["annotator"]) == ("a", "bob")
    assert not found.issues
    assert TAGTOG.sniff(Source(str(tmp_path))).confidence == CERTAIN


def test_tagtog_reads_records_with_their_text(tmp_path):
    value = {"id": 7, "text": "Rosa Quint moved.", "entities": [entity(0, "Rosa Quint", "PER")]}
    found = read_file(TAGTOG, tmp_path, json.dumps(value))
    assert ents(found.docs[0]) == [("Rosa Quint", "PER")]
    assert TAGTOG.sniff(Source(str(tmp_path / "source"))).confidence == CERTAIN


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (entity(0, "Rosa Quint", state="pre-added", who=["ml:dictionaries"]), "annotation of a machine"),
        (
            ROSA | {"offsets": [{"start": 0, "text": "Rosa"}, {"start": 5, "text": "Quint"}]},
            "span in several pieces",
        ),
        (ROSA | {"classId": ""}, "region without a label"),
    ],
)
def test_tagtog_what_is_no_annotation_is_missing(tmp_path, other, kind):
    found = read_file(TAGTOG, write(tmp_path, other, LUND, complete=False))
    doc = found.docs[0]
    assert ents(doc) == [("Lund", "LOC")]
    assert [token.ent_iob_ for token in doc if token.text in ("Rosa", "Quint")] == ["", ""]
    assert [name for name, _ in found.issues if name.startswith(kind)]


def test_tagtog_what_was_taken_away_is_none(tmp_path):
    found = read_file(TAGTOG, write(tmp_path, entity(0, "Rosa Quint", state="pre-removed"), LUND))
    assert ents(found.docs[0]) == [("Lund", "LOC")]
    assert found.issues["annotation that was taken away"] == 1


@pytest.mark.parametrize("complete", [True, False])
def test_tagtog_document_without_entities_is_annotated_if_complete(tmp_path, complete):
    doc = read_file(TAGTOG, write(tmp_path, complete=complete)).docs[0]
    assert doc.has_annotation("ENT_IOB") == complete


@pytest.mark.parametrize("other", [None, ROSA | {"part": "s9"}, ROSA | {"offsets": [{"start": 0}]}])
def test_tagtog_what_is_not_understood_is_missing(tmp_path, other):
    found = read_file(TAGTOG, write(tmp_path, other, LUND))
    assert {token.ent_iob_ for token in found.docs[0]} == {"", "B"}
    assert found.issues["label not understood"] == 1


def test_tagtog_annotation_without_its_text_is_refused(tmp_path):
    path = tmp_path / "a.ann.json"
    path.write_text(json.dumps({"annotatable": {}, "entities": []}))
    with pytest.raises(UserError, match=r"E604.*a\.plain\.html"):
        read_file(TAGTOG, path)
