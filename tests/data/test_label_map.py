"""Labels renamed and dropped."""

import json

import numpy as np
import pytest
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.data.label_map import LabelMap
from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.soft_tags import SoftTags, read_soft_tags, write_soft_tags
from spacy_ner_plus.spans import doc_to_tags, span_scores


@pytest.fixture
def doc(nlp):
    tags = ["B-PER", "B-PER", "I-PER", "", "B-LOC", "O", "B-MISC", "I-MISC"]
    return Doc(nlp.vocab, words=list("abcdefgh"), ents=tags, sent_starts=[True, *[False] * 7])


def test_label_map_renames_drops_and_keeps_the_rest(doc):
    LabelMap({"PER": "PERSON", "MISC": None}).apply(doc)
    assert doc_to_tags(doc) == ["B-PERSON", "B-PERSON", "I-PERSON", "-", "B-LOC", "O", "O", "O"]


def test_label_map_can_swap_labels(doc):
    LabelMap({"PER": "LOC", "LOC": "PER"}).apply(doc)
    assert [ent.label_ for ent in doc.ents] == ["LOC", "LOC", "PER", "MISC"]


def test_label_map_changes_nested_spans_with_the_entities(nlp):
    doc = Doc(nlp.vocab, words=["Uni", "Lund", "ist"], ents=["B-ORG", "I-ORG", "B-MISC"])
    spans = [
        *doc.ents[1:],
        Span(doc, 0, 2, "ORG", span_id="a"),
        Span(doc, 1, 2, "LOC", span_id="b"),
        Span(doc, 0, 1, "X"),
    ]
    mark_record(
        Record(doc, "f:1"),
        [ScoredSpan(span, score) for span, score in zip(spans, (1, 0.5, 0.25, 1), strict=True)],
    )
    label_map = LabelMap({"ORG": "COMPANY", "LOC": "PLACE", "X": None, "MISC": None})
    label_map.apply(doc)
    group = doc.spans["sc"]
    assert [(span.text, span.label_, span.id_) for span in group] == [
        ("Uni Lund", "COMPANY", "a"),
        ("Lund", "PLACE", "b"),
    ]
    assert group.attrs["scores"] == [0.5, 0.25]
    assert label_map.used == {"ORG": 1, "LOC": 1, "X": 1, "MISC": 1}


def test_label_map_renames_soft_tags_with_the_entities(doc):
    probs = np.tile([0.1, 0.2, 0.3, 0.3, 0.1], (len(doc), 1))
    write_soft_tags(doc, SoftTags(("LOC", "PER"), probs, np.ones(len(doc))))
    LabelMap({"PER": "PERSON", "LOC": None}).apply(doc)
    found = read_soft_tags(doc)
    assert found.labels == ("PERSON",)
    assert found.probs[0] == pytest.approx([0.6, 0.3, 0.1], abs=1e-4)


def test_label_map_that_names_nothing_leaves_the_doc(doc, nlp):
    before = doc.to_bytes()
    LabelMap({"X": "Y"}).apply(doc)
    assert doc.to_bytes() == before
    LabelMap({"PER": "X"}).apply(Doc(nlp.vocab))


def test_label_map_says_what_it_dropped_and_what_never_came(doc):
    label_map = LabelMap({"PER": "PERSON", "MISC": None, "PRE": "PERSON"})
    label_map.apply(doc)
    assert label_map.notes() == ["label map: 1 MISC dropped", "label map: PRE was not among the labels read"]


@pytest.mark.parametrize(
    ("name", "content"), [("m.json", '{"A": "B", "C": null}'), ("m.yml", "A: B\nC: null\n")]
)
def test_label_map_is_read_from_json_and_yaml(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    assert LabelMap.read(tmp_path / name).labels == {"A": "B", "C": None}


@pytest.mark.parametrize("content", ["[1]", "{}", '{"A": 1}', '{"A": ""}', '{"A": "B "}', '{"": null}', "{"])
def test_label_map_refuses_what_is_no_mapping(content, tmp_path):
    for name in ("m.json", "m.yaml"):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserError, match="label map"):
            LabelMap.read(tmp_path / name)


def test_label_map_refuses_a_label_that_maps_to_two(tmp_path):
    for name, content in (("m.json", '{"PER": "A", "LOC": "B", "PER": "C"}'), ("m.yaml", "PER: A\nPER: C\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserError, match="E117"):
            LabelMap.read(tmp_path / name)


def test_label_map_refuses_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"E117.*No such file"):
        LabelMap.read(tmp_path / "none.json")


def test_label_map_file_of_the_docs_example_is_valid(tmp_path):
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"PER": "PERSON", "MISC": None}))
    assert LabelMap.read(path).labels["MISC"] is None


def test_label_map_renames_what_was_annotated(doc):
    set_annotated_labels(doc, ["PER", "LOC", "MISC", "ORG"])
    LabelMap({"PER": "PERSON", "MISC": None, "LOC": "PLACE", "ORG": "PLACE"}).apply(doc)
    assert annotated_labels(doc) == {"PERSON", "PLACE"}


@pytest.mark.parametrize(
    ("labels", "reason"),
    [({"LOC": "PLACE", "FAC": "PLACE"}, "of FAC"), ({"PER": None, "LOC": None, "MISC": None}, "drops")],
)
def test_label_map_that_makes_annotated_labels_untrue_is_refused(doc, labels, reason):
    set_annotated_labels(doc, ["PER", "LOC", "MISC"])
    with pytest.raises(UserError, match=rf"E134.*LOC, MISC, PER.*{reason}"):
        LabelMap(labels).apply(doc)


def test_label_map_renames_the_spans_that_have_scores(doc):
    """Else a prediction would lose its score: it is found by its label."""
    ents = list(doc.ents)
    scores = [0.5] * len(ents)
    doc.spans["ner"] = SpanGroup(doc, name="ner", spans=ents, attrs={"scores": scores})
    labels = LabelMap({"PER": "PERSON", "MISC": None})
    labels.apply(doc)
    assert span_scores(doc) == {(ent.start, ent.end, ent.label): 0.5 for ent in doc.ents}
    assert labels.used["PER"] == sum(ent.label_ == "PERSON" for ent in doc.ents)
