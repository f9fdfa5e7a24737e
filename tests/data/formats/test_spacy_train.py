"""Pairs of a text and its entities, as spaCy 2's documentation and people's files have them."""

import json

import pytest
import spacy
from spacy.training import Example

from spacy_ner_plus.data.formats.spacy_train import SPACY_TRAIN
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.record_files import NLP, ents, read, sniffed

TEXT = "Rosa Quint moved to Lund."
ENTITIES = {"entities": [[0, 10, "PER"], [20, 24, "LOC"]]}
FOUND = [("Rosa Quint", "PER"), ("Lund", "LOC")]
PYTHON = f'''
"""Training data."""
import random

# About people.
TRAIN_DATA = [
    ("{TEXT}", {{"entities": [(0, 10, "PER"), (20, 24, "LOC")]}}),
    (
        'She left' ' early \\u00e9',
        {{'entities': []}},
    ),
]
TEST_DATA: list = (("Lund", [(0, 4, "LOC")]),)
random.shuffle(TRAIN_DATA)
'''


def test_spacy_train_reads_the_tuples_of_a_python_file():
    notes = []
    docs, issues = read(SPACY_TRAIN, PYTHON, name="train.py", notes=notes)
    assert [ents(doc) for doc in docs] == [FOUND, [], [("Lund", "LOC")]]
    assert docs[1].text == "She left early é"
    assert notes == ["train.py: read TRAIN_DATA (2), TEST_DATA (1); `variable` takes one of them"]
    assert len(issues) == 0


def test_spacy_train_takes_the_list_that_is_named():
    docs, _ = read(SPACY_TRAIN, PYTHON, name="train.py", variable="TEST_DATA")
    assert [doc.text for doc in docs] == ["Lund"]
    with pytest.raises(UserError, match=r"no list named 'DEV'.*TRAIN_DATA, TEST_DATA"):
        read(SPACY_TRAIN, PYTHON, name="train.py", variable="DEV")


def test_spacy_train_runs_nothing_of_a_python_file(tmp_path):
    trace = tmp_path / "trace"
    call = f'open({str(trace)!r}, "w")'
    code = f'{call}\nTRAIN = [("Lund", {{"entities": [(0, 4, "LOC")]}}), ("a", {{"entities": {call}}})]\n'
    docs, issues = read(SPACY_TRAIN, code, name="train.py")
    assert [ents(doc) for doc in docs] == [[("Lund", "LOC")]]
    assert issues["record that is no literal"] == 1
    assert not trace.exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("TRAIN = [('a', {'entities': []}),\n", "train.py:1: this is not Python.*E195|E195.*train.py:1"),
        ("x = [1]\n", "E196.*no list of pairs.*none"),
        ("TRAIN = " + "(" * 5000 + ")" * 5000, "E195"),
    ],
)
def test_spacy_train_refuses_what_is_no_data(code, message):
    with pytest.raises(UserError, match=message):
        read(SPACY_TRAIN, code, name="train.py")


@pytest.mark.parametrize(
    "annotation",
    [
        ENTITIES,
        ENTITIES["entities"],
        {"entities": [{"start": 0, "end": 10, "label": "PER"}, {"start": "20", "end": "24", "label": "LOC"}]},
        {"entities": {"PER": [[0, 10]], "LOC": [[20, 24]]}},
        {"spans": {"sc": ENTITIES["entities"]}},
        {"spans": ENTITIES["entities"]},
        {
            "entities": ["B-PER", "L-PER", "O", "O", "U-LOC", "O"],
            "words": ["Rosa", "Quint", "moved", "to", "Lund", "."],
        },
    ],
)
@pytest.mark.parametrize("array", [False, True])
def test_spacy_train_reads_every_form_of_a_pair(annotation, array):
    docs, issues = read(SPACY_TRAIN, [TEXT, annotation], ["a", {"entities": []}], array=array)
    assert [ents(doc) for doc in docs] == [FOUND, []]
    assert doc_to_tags(docs[1]) == ["O"]
    assert len(issues) == 0


def test_spacy_train_reads_what_spacy_itself_reads():
    annotation = ENTITIES | {"cats": {"news": 1.0}}
    docs, issues = read(SPACY_TRAIN, [TEXT, annotation])
    reference = Example.from_dict(NLP.make_doc(TEXT), annotation).reference
    assert ents(docs[0]) == ents(reference)
    assert record_of(docs[0])["meta"] == {"cats": {"news": 1.0}}
    assert len(issues) == 0


def test_spacy_train_keeps_tags_that_are_missing():
    words = ["Rosa", "Quint", "left", "Lund"]
    docs, _ = read(
        SPACY_TRAIN, ["Rosa Quint left Lund", {"words": words, "entities": ["B-PER", "L-PER", "-", None]}]
    )
    assert doc_to_tags(docs[0]) == ["B-PER", "I-PER", "-", "-"]


def test_spacy_train_keeps_spans_beside_entities():
    annotation = {"entities": [[0, 10, "PER"]], "spans": {"sc": [[0, 4, "FIRST"]], "other": [[5, 10, "X"]]}}
    docs, _ = read(SPACY_TRAIN, [TEXT, annotation])
    assert ents(docs[0]) == FOUND[:1]
    assert [(span.text, span.label_) for span, _ in spans_of(docs[0])] == [
        ("Rosa Quint", "PER"),
        ("Rosa", "FIRST"),
    ]
    assert record_of(docs[0])["meta"] == {"spans": {"other": [[5, 10, "X"]]}}


@pytest.mark.parametrize("annotation", [{}, {"cats": {"news": 1}}])
def test_spacy_train_leaves_a_text_without_entities_missing(annotation):
    docs, issues = read(SPACY_TRAIN, [TEXT, annotation], [TEXT, ENTITIES])
    assert not docs[0].has_annotation("ENT_IOB")
    assert issues["record without annotation"] == 1


ANNOTATOR = {
    "classes": ["CITY", "JOB"],
    "annotations": [[TEXT + "\r", {"entities": [[20, 24, "CITY"]]}], ["Hi\r", {"entities": []}], None],
}


@pytest.mark.parametrize("indent", [None, 2])
def test_spacy_train_reads_files_of_ner_annotator(indent):
    docs, issues = read(SPACY_TRAIN, json.dumps(ANNOTATOR, indent=indent), name="a.json")
    assert [ents(doc) for doc in docs] == [[("Lund", "CITY")], []]
    assert [doc.text for doc in docs] == [TEXT + "\r", "Hi\r"]
    assert len(issues) == 0


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (PYTHON, "train.py"),
        (PYTHON, "train.txt"),
        ('[("Lund", {"entities": [(0, 4, "LOC")]})]', "a.txt"),
        (json.dumps([[TEXT, ENTITIES]]), "a.json"),
        (json.dumps([TEXT, ENTITIES]), "a.jsonl"),
        (json.dumps([TEXT, ENTITIES["entities"]]), "a.jsonl"),
        (json.dumps(ANNOTATOR), "a.json"),
        # Longer than what is looked at.
        (json.dumps(ANNOTATOR | {"annotations": ANNOTATOR["annotations"] * 2000}), "a.json"),
        (json.dumps([[TEXT, ENTITIES]] * 2000), "a.json"),
    ],
)
def test_spacy_train_knows_its_files(content, name):
    assert sniffed(content, name=name) == "spacy-train"


@pytest.mark.parametrize(
    "record",
    [
        [TEXT, [["Lund", "B-LOC"]]],
        {"text": TEXT, "entities": ENTITIES["entities"]},
        {"text": "TRAIN_DATA = [('a', {'entities': []})]", "spans": [{"start": 0, "end": 1, "label": "X"}]},
    ],
)
def test_spacy_train_leaves_what_is_of_others(record):
    assert sniffed(record) != "spacy-train"


def test_spacy_train_gives_what_spacy_trains_on():
    docs, _ = read(SPACY_TRAIN, PYTHON, name="train.py")
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc) for doc in docs])
    assert set(nlp.get_pipe("ner").labels) == {"PER", "LOC"}
