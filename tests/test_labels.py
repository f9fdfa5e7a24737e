"""Label sets: every form that they are given in, and what can't be a label."""

import json

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.labels import LabelSet, load_labels, shipped_label_sets
from tests.conftest import ROOT

SETS = ("conll", "pii", "synthetic")


def test_labels_from_a_list():
    assert load_labels(["PER", "LOC"]) == LabelSet(("PER", "LOC"))


def test_labels_from_a_mapping_of_definitions():
    labels = load_labels({"PER": "People.", "LOC": None})
    assert labels == LabelSet(("PER", "LOC"), {"PER": "People."})


def test_labels_from_a_mapping_with_examples():
    labels = load_labels({"PER": {"definition": "People.", "examples": ["Ann"]}, "LOC": {}})
    assert labels.definitions == {"PER": "People."}
    assert labels.examples == {"PER": ["Ann"]}
    assert labels.rows[1] == {"name": "LOC", "definition": "", "examples": []}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.json", '{"PER": "People.", "LOC": {"definition": "Places.", "examples": ["Rome"]}}'),
        ("labels.yaml", "PER: People.\nLOC:\n  definition: Places.\n  examples: [Rome]\n"),
        ("labels.yml", "PER: People.\nLOC: {definition: Places., examples: [Rome]}\n"),
    ],
)
def test_labels_from_a_file(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf8")
    expected = LabelSet(("PER", "LOC"), {"PER": "People.", "LOC": "Places."}, {"LOC": ["Rome"]})
    assert load_labels(path) == load_labels(str(path)) == expected


@pytest.mark.parametrize("name", ["labels.json", "labels.yaml"])
def test_labels_from_a_file_of_windows(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b'\xef\xbb\xbf{\r\n  "PER": "Vor- und Zun\xc3\xa4me."\r\n}\r\n')
    assert load_labels(path) == LabelSet(("PER",), {"PER": "Vor- und Zunäme."})


def test_labels_from_a_file_with_a_list(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text('["PER", "LOC"]', encoding="utf8")
    assert load_labels(path).names == ("PER", "LOC")


def test_labels_shipped_sets_are_these():
    assert tuple(shipped_label_sets()) == SETS


@pytest.mark.parametrize("name", SETS)
def test_labels_shipped_sets_define_every_label(name):
    labels = load_labels(name)
    assert set(labels.definitions) == set(labels.examples) == set(labels.names)


def test_labels_synthetic_set_is_that_of_the_corpus():
    records = json.loads((ROOT / "assets" / "synthetic" / "train.json").read_text(encoding="utf8"))
    found = {tag[2:] for record in records for _, tag in record["labels"]}
    assert set(load_labels("synthetic").names) == found


def test_labels_pii_say_what_presidio_calls_them():
    path = ROOT / "spacy_ner_plus" / "resources" / "labels" / "pii.json"
    names = {label: row["presidio"] for label, row in json.loads(path.read_text(encoding="utf8")).items()}
    assert set(names) == set(load_labels("pii").names)
    assert len(names) >= 18
    assert names["PERSON"] == "PERSON"
    assert names["STREET_ADDRESS"] == "LOCATION"


def test_labels_go_through_json():
    labels = load_labels("pii")
    assert LabelSet.from_dict(json.loads(json.dumps(labels.to_dict()))) == labels
    assert load_labels(labels) is labels


def test_labels_stand_in_tags_of_a_doc(tmp_path):
    labels = load_labels("pii")
    doc = spacy.blank("en")(" ".join("x" for _ in labels.names))
    doc.set_ents([spacy.tokens.Span(doc, i, i + 1, name) for i, name in enumerate(labels.names)])
    (again,) = DocBin(docs=[doc]).get_docs(doc.vocab)
    assert tuple(ent.label_ for ent in again.ents) == labels.names


@pytest.mark.parametrize("spec", [[], {}])
def test_labels_none_are_refused(spec):
    with pytest.raises(UserError, match="E280"):
        load_labels(spec)


def test_labels_twice_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"E281.*'PER'"):
        load_labels(["PER", "LOC", "PER"])
    path = tmp_path / "labels.json"
    path.write_text('{"PER": "People.", "PER": "Persons."}', encoding="utf8")
    with pytest.raises(UserError, match=r"E281.*'PER'"):
        load_labels(path)


@pytest.mark.parametrize(
    "label", ["", " ", "work ", " art", "/A", "A\tB", "A\n", "A\u00a0B", "<A>", "A\x00", 7, None]
)
def test_labels_that_cant_be_in_tags_are_refused(label):
    with pytest.raises(UserError, match="E282"):
        load_labels(["PER", label])


def test_labels_may_have_blanks_and_signs():
    names = ("work of art", "C++", "a/b", "date: day", "Ärzt*in", "人名")
    assert load_labels(list(names)).names == names


def test_labels_unknown_set_names_the_sets():
    with pytest.raises(UserError, match=r"E283.*'conl'.*conll, pii, synthetic"):
        load_labels("conl")


@pytest.mark.parametrize(
    ("name", "text"), [("labels.json", "{"), ("labels.yaml", "PER: [\n"), ("labels.yaml", "a: 1\na: 2\n")]
)
def test_labels_broken_file_is_refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf8")
    with pytest.raises(UserError, match=r"E284.*labels"):
        load_labels(path)


def test_labels_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"E284.*No such file"):
        load_labels(tmp_path / "labels.json")


@pytest.mark.parametrize(
    "spec",
    [
        {"PER": 7},
        {"PER": ["Ann"]},
        {"PER": {"defintion": "People."}},
        {"PER": {"definition": 7}},
        {"PER": {"examples": "Ann"}},
        {"PER": {"examples": [7]}},
        7,
    ],
)
def test_labels_in_no_known_form_are_refused(spec):
    with pytest.raises(UserError, match="E285"):
        load_labels(spec)
