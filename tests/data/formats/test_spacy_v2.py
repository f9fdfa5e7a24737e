"""spaCy 2's JSON, as spaCy itself writes it, and as older files have it."""

import json

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import docs_to_json

from spacy_ner_plus.data.formats.spacy_v2 import SPACY_V2
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.record_files import NLP, ents, read, sniffed

TEXT = "Rosa Quint  moved to Lund. She's there.\n"
WORDS = ["Rosa", "Quint", "moved", "to", "Lund", "."]
TAGS = ["B-PER", "L-PER", "O", "-", "U-LOC", "O"]


def document(tags=TAGS, raw="Rosa Quint moved to Lund.", words=WORDS, **more):
    tokens = [
        {"id": i, "orth": word, "ner": tag, "tag": "-"}
        for i, (word, tag) in enumerate(zip(words, tags, strict=True))
    ]
    paragraph = {"sentences": [{"tokens": tokens, "brackets": []}], **more}
    return {"id": 7, "paragraphs": [paragraph | ({"raw": raw} if raw else {})]}


def test_spacy_v2_reads_what_spacy_writes():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    doc = nlp(TEXT)
    doc.set_ents([Span(doc, 0, 2, label="PER"), Span(doc, 5, 6, label="LOC")])
    docs, issues = read(SPACY_V2, json.dumps([docs_to_json([doc])]), name="a.json")
    assert docs[0].text == TEXT
    assert [token.text for token in docs[0]] == [token.text for token in doc]
    assert ents(docs[0]) == [("Rosa Quint", "PER"), ("Lund", "LOC")]
    assert [sent.text for sent in docs[0].sents] == [sent.text for sent in doc.sents]
    assert len(issues) == 0


@pytest.mark.parametrize("raw", ["Rosa Quint moved to Lund.", None])
def test_spacy_v2_reads_tags_with_and_without_a_text(raw):
    docs, issues = read(SPACY_V2, json.dumps([document(raw=raw)]), name="a.json")
    assert docs[0].text == "Rosa Quint moved to Lund."
    assert doc_to_tags(docs[0]) == ["B-PER", "I-PER", "O", "-", "B-LOC", "O"]
    assert record_of(docs[0])["id"] == "7"
    assert len(issues) == 0


def test_spacy_v2_leaves_a_paragraph_without_tags_missing():
    docs, issues = read(SPACY_V2, json.dumps([document(), document(tags=["-"] * 6)]))
    assert not docs[1].has_annotation("ENT_IOB")
    assert issues["record without annotation"] == 1


def test_spacy_v2_counts_tags_that_are_none_and_keys_that_are_not_kept():
    other = document(tags=["PER", "O", "O", "O", "U-LOC", "O"])
    other["paragraphs"][0]["sentences"][0]["tokens"][0]["tag"] = "NNP"
    docs, issues = read(SPACY_V2, json.dumps([other]))
    assert doc_to_tags(docs[0]) == ["-", "-", "-", "-", "B-LOC", "-"]
    assert issues["invalid tag"] == 1
    assert issues["key of tokens that isn't kept: tag"] == 1


def test_spacy_v2_refuses_a_text_of_other_tokens():
    with pytest.raises(UserError, match="E171"):
        read(SPACY_V2, json.dumps([document(raw="Something else.")]))


def test_spacy_v2_knows_its_files():
    assert sniffed(json.dumps([document()]), name="a.json") == "spacy-v2"
    # A document that is longer than what is looked at.
    assert (
        sniffed(json.dumps([document(words=WORDS * 900, tags=TAGS * 900, raw=None)], indent=1)) == "spacy-v2"
    )


def test_spacy_v2_keeps_cats_as_meta():
    docs, _ = read(SPACY_V2, json.dumps([document(cats=[{"label": "NEWS", "value": 1.0}])]))
    assert record_of(docs[0])["meta"] == {"cats": [{"label": "NEWS", "value": 1.0}]}
    assert isinstance(docs[0], Doc)
    assert docs[0].vocab is NLP.vocab
