from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_ner_plus.evaluation.baseline import predict_baseline
from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs

NLP = spacy.blank("en")
ASSETS = Path(__file__).parents[2] / "assets" / "synthetic"


def make(text, *spans):
    doc = NLP(text)
    doc.set_ents(
        [doc.char_span(text.index(part), text.index(part) + len(part), label) for part, label in spans]
    )
    return doc


# A training set that has all labels, so that every expression counts.
LABELS = make("x1 x2 x3 x4", ("x1", "EMAIL"), ("x2", "PHONE"), ("x3", "TIME"), ("x4", "DATE"))


def predicted(train, text):
    (doc,) = predict_baseline(train, [NLP(text)])
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_baseline_gives_a_token_its_commonest_tag():
    train = [
        make("May left", ("May", "NAME")),
        make("May came", ("May", "NAME")),
        make("in May", ("May", "DATE")),
    ]
    assert predicted(train, "did May call") == [("May", "NAME")]


def test_baseline_falls_back_on_lower_case():
    assert predicted([make("Boston is far", ("Boston", "LOC"))], "to boston") == [("boston", "LOC")]


def test_baseline_prefers_the_case_that_was_seen():
    train = [make("May left", ("May", "NAME")), make("may I"), make("may we"), make("may he")]
    assert predicted(train, "is May in") == [("May", "NAME")]
    assert predicted(train, "MAY I") == []


def test_baseline_reads_a_lone_inside_tag_as_o():
    train = [make("in New York now", ("New York", "LOC"))]
    assert predicted(train, "York") == []
    assert predicted(train, "New York") == [("New York", "LOC")]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("mail ann.lee@post.example.org now", ("ann.lee@post.example.org", "EMAIL")),
        ("call (212) 555-0123 now", ("(212) 555-0123", "PHONE")),
        ("call +44 20 7946 0123", ("+44 20 7946 0123", "PHONE")),
        ("call 555-0123", ("555-0123", "PHONE")),
        ("wake me at 7", ("7", "TIME")),
        ("it is 7:30 pm", ("7:30 pm", "TIME")),
        ("by half past six then", ("half past six", "TIME")),
        ("see you in an hour", ("in an hour", "TIME")),
        ("come next Friday", ("next Friday", "DATE")),
        ("on May 7th", ("May 7th", "DATE")),
        ("on 7 june", ("7 june", "DATE")),
        ("due 2026-05-07", ("2026-05-07", "DATE")),
        ("in two weeks", ("in two weeks", "DATE")),
        ("call tomorrow", ("tomorrow", "DATE")),
    ],
)
def test_baseline_finds_what_expressions_can(text, entity):
    assert predicted([LABELS], text) == [entity]


@pytest.mark.parametrize("text", ["may I ask", "for 7 people", "room 12", "chapter 3 of 9"])
def test_baseline_leaves_plain_words_and_numbers(text):
    assert predicted([LABELS], text) == []


def test_baseline_uses_no_expression_for_a_label_that_training_lacks():
    assert predicted([make("Ann left", ("Ann", "NAME"))], "tomorrow at 7 pm") == []


def test_baseline_does_not_look_at_gold_entities():
    gold = make("Ann left", ("Ann", "NAME"))
    (doc,) = predict_baseline([make("Bob left")], [gold])
    assert doc.ents == ()
    assert [ent.text for ent in gold.ents] == ["Ann"]


def test_baseline_keeps_the_tokens_of_gold():
    gold = Doc(NLP.vocab, words=["Ann", "'s", "7pm"], spaces=[False, True, False])
    gold.set_ents([Span(gold, 0, 1, "NAME")])
    (doc,) = predict_baseline([LABELS, gold], [gold])
    assert [token.text for token in doc] == ["Ann", "'s", "7pm"]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Ann", "NAME"), ("7pm", "TIME")]


def test_baseline_stays_under_its_limit_on_the_bundled_corpus():
    from spacy_ner_plus.data.formats.bio_json import bio_json_to_docs
    from spacy_ner_plus.issues import IssueLog

    train, dev = (
        list(bio_json_to_docs((ASSETS / name).open(encoding="utf-8"), NLP, issues=IssueLog(), where=name))
        for name in ("train.json", "dev.json")
    )
    scores = seqeval_scores(match_docs(dev, predict_baseline(train, dev)))
    assert 0.5 < scores["f1"] < 0.75
    # The expressions are given an honest chance: what they are for they find.
    for label in ("EMAIL", "PHONE", "DATE"):
        assert scores["per_label"][label]["recall"] > 0.9
