import pytest
from spacy.pipeline import merge_entities
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.alignment.align import EMPTY, HAS_LABEL, INSIDE, LISTED_TOO_OFTEN, WITHIN_TOKENS
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.masking import (
    find_mask,
    label_mask_v1,
    mask,
    mask_text,
    numbered_mask_v1,
    why_unplaced,
)
from spacy_ner_plus.pipeline.scored_ents import write_failure
from spacy_ner_plus.spans import ENTS_GROUP
from spacy_ner_plus.unplaced_mentions import set_unplaced_mentions


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


def test_masking_hides_what_crosses_an_entity(nlp):
    """As GLiNER finds a first name, and less surely the whole one."""
    doc = Doc(
        nlp.vocab, words=["Dear", "Anna", "Berg", "in", "Oslo"], ents=["O", "B-FIRST", "O", "O", "B-LOC"]
    )
    spans = [Span(doc, 1, 2, "FIRST"), Span(doc, 1, 3, "PERSON"), Span(doc, 4, 5, "LOC")]
    doc.spans["zero_shot_ner"] = SpanGroup(
        doc, spans=spans, attrs={ENTS_GROUP: True, "scores": [0.9, 0.8, 0.9]}
    )
    assert mask(doc) == "Dear [PERSON] in [LOC] "
    # Nothing is left of what entities cover together.
    doc.set_ents([Span(doc, 1, 2, "FIRST"), Span(doc, 2, 3, "LAST")])
    assert mask(doc) == "Dear [FIRST] [LAST] in Oslo "
    doc.set_ents([Span(doc, 1, 2, "FIRST"), Span(doc, 4, 5, "LOC")])
    # What a later component took away, and groups of others, are no entities.
    doc.set_ents([doc.ents[1]])
    assert mask(doc) == "Dear Anna Berg in [LOC] "
    doc.spans["zero_shot_ner"].attrs[ENTS_GROUP] = False
    doc.set_ents([spans[0]])
    assert mask(doc) == "Dear [FIRST] Berg in Oslo "


def test_masking_goes_by_characters_where_tokens_were_merged(nlp):
    doc = Doc(
        nlp.vocab, words=["Anna", "Berg", "is", "in", "Oslo"], ents=["B-PER", "I-PER", "O", "O", "B-LOC"]
    )
    doc.spans["transformer_ner"] = SpanGroup(doc, spans=list(doc.ents), attrs={ENTS_GROUP: True})
    assert mask(merge_entities(doc)) == "[PER] is in [LOC] "


@pytest.mark.parametrize(
    ("reason", "hidden"),
    [
        (WITHIN_TOKENS, False),
        (INSIDE, False),
        ("not in the text; most similar is 'Anna' (0.50)", False),
        (EMPTY, True),
        (LISTED_TOO_OFTEN, True),
        (HAS_LABEL, True),
    ],
)
def test_masking_of_docs_with_mentions_that_have_no_place(nlp, reason, hidden):
    doc = Doc(nlp.vocab, words=["annaberg77"], ents=["O"])
    attrs = {"unaligned": [["annaberg", "PERSON", reason]]}
    doc.spans["llm_mentions"] = SpanGroup(doc, attrs=attrs)
    assert mask(doc) == ("annaberg77 " if hidden else None)
    why = why_unplaced(doc)
    assert why == "" if hidden else "PERSON" in why
    # The reason hides it, too.
    assert "nna" not in why


def test_masking_of_docs_with_entities_of_lists_that_have_no_place(nlp):
    doc = Doc(nlp.vocab, words=["Anna", "left"], ents=["B-PER", "O"])
    assert mask(doc) == "[PER] left "
    set_unplaced_mentions(doc, [("Ann Lee", "PER")])
    assert mask(doc) is None
    assert why_unplaced(doc) == "mentions without a place in the text: 1, the first of PER (not in the text)"


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
