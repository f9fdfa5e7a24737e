import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span, SpanGroup

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.decoding.predictions import find_entities
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.pipeline.entity_component import EntityComponent, EntitySettings
from spacy_ner_plus.pipeline.uncertainty import borderline_share, uncertainty

WORDS = ["Anna", "left", "Oslo"]


@pytest.fixture
def doc(nlp):
    return Doc(nlp.vocab, words=WORDS)


def component(nlp, name="ours", **settings):
    return EntityComponent(nlp.vocab, name, EntitySettings(**settings))


def test_uncertainty_is_the_share_of_spans_near_the_threshold(nlp, doc):
    pipe = component(nlp, threshold=0.5)
    pipe.set_ents(doc, [Span(doc, 0, 1, "PER"), Span(doc, 2, 3, "LOC")], [0.7, 0.9])
    assert uncertainty(doc, "ours") == 0.5
    pipe.set_ents(doc, [Span(doc, 0, 1, "PER")], [0.9], candidate_scores=[0.9, 0.45, 0.31, 0.1])
    assert uncertainty(doc, "ours") == 0.5


def test_uncertainty_is_whole_where_there_is_no_answer(nlp, doc):
    component(nlp).set_ents(doc, [], [], unknown=[doc[:]], failure="no reply")
    assert uncertainty(doc) == 1.0


def test_uncertainty_without_a_key_is_that_of_the_most_unsure_and_survives_files(nlp, doc):
    component(nlp, "one").set_ents(doc, [], [])
    component(nlp, "other").set_ents(doc, [], [], uncertainty=0.25)
    (again,) = DocBin(docs=[doc]).get_docs(spacy.blank("en").vocab)
    assert (uncertainty(again), uncertainty(again, "one")) == (0.25, 0.0)


@pytest.mark.parametrize("key", [None, "ours"])
def test_uncertainty_of_what_nobody_annotated_is_refused(doc, key):
    doc.spans["sc"] = SpanGroup(doc, spans=[], attrs={"scores": []})
    with pytest.raises(UserError, match="E650"):
        uncertainty(doc, key)


@pytest.mark.parametrize(
    ("scores", "threshold", "share"),
    [([], 0.5, 0.0), ([0.3, 0.7], 0.5, 1.0), ([0.29, 0.71], 0.5, 0.0), ([0.1, 1.0], 0.0, 0.5)],
)
def test_uncertainty_borders_belong_to_it(scores, threshold, share):
    assert borderline_share(scores, threshold) == share


def test_uncertainty_of_tags_is_that_of_the_least_probable_one_and_o_counts():
    # O, B-A, I-A; probabilities of the first are as good as 1, of O in the second about 0.731.
    sure, unsure = [9.0, -20.0, -20.0], [1.0, 0.0, -20.0]
    found = find_entities(Ragged.join([[sure, unsure], [sure], [[-20.0, 1.0, -20.0]]]))
    assert found.uncertainties() == pytest.approx([0.2689, 0.0, 0.0], abs=1e-3)
    # An entity that isn't set makes its token O, which is improbable.
    assert found.uncertainties(threshold=1.0)[2] == pytest.approx(1.0, abs=1e-3)
