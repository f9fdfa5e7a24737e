import pytest

from spacy_ner_plus.evaluation.comparison.verdict import p_value, significant_best, verdict
from tests.evaluation.compared import make_compared, make_doc

WORDS = "Anna|met|Bo|in|Oslo"
GOLD = [(0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC")]


def compared(nlp, documents, **ents):
    golds = [make_doc(nlp.vocab, WORDS, GOLD)] * documents
    predictions = {name: [make_doc(nlp.vocab, WORDS, some)] * documents for name, some in ents.items()}
    return make_compared(golds, predictions)[1]


def test_verdict_names_the_best(nlp):
    comparison = compared(nlp, 30, good=GOLD, poor=GOLD[:1])
    assert verdict(comparison).lead == "good is the best, and not by chance."
    assert verdict(comparison).rest[0].startswith("Its strict F1 is 50.00 points higher (95% interval")
    assert significant_best(comparison, "strict", "LOC") == "good"


def test_verdict_of_equals_is_that_they_cannot_be_told_apart(nlp):
    comparison = compared(nlp, 30, one=GOLD, two=GOLD)
    assert verdict(comparison).lead == "No winner: one and two can't be told apart."
    assert significant_best(comparison, "strict") is None


def test_verdict_on_few_documents_is_that_nothing_was_tested(nlp):
    lead, [reason] = verdict(compared(nlp, 5, good=GOLD, poor=GOLD[:1]))
    assert lead == "good has the highest strict F1, but whether that is more than chance wasn't tested."
    assert reason.startswith("Not tested: the corpus has 5 documents")


def test_verdict_says_that_the_first_is_not_better_than_each():
    def pair(one, other, better=None):
        return {"one": one, "other": other, "measure": "strict", "label": None, "better": better} | {
            "difference": 0.01, "interval": [-0.005, 0.02], "p_holm": 0.2
        }  # fmt: skip

    comparison = {
        "pipelines": [{"name": name} for name in "abc"],
        "pairs": [pair("a", "b"), pair("a", "c", "a"), pair("b", "c", "c")],
        "winner": None,
        "leaders": ["a"],
    }
    said = verdict(comparison)
    assert said.lead == "No winner: a isn't significantly better than each other one."
    assert said.rest[0].startswith("a has the highest strict F1, 1.00 points higher (95% interval")
    assert said.rest[1] == "Significantly worse than another one: b and c."


@pytest.mark.parametrize(("p", "text"), [(0.0004, "p < 0.001"), (0.0314, "p = 0.031"), (None, "\N{EN DASH}")])
def test_verdict_writes_p(p, text):
    assert p_value(p, "p = ") == text
