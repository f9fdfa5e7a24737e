import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, SpanGroup

from spacy_ner_plus.annotation.review.label_errors.readers import (
    PipelineReader,
    PredictionReader,
    TagReader,
    make_reader,
)
from spacy_ner_plus.annotation.review.label_errors.readings import Reading
from spacy_ner_plus.annotation.weak_labels.annotator import Annotator
from spacy_ner_plus.corpus import bare_copy
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import TokenSpan, span_scores
from tests.conftest import make_docs

LABELS = frozenset({"LOC", "ORG", "PER"})


@pytest.fixture
def tagger(trained_folder):
    return spacy.load(trained_folder)


def test_readers_of_tags_find_what_the_pipeline_finds_and_are_as_sure(tagger):
    reader = make_reader(Annotator("tagger", tagger))
    assert isinstance(reader, TagReader)
    docs = make_docs(spacy.blank("en").vocab)
    found = reader.read(docs, [LABELS] * len(docs), IssueLog())
    assert found.silent == [()] * len(docs)
    for number, doc in enumerate(docs):
        predicted = tagger(bare_copy(doc, tagger.vocab))
        spans = [TokenSpan(ent.start, ent.end, ent.label_) for ent in predicted.ents]
        assert found.entities[number] == spans
        readings = [Reading(number, span.start, span.end, (span,)) for span in spans]
        expected = list(span_scores(predicted).values())
        assert found.probabilities(readings) == pytest.approx(expected, abs=1e-5)


def test_readers_of_tags_give_other_labels_to_o(tagger):
    docs = make_docs(spacy.blank("en").vocab)[:1]
    reader = TagReader("tagger", tagger, "transformer_ner")
    everything = reader.read(docs, [LABELS], IssueLog())
    persons = reader.read(docs, [{"PER"}], IssueLog())
    assert persons.entities == [[span for span in everything.entities[0] if span.label == "PER"]]
    assert len(persons.entities[0]) < len(everything.entities[0])
    whole = Reading(0, 0, len(docs[0]), tuple(persons.entities[0]))
    assert persons.probabilities([whole]) > everything.probabilities([whole])


def test_readers_of_tags_run_what_stands_before_them(tagger):
    seen = []

    @spacy.Language.component("tests_seen")
    def see(doc):
        seen.append(doc.text)
        return doc

    tagger.add_pipe("tests_seen", first=True)
    docs = make_docs(spacy.blank("en").vocab)
    make_reader(Annotator("tagger", tagger)).read(docs, [LABELS] * len(docs), IssueLog())
    assert seen == [doc.text for doc in docs]
    assert tagger.pipe_names == ["tests_seen", "transformer_ner"]


def test_readers_of_pipelines_with_more_than_a_tagger_go_by_entities(tagger):
    ruler = tagger.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "weather"}])
    reader = make_reader(Annotator("both", tagger))
    assert isinstance(reader, PipelineReader)
    docs = make_docs(spacy.blank("en").vocab)[-1:]
    found = reader.read(docs, [LABELS], IssueLog())
    assert TokenSpan(1, 2, "ORG") in found.entities[0]
    assert found.probabilities([Reading(0, 1, 2, (TokenSpan(1, 2, "ORG"),))]) == pytest.approx([1.0])


def test_readers_of_predictions_find_them_by_text(nlp):
    first, second, *_ = make_docs(nlp.vocab)
    predicted = Doc(nlp.vocab, words=[token.text for token in first])
    span = predicted.char_span(0, 9, label="ORG")
    predicted.set_ents([span], default="outside")
    predicted.spans["ner"] = SpanGroup(predicted, name="ner", spans=[span], attrs={"scores": [0.75]})
    reader, issues = PredictionReader("kept.spacy", [predicted]), IssueLog()
    found = reader.read([second, first], [LABELS] * 2, issues)
    assert found.entities == [None, [TokenSpan(0, 2, "ORG")]]
    given = [Reading(1, 0, 2, (TokenSpan(0, 2, "ORG"),)), Reading(1, 4, 5, (TokenSpan(4, 5, "LOC"),))]
    assert found.probabilities(given) == pytest.approx([0.75, 0.0])
    assert issues["document on which kept.spacy failed: nothing is suggested by it"] == 1
    assert reader.labels() == {"ORG"}


def test_readers_weigh_readings_of_white_space(tagger):
    words = ["Anna", "Berg", "\n\n", "lives", "in", "Oslo"]
    doc = Doc(spacy.blank("en").vocab, words=words)
    found = TagReader("tagger", tagger, "transformer_ner").read([doc], [{"PER"}], IssueLog())
    probability = found.probabilities([Reading(0, 0, 3, (TokenSpan(0, 2, "PER"),))])
    assert np.isfinite(probability).all()
    assert 0 < probability[0] <= 1


def test_readers_of_predictions_find_texts_whatever_their_white_space():
    nlp = spacy.blank("en")
    predicted, doc = nlp("\nAnn  Lee met\tBob .\n"), nlp("Ann Lee met Bob.")
    predicted.set_ents(
        [predicted.char_span(1, 9, "PER"), predicted.char_span(14, 17, "PER")],
        missing=[predicted[4:5]],
        default="outside",
    )
    reader = PredictionReader("predictions", [predicted])
    assert reader.knows([doc])
    found = reader.read([doc], [LABELS], IssueLog())
    entities = [doc[span.start : span.end].text for span in found.entities[0]]
    assert entities == ["Ann Lee", "Bob"]
    assert not reader.knows([nlp("Ann Lee met Bobby.")])
    # A text of the same characters and white space is nearer.
    exact = nlp("Ann Lee met Bob.")
    exact.set_ents([], default="outside")
    reader = PredictionReader("predictions", [exact, predicted])
    assert reader.read([doc], [LABELS], IssueLog()).entities == [[]]
