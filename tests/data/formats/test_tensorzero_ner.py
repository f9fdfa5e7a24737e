"""The rows of TensorZero's example of extraction, after its notebooks and configuration."""

import json

import pytest
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.data.formats.tensorzero_ner import TENSORZERO_NER
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.record_files import NLP, ents, read, sniffed, write

# The row of its README.
TEXT = (
    "The former Wimbledon champion said the immediate future of Australia 's Davis Cup coach Tony Roche could also be "
    "determined by events in Split ."
)
OUTPUT = {
    "person": ["Tony Roche"],
    "organization": [],
    "location": ["Australia", "Split"],
    "miscellaneous": ["Wimbledon", "Davis Cup"],
}
FOUND = [
    ("Wimbledon", "miscellaneous"),
    ("Australia", "location"),
    ("Davis Cup", "miscellaneous"),
    ("Tony Roche", "person"),
    ("Split", "location"),
]


def datapoint(text=TEXT, output=OUTPUT, content=None):
    messages = [{"role": "user", "content": text if content is None else content}]
    return {"function_name": "extract_entities", "input": {"messages": messages}, "output": output}


def table(*rows):
    cells = [f'{split},"{text}","{json.dumps(output)}"' for split, text, output in rows]
    quoted = [
        cell.replace(json.dumps(output), json.dumps(output).replace('"', '""'))
        for cell, (*_, output) in zip(cells, rows, strict=True)
    ]
    return "\n".join(["split,input,output", *quoted])


@pytest.mark.parametrize(
    "row",
    [
        datapoint(),
        datapoint(content=[{"type": "text", "text": TEXT}]),
        datapoint(output={"raw": json.dumps(OUTPUT), "parsed": OUTPUT}),
        {"input": TEXT, "output": json.dumps(OUTPUT)},
    ],
)
def test_tensorzero_ner_reads_datapoints(row):
    docs, issues = read(TENSORZERO_NER, row)
    assert docs[0].text == TEXT
    assert ents(docs[0]) == FOUND
    assert annotated_labels(docs[0]) is None
    assert len(issues) == 0


def test_tensorzero_ner_reads_the_table_of_the_example():
    rows = table((0, TEXT, OUTPUT), (1, "Hi , all .", {**OUTPUT, "person": []}))
    docs, issues = read(TENSORZERO_NER, rows, name="conllpp.csv")
    assert ents(docs[0]) == FOUND
    # What the second row lists isn't in it.
    assert set(doc_to_tags(docs[1])) == {"-"}
    assert issues["mention not found"] == 4


def test_tensorzero_ner_takes_each_of_a_mention_that_is_listed_again():
    docs, issues = read(TENSORZERO_NER, datapoint("Bo met Bo , not Bo .", {"person": ["Bo", "Bo"]}))
    assert doc_to_tags(docs[0]) == ["B-person", "O", "B-person", "O", "O", "-", "O"]
    assert issues["ambiguous place"] == 1


def test_tensorzero_ner_says_which_labels_were_asked_for_where_they_differ():
    docs, _ = read(TENSORZERO_NER, datapoint(), datapoint("Hi .", {"product": []}))
    assert [annotated_labels(doc) for doc in docs] == [set(OUTPUT), {"product"}]


@pytest.mark.parametrize("output", ["none", {"person": "Tony"}, 7, {"person": [7]}])
def test_tensorzero_ner_makes_missing_what_an_output_may_have_meant(output):
    docs, issues = read(TENSORZERO_NER, datapoint(), datapoint("Tony left .", output))
    assert set(doc_to_tags(docs[1])) == {"-"}
    assert issues["label not understood"] == 1


def test_tensorzero_ner_refuses_what_has_no_text():
    with pytest.raises(UserError, match=r"f.jsonl:1"):
        read(TENSORZERO_NER, {"input": {"messages": []}, "output": OUTPUT})
    with pytest.raises(UserError, match="E193"):
        read(TENSORZERO_NER, "text,output\na,{}", name="x.csv")


@pytest.mark.parametrize("rows", ["datapoints", "csv"])
def test_tensorzero_ner_writes_what_it_reads(rows):
    docs, _ = read(TENSORZERO_NER, datapoint(), datapoint("Hi .", {label: [] for label in OUTPUT}))
    docs.append(Doc(NLP.vocab, words=["x"]))
    written, issues = write(TENSORZERO_NER, docs, rows=rows)
    assert issues["text without annotation: not written"] == 1
    back, issues = read(TENSORZERO_NER, written.strip(), name=f"back.{'csv' if rows == 'csv' else 'jsonl'}")
    assert not len(issues)
    assert [doc_to_tags(doc) for doc in back] == [doc_to_tags(doc) for doc in docs[:2]]
    if rows == "datapoints":
        first = json.loads(written.splitlines()[0])
        assert first["input"] == {"messages": [{"role": "user", "content": TEXT}]}
        # Lists are empty for labels that no text has, where nothing says that they were looked for.
        assert first["output"] == {label: items for label, items in OUTPUT.items() if items}


def test_tensorzero_ner_knows_its_rows():
    assert sniffed(datapoint()) == "tensorzero-ner"
    assert sniffed(table((0, TEXT, OUTPUT)), name="conllpp.csv") == "tensorzero-ner"
