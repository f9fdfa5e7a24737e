from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.evaluation.confidence.scored_entities import scored_entities
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs

WORDS = ["Anna", "met", "Bo", "in", "Oslo"]


def predicted(vocab, ents, words=WORDS):
    doc = Doc(vocab, words=words)
    spans = [Span(doc, start, end, label=label) for start, end, label, _ in ents]
    doc.ents = spans
    scored = [(span, ent[3]) for span, ent in zip(spans, ents, strict=True) if ent[3] is not None]
    doc.spans["any"] = SpanGroup(
        doc, spans=[span for span, _ in scored], attrs={"scores": [score for _, score in scored]}
    )
    return doc


def test_scored_entities_are_right_or_wrong(nlp):
    gold = Doc(nlp.vocab, words=WORDS, ents=["B-PER", "O", "B-PER", "O", "B-LOC"])
    doc = predicted(nlp.vocab, [(0, 1, "PER", 0.9), (2, 3, "LOC", 0.6), (3, 5, "LOC", 0.3)])
    found = scored_entities(match_docs([gold], [doc]))
    assert found.scores.tolist() == [0.9, 0.6, 0.3]
    assert found.right.tolist() == [True, False, False]


def test_scored_entities_counts_entities_without_a_score(nlp):
    gold = Doc(nlp.vocab, words=WORDS, ents=["B-PER", "O", "B-PER", "O", "B-LOC"])
    doc = predicted(nlp.vocab, [(0, 1, "PER", 0.9), (2, 3, "LOC", None), (4, 5, "LOC", None)])
    found = scored_entities(match_docs([gold], [doc]))
    assert found.scores.tolist() == [0.9]
    assert (found.unscored, found.unscored_right) == (2, 1)


def test_scored_entities_leaves_out_what_gold_says_nothing_of(nlp):
    gold = Doc(nlp.vocab, words=WORDS, ents=["B-PER", "O", "", "O", "B-LOC"])
    doc = predicted(nlp.vocab, [(0, 1, "PER", 0.9), (2, 3, "PER", 0.8)])
    assert scored_entities(match_docs([gold], [doc])).scores.tolist() == [0.9]


def test_scored_entities_takes_other_tokens_by_their_characters(nlp):
    gold = Doc(nlp.vocab, words=["Oslo-based", "firm"], ents=["O", "O"])
    gold.ents = [Span(gold, 1, 2, label="ORG")]
    doc = predicted(nlp.vocab, [(0, 1, "LOC", 0.4), (3, 4, "ORG", 0.7)], ["Oslo", "-", "based", "firm"])
    doc = Doc(nlp.vocab, words=["Oslo", "-", "based", "firm"], spaces=[False, False, True, True])
    doc.ents = [Span(doc, 3, 4, label="ORG")]
    doc.spans["any"] = SpanGroup(doc, spans=list(doc.ents), attrs={"scores": [0.7]})
    assert scored_entities(match_docs([gold], [doc])).right.tolist() == [True]


def test_scored_entities_of_a_changed_text_are_wrong(nlp):
    gold = Doc(nlp.vocab, words=["Oslo", "now"], ents=["B-LOC", "O"])
    doc = predicted(nlp.vocab, [(0, 1, "LOC", 0.7)], ["Oslo", " ", "now"])
    assert scored_entities(match_docs([gold], [doc])).right.tolist() == [False]
