"""Doc.to_json(), written by spaCy itself."""

import json

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.formats.spacy_json import SPACY_JSON
from spacy_ner_plus.data.parsing.missing_ranges import IN_PART
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.errors import UserError
from tests.data.formats.docs import docs, told
from tests.data.formats.record_files import ents, read, sniffed, write

TEXT = "Rosa Quint  moved to Lund. She's there.\n"


@pytest.fixture
def doc():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    doc = nlp(TEXT)
    doc.set_ents([Span(doc, 0, 2, label="PER"), Span(doc, 5, 6, label="LOC")])
    doc.spans["sc"] = [*doc.ents, Span(doc, 0, 1, label="FIRST")]
    doc.spans["other"] = [Span(doc, 1, 2, label="LAST")]
    doc[0].tag_ = "NNP"
    doc.cats = {"NEWS": 1.0}
    return doc


@pytest.mark.parametrize("array", [False, True])
def test_spacy_json_reads_what_spacy_writes(doc, array):
    found, issues = read(SPACY_JSON, doc.to_json(), array=array)
    assert found[0].text == TEXT
    assert [token.text for token in found[0]] == [token.text for token in doc]
    assert ents(found[0]) == [("Rosa Quint", "PER"), ("Lund", "LOC")]
    assert {span.label_ for span, _ in spans_of(found[0])} == {"PER", "LOC", "FIRST"}
    assert [sent.text for sent in found[0].sents] == [sent.text for sent in doc.sents]
    assert record_of(found[0])["meta"]["cats"] == {"NEWS": 1.0}
    assert len(issues) == 0


def test_spacy_json_writes_what_spacy_reads(doc):
    found, _ = read(SPACY_JSON, doc.to_json())
    written = json.loads(write(SPACY_JSON, found)[0])
    again = Doc(doc.vocab).from_json(written)
    assert again.to_json() == doc.to_json() | {"spans": again.to_json()["spans"]}
    assert {key: len(group) for key, group in again.spans.items()} == {"sc": 3, "other": 1}


def test_spacy_json_reads_another_group():
    record = {
        "text": "Ann",
        "tokens": [{"id": 0, "start": 0, "end": 3}],
        "spans": {"x": [{"start": 0, "end": 3, "label": "PER"}]},
    }
    found, _ = read(SPACY_JSON, record, spans_key="x")
    assert ents(found[0]) == [("Ann", "PER")]
    with pytest.raises(UserError, match=r"E180|looks like"):
        read(SPACY_JSON, {"text": "Ann", "entities": [[0, 3, "PER"]]})


@settings(max_examples=40, deadline=None)
@given(st.lists(docs(annotator=False), min_size=1, max_size=2))
def test_spacy_json_keeps_all_of_docs_there_and_back(originals):
    back, issues = read(SPACY_JSON, write(SPACY_JSON, originals)[0])
    assert [told(doc) for doc in back] == [told(doc) for doc in originals]
    assert not len(issues)


def test_spacy_json_knows_its_files(doc):
    assert sniffed(doc.to_json()) == "spacy-json"


def test_spacy_json_keeps_what_is_missing(doc):
    doc.set_ents([Span(doc, 0, 2, label="PER")], missing=[doc[3:5]], default="outside")
    record = json.loads(write(SPACY_JSON, [doc])[0])
    assert [TEXT[start:end] for start, end in record["missing"]] == ["moved to"]
    (found,), issues = read(SPACY_JSON, record)
    assert [token.text for token in found if not token.ent_iob] == ["moved", "to"]
    assert not issues.kinds
    # What isn't known to its place may be anywhere.
    (found,), issues = read(SPACY_JSON, {"text": TEXT, "ents": [], "error": "a server failed"})
    assert not found.has_annotation("ENT_IOB")
    assert issues[IN_PART] == 1


def test_spacy_json_forgets_errors_of_an_earlier_state():
    """Somebody has annotated the rest since."""
    (found,), _ = read(SPACY_JSON, {"text": "Ann left", "ents": [], "error": "a server failed"})
    found.set_ents([Span(found, 0, 1, label="PER")], default="outside")
    (again,), issues = read(SPACY_JSON, write(SPACY_JSON, [found])[0].strip())
    assert [token.ent_iob_ for token in again] == ["B", "O"]
    assert not issues.kinds
