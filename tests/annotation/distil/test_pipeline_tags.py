import numpy as np
import pytest
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.annotation.distil.pipeline_tags import pipeline_tags
from spacy_ner_plus.soft_tags import SoftTags, write_soft_tags

KEY = "transformer_ner"


@pytest.fixture
def doc(nlp):
    made = Doc(nlp.vocab, words=["Anna", "left", "Acme", "Corp"], ents=["B-PER", "O", "O", "O"])
    made.spans[KEY] = SpanGroup(made, name=KEY, spans=list(made.ents))
    probs = np.array([[0.2, 0.8, 0], [0.9, 0.1, 0], [0.7, 0.3, 0], [0.7, 0, 0.3]])
    write_soft_tags(made, SoftTags(("PER",), probs, np.ones(4)))
    return made


def test_pipeline_tags_are_those_of_the_component_where_nobody_changed_entities(doc):
    found = pipeline_tags(doc, KEY, {})
    assert found.labels == ("PER",)
    assert found.probs[0] == pytest.approx([0.2, 0.8, 0], abs=1e-4)


def test_pipeline_tags_follow_what_later_components_set_and_took_away(doc):
    org = doc.vocab.strings.add("ORG")
    doc.set_ents([Span(doc, 2, 4, label="ORG")])
    found = pipeline_tags(doc, KEY, {(2, 4, org): 0.9})
    assert found.labels == ("PER", "ORG")
    assert found.probs[0] == pytest.approx([1, 0, 0, 0, 0])
    assert found.probs[1] == pytest.approx([0.9, 0.1, 0, 0, 0], abs=1e-4)
    assert found.probs[2:] == pytest.approx(np.array([[0.1, 0, 0.9, 0, 0], [0.1, 0, 0, 0, 0.9]]))


def test_pipeline_tags_say_nothing_of_what_is_missing(doc):
    doc.set_ents(list(doc.ents), missing=[doc[2:3]], default="outside")
    assert pipeline_tags(doc, KEY, {}).weights.tolist() == [1, 1, 0, 1]


def test_pipeline_tags_of_a_doc_without_soft_tags(nlp):
    assert pipeline_tags(nlp("Anna left"), KEY, {}) is None
