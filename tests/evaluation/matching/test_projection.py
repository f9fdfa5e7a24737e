from itertools import pairwise

import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.evaluation.matching.gold_doc import read_gold
from spacy_ner_plus.evaluation.matching.projection import project, same_words
from tests.test_spans import span_sets

NLP = spacy.blank("en")
SLOW = settings(max_examples=150, deadline=None)


def make_doc(text, tags):
    return Doc(NLP.vocab, words=text.split("|"), spaces=[False] * len(tags.split()), ents=tags.split())


def test_projection_gives_a_prediction_inside_a_token_the_tokens_it_touches():
    gold = make_doc("the| |U.S.-based", "O O B-LOC")
    predicted = make_doc("the| |U.S.|-based", "O O B-LOC O")
    (span,) = project(predicted, read_gold(gold))
    assert (span.start, span.end, span.aligned, span.text) == (2, 3, False, "U.S.")
    assert (span.start_char, span.end_char) == (4, 8)


def test_projection_projects_over_other_white_space():
    gold = Doc(NLP.vocab, words=["in", "New", "York"], ents=["O", "B-LOC", "I-LOC"])
    predicted = Doc(NLP.vocab, words=["in", " ", "new", "York"], ents=["O", "O", "B-LOC", "I-LOC"])
    (span,) = project(predicted, read_gold(gold))
    assert (span.start, span.end, span.aligned) == (1, 3, True)


def test_projection_knows_when_tokens_can_not_be_aligned():
    gold, other = make_doc("a|b", "B-X O"), make_doc("a|c", "B-X O")
    assert not same_words(other.text, gold.text)
    (span,) = project(other, read_gold(gold))
    assert span.start == span.end
    assert not span.aligned


@st.composite
def tokenisations(draw):
    """Two Docs of the same characters whose tokens and spaces differ."""
    text = draw(st.text(st.characters(categories=["Ll", "Nd", "Po"]), min_size=1, max_size=20))
    pair = []
    for _ in range(2):
        cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=8)))
        edges = [0, *(cut for cut in cuts if cut < len(text)), len(text)]
        words = [text[a:b] for a, b in pairwise(edges)]
        spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
        pair.append((words, spaces, edges))
    return pair


@SLOW
@given(tokenisations(), st.booleans(), st.data())
def test_projection_keeps_exactly_what_has_edges_in_gold(pair, same_text, data):
    (words, spaces, edges), (gold_words, gold_spaces, gold_edges) = pair
    if same_text:
        spaces, gold_spaces = [False] * len(words), [False] * len(gold_words)
    predicted = Doc(NLP.vocab, words=words, spaces=spaces)
    gold = Doc(NLP.vocab, words=gold_words, spaces=gold_spaces)
    spans = data.draw(span_sets(len(words)))
    predicted.set_ents([Span(predicted, *span) for span in spans])
    expected, lost = [], []
    for span in spans:
        start, end = edges[span.start], edges[span.end]
        if start in gold_edges and end in gold_edges:
            expected.append((gold_edges.index(start), gold_edges.index(end), span.label))
        else:
            lost.append(span)
    found = project(predicted, read_gold(gold))
    assert [(entity.start, entity.end, entity.label) for entity in found if entity.aligned] == expected
    assert [entity.text for entity in found if not entity.aligned] == [
        predicted[s.start : s.end].text for s in lost
    ]


@SLOW
@given(tokenisations(), st.data())
def test_projection_sees_through_case_and_tokens_of_white_space(pair, data):
    (words, _, edges), (gold_words, _, gold_edges) = pair
    padded, places = [], []
    for word in words:
        padded += data.draw(st.lists(st.sampled_from([" ", "\n", "  "]), max_size=1))
        places.append(len(padded))
        padded.append(
            word.upper() if len(word.upper()) == len(word) and word.upper().lower() == word else word
        )
    predicted = Doc(NLP.vocab, words=padded)
    gold = Doc(NLP.vocab, words=gold_words)
    at = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(at + 1, len(words)))
    predicted.set_ents([Span(predicted, places[at], places[end - 1] + 1, label="X")])
    [found] = project(predicted, read_gold(gold))
    assert found.aligned == (edges[at] in gold_edges and edges[end] in gold_edges)
    if found.aligned:
        assert (found.start, found.end) == (gold_edges.index(edges[at]), gold_edges.index(edges[end]))


def test_projection_forgives_case():
    predicted = Doc(NLP.vocab, words=["ann", "lee", "left"], ents=["B-PER", "I-PER", "O"])
    [found] = project(predicted, read_gold(Doc(NLP.vocab, words=["Ann", "Lee", "left"])))
    assert (found.start, found.end, found.text, found.aligned) == (0, 2, "Ann Lee", True)


def test_projection_takes_scores_along():
    doc = make_doc("in|Oslo|now", "O B-LOC O")
    doc.spans["any"] = SpanGroup(doc, spans=list(doc.ents), attrs={"scores": [0.25]})
    assert [entity.score for entity in project(doc, read_gold(doc))] == [0.25]


def test_projection_of_empty_docs():
    assert project(Doc(NLP.vocab), read_gold(Doc(NLP.vocab))) == []
