"""UniversalNER's conversations, after its published data."""

import json

import pytest
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.data.formats.universal_ner import UNIVERSAL_NER
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.record_files import NLP, ents, read, sniffed, write

TEXT = "Rosa Quint moved to Lund."


def conversation(answers, text=TEXT, **more):
    turns = [("human", f"Text: {text}"), ("gpt", "I've read this text.")]
    for label, answer in answers.items():
        answer = answer if isinstance(answer, str) else json.dumps(answer)
        turns += [("human", f"What describes {label} in the text?"), ("gpt", answer)]
    return {"conversations": [{"from": role, "value": value} for role, value in turns], **more}


ANSWERS = {"person": ["Rosa Quint"], "city": ["Lund"]}


@pytest.mark.parametrize("array", [False, True])
def test_universal_ner_reads_answers(array):
    docs, issues = read(UNIVERSAL_NER, conversation(ANSWERS, id="ner_0"), array=array)
    assert docs[0].text == TEXT
    assert ents(docs[0]) == [("Rosa Quint", "person"), ("Lund", "city")]
    assert record_of(docs[0])["id"] == "ner_0"
    assert annotated_labels(docs[0]) is None
    assert len(issues) == 0


def test_universal_ner_says_which_types_were_asked_for_where_they_differ():
    docs, _ = read(UNIVERSAL_NER, conversation(ANSWERS), conversation({"product": []}, text="Hi."))
    assert [annotated_labels(doc) for doc in docs] == [{"person", "city"}, {"product"}]
    assert set(doc_to_tags(docs[1])) == {"O"}


@pytest.mark.parametrize("answer", ["none", '["Lund"', "[7]", "{}"])
def test_universal_ner_makes_missing_what_an_answer_may_have_meant(answer):
    docs, issues = read(UNIVERSAL_NER, conversation({"person": ["Rosa Quint"], "city": answer}))
    assert doc_to_tags(docs[0]) == ["B-person", "I-person", "-", "-", "-", "-"]
    assert issues["label not understood"] == 1


def test_universal_ner_counts_an_ambiguous_place():
    docs, issues = read(UNIVERSAL_NER, conversation({"person": ["May"]}, text="May met May"))
    assert doc_to_tags(docs[0]) == ["B-person", "O", "-"]
    assert issues["ambiguous place"] == 1


def test_universal_ner_refuses_what_has_no_text():
    with pytest.raises(UserError, match=r"f.jsonl:1"):
        read(UNIVERSAL_NER, {"conversations": []})


def test_universal_ner_asks_for_all_types_of_a_corpus():
    ann = Doc(NLP.vocab, words=["Ann", "left"], ents=["B-PER", "O"])
    hi = Doc(NLP.vocab, words=["Hi"])
    hi.set_ents([], default="outside")
    oslo = Doc(NLP.vocab, words=["Oslo"])
    oslo.set_ents([Span(oslo, 0, 1, label="LOC")])
    written, issues = write(UNIVERSAL_NER, [ann, hi, oslo, Doc(NLP.vocab, words=["x"])])
    assert not len(issues)
    back, issues = read(UNIVERSAL_NER, written)
    assert [doc_to_tags(doc) for doc in back] == [["B-PER", "O"], ["O"], ["B-LOC"], ["-"]]
    assert [annotated_labels(doc) for doc in back] == [None] * 4
    assert json.loads(written)[1]["conversations"][2]["value"] == "What describes LOC in the text?"


def test_universal_ner_counts_annotation_that_no_question_shows():
    doc = Doc(NLP.vocab, words=["Hi"])
    doc.set_ents([], default="outside")
    _, issues = write(UNIVERSAL_NER, [doc])
    assert issues["annotation of a corpus without labels to ask for"] == 1


def test_universal_ner_knows_its_records():
    assert sniffed(conversation(ANSWERS)) == "universal-ner"
