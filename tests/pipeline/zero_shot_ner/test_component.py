import pytest
import spacy

from spacy_ner_plus.errors import UserError
from tests.conftest import TEXTS

pytest.importorskip("gliner")
pytest.importorskip("gliner2")
KINDS = ["uni-bert", "uni-deberta", "bi-deberta", "token-bert", "gliner2", "gliner2-boundary"]
LABELS = ["person", "city", "company"]


def make(model, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "zero_shot_ner",
        config={"model": model, "labels": LABELS, "device": "cpu", "precision": "fp32", **config},
    )
    return nlp


def spans(doc):
    group = doc.spans["zero_shot_ner"]
    return [
        (span.start, span.end, span.label_, score)
        for span, score in zip(group, group.attrs["scores"], strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_component_finds_flat_entities_and_keeps_all_spans_with_their_scores(kind, zero_shot_folders):
    docs = list(make(zero_shot_folders[kind], threshold=0.3, overlap=8).pipe(TEXTS))
    assert any(doc.ents for doc in docs)
    for doc in docs:
        found = spans(doc)
        assert {(ent.start, ent.end, ent.label_, ent._.score) for ent in doc.ents} <= set(found)
        assert all(score >= 0.3 for *_, score in found)
        assert found == sorted(found)
    assert any(len(doc.ents) < len(doc.spans["zero_shot_ner"]) for doc in docs)


def test_component_needs_labels_and_a_model(zero_shot_folders):
    with pytest.raises(UserError, match="E624"):
        make(zero_shot_folders["uni-bert"], labels=[])
    with pytest.raises(UserError, match="E624"):
        make(zero_shot_folders["uni-bert"], labels=None)("Anna")
    with pytest.raises(UserError, match="E620"):
        make("")("Anna")
