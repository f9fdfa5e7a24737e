import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.predict import describe_entities, predict, predict_records


@Language.component("predict_fails_on_bad")
def fails_on_bad(doc):
    if "bad" in doc.text:
        raise ValueError("bad text")
    return doc


@pytest.fixture
def ruler(nlp):
    patterns = [{"label": "PER", "pattern": "Anna Smith"}, {"label": "LOC", "pattern": "Oslo"}]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    return nlp


def test_predict_gives_scores_of_a_span_group_where_the_pipeline_has_them(nlp):
    doc = Doc(nlp.vocab, words=["Anna", "in", "Oslo"], ents=["B-PER", "O", "B-LOC"])
    spans = [Span(doc, 0, 1, "PER"), Span(doc, 2, 3, "ORG")]
    doc.spans["other"] = SpanGroup(doc, name="other", spans=spans)
    doc.spans["ner"] = SpanGroup(doc, name="ner", spans=spans, attrs={"scores": [0.75, 0.5]})
    assert [entity.get("score") for entity in describe_entities(doc)] == [0.75, None]


def test_predict_streams_and_forgets_strings(ruler, monkeypatch):
    monkeypatch.setattr("spacy_ner_plus.workflows.predict.ZONE", 50)
    asked = []

    def records():
        for number in range(500):
            asked.append(number)
            yield {"text": f"Oslo uniqueword{number}"}

    results = predict_records(ruler, records(), batch_size=10)
    first = next(results)
    assert first["ents"][0]["text"] == "Oslo"
    assert len(asked) <= 11
    assert sum(1 for _ in results) == 499
    assert "uniqueword3" not in ruler.vocab.strings


def test_predict_refuses_a_pipeline_that_is_none(tmp_path):
    with pytest.raises(UserError, match="E501"):
        predict(tmp_path, ["x"])
