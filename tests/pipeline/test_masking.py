import pytest
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.masking import find_mask, label_mask_v1, mask, mask_text, numbered_mask_v1
from spacy_ner_plus.pipeline.scored_ents import write_failure


def entity(text, mention, label, start=0):
    start = text.index(mention, start)
    return {"start": start, "end": start + len(mention), "label": label, "text": mention}


TEXT = "😀 Ann Lee asked Bo, and ANN  LEE waited in Lee."
ENTITIES = [
    entity(TEXT, "Ann Lee", "PERSON"),
    entity(TEXT, "Bo", "PERSON"),
    entity(TEXT, "ANN  LEE", "PERSON"),
    entity(TEXT, "Lee", "PLACE", start=30),
]


def test_masking_by_label_and_number():
    assert mask_text(TEXT, ENTITIES, label_mask_v1()) == (
        "😀 [PERSON] asked [PERSON], and [PERSON] waited in [PLACE]."
    )
    assert mask_text(TEXT, ENTITIES, numbered_mask_v1("<{label} {number}>")) == (
        "😀 <PERSON 1> asked <PERSON 2>, and <PERSON 1> waited in <PLACE 1>."
    )
    assert mask_text(TEXT, [], label_mask_v1()) == TEXT


def test_masking_leaves_no_part_of_spans_that_overlap():
    text = "Bank of Oslo, Norway"
    spans = [
        entity(text, "Oslo, Norway", "LOC"),
        entity(text, "Bank of Oslo", "ORG"),
        entity(text, "Oslo", "LOC"),
    ]
    assert mask_text(text, spans, label_mask_v1()) == "[ORG]"


def test_masking_of_docs(nlp):
    doc = Doc(nlp.vocab, words=["in", "Oslo"], ents=["O", "B-LOC"])
    assert mask(doc) == "in [LOC] "
    assert mask(doc, "numbered") == "in [LOC_1] "
    assert mask(doc, lambda entities: ["_"]) == "in _ "
    # Nobody has looked for entities here.
    assert mask(nlp.make_doc("in Oslo")) is None
    # Nor at the first word, nor did anybody find an answer.
    doc.set_ents([doc.ents[0]], missing=[doc[0:1]])
    assert mask(doc) is None
    doc = Doc(nlp.vocab, words=["Oslo", " "], ents=["O", ""])
    assert mask(doc) == "Oslo   "
    write_failure(doc, "no server")
    assert mask(doc) is None


@pytest.mark.parametrize("given", ["[X]", ["[X]"] * 2, [None], []])
def test_masking_refuses_what_doesnt_stand_for_each(given):
    with pytest.raises(UserError, match=r"E781.*1 entities"):
        mask_text("in Oslo", [entity("in Oslo", "Oslo", "LOC")], lambda entities: given)


def test_masking_refuses_unknown_names_and_templates():
    with pytest.raises(UserError, match=r"E780.*'hidden'.*label, numbered"):
        find_mask("hidden")
    assert find_mask("spacy_ner_plus.label_mask.v1")([{"label": "X"}]) == ["[X]"]
    for template in ("{name}", "{", "{0}", "{label.x}"):
        with pytest.raises(UserError, match=r"E781.*\{label\}"):
            label_mask_v1(template)
