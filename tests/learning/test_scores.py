import json
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from spacy_ner_plus.learning.scores import RightAnswer, exact_match, f1, jaccard, score_inference
from spacy_ner_plus.spans import CharSpan, tags_to_spans
from tests.learning.inferences import make_inference
from tests.servers.gold_server import GoldServer, Mistakes

ANNA, ORG_ANNA, OSLO = ("Anna", "PER"), ("Anna", "ORG"), ("Oslo", "LOC")


@pytest.mark.parametrize(
    ("gold", "found", "exact", "similarity"),
    [
        ([], [], True, 1.0),
        ([ANNA], [], False, 0.0),
        ([], [ANNA], False, 0.0),
        ([ANNA, OSLO], [OSLO, ANNA], True, 1.0),
        # Repeated mentions: the set is the same, the multiset isn't.
        ([ANNA, ANNA, OSLO], [ANNA, OSLO], True, 2 / 3),
        ([ANNA], [ANNA, ANNA, ANNA], True, 1 / 3),
        # One of two is right, and one more is named.
        ([ANNA, OSLO], [ANNA, ORG_ANNA], False, 1 / 3),
        ([ANNA], [ORG_ANNA], False, 0.0),
    ],
)
def test_scores_by_hand(gold, found, exact, similarity):
    assert exact_match(gold, found) is exact
    assert jaccard(gold, found) == pytest.approx(similarity)


def test_scores_of_spans_go_by_place():
    one, other = CharSpan(0, 4, "PER"), CharSpan(9, 13, "PER")
    assert f1([one, other], [one]) == pytest.approx(2 / 3)
    assert f1([one], [other]) == 0.0
    assert f1([], []) == 1.0
    assert f1([one], [one._replace(label="ORG")]) == 0.0


def test_scores_of_an_answer_go_by_what_its_text_has_at_the_spans():
    text = "Anna met Anna in Oslo."
    inference = make_inference(text, ANNA, OSLO)
    right = RightAnswer((CharSpan(0, 4, "PER"), CharSpan(9, 13, "PER"), CharSpan(17, 21, "LOC")))
    assert score_inference(inference, right) == {
        "exact_match": True,
        "jaccard": pytest.approx(2 / 3),
        "f1": pytest.approx(4 / 5),
        "valid_output": True,
    }


def test_scores_of_an_invalid_answer_are_nothing_whatever_it_holds():
    right = RightAnswer((CharSpan(0, 4, "PER"),))
    for mentions, gold in (([ANNA], right), ([], RightAnswer(()))):
        inference = make_inference("Anna came.", *mentions, valid=False)
        assert score_inference(inference, gold) == {
            "exact_match": False,
            "jaccard": 0.0,
            "f1": 0.0,
            "valid_output": False,
        }


def test_scores_leave_aside_what_was_not_asked_for_or_not_annotated():
    text = "Anna met Anna in Oslo."
    spans = (CharSpan(0, 4, "PER"), CharSpan(9, 13, "PER"), CharSpan(17, 21, "LOC"))
    asked = make_inference(text, ANNA, ANNA, labels=("PER",))
    assert score_inference(asked, RightAnswer(spans))["f1"] == 1.0
    known = RightAnswer(spans[:2], frozenset({"PER"}))
    assert score_inference(make_inference(text, ANNA, ANNA, OSLO), known)["exact_match"] is True
    assert score_inference(make_inference(text, ANNA, ANNA, OSLO, labels=()), RightAnswer(spans))["f1"] == 1.0


def test_scores_agree_with_the_definitions_on_real_text():
    """500 sentences of CoNLL++, answered with mistakes: as sets and multisets of 'label::text' say."""
    data = Path(os.environ.get("SPACY_NER_PLUS_DATA", "data")) / "conllpp" / "test.txt"
    if not data.exists():
        pytest.skip(f"no {data}")
    gold = list(islice(sentences(data), 500))
    rates = Mistakes(missed=0.15, wrong_label=0.1, spurious=0.1)
    server = GoldServer(dict(gold), ["PER", "LOC", "ORG", "MISC"], {"m": rates})
    rows = []
    for number, (text, right) in enumerate(gold):
        found = None if number % 25 == 7 else server.answer("m", text)
        spans, named = (
            tuple(
                CharSpan(text.index(mention), text.index(mention) + len(mention), label)
                for mention, label in side
            )
            for side in (right, found or ())
        )
        inference = make_inference(text, labels=(), valid=found is not None, entities=named)
        ours = score_inference(inference, RightAnswer(spans))
        rows.append((ours["exact_match"], ours["jaccard"], *by_definition(right, found)))
    assert len(rows) == 500
    assert all(row[:2] == (row[2], pytest.approx(row[3], abs=1e-12)) for row in rows)
    assert 0.3 < sum(row[0] for row in rows) / len(rows) < 0.9


def sentences(path):
    for block in path.read_text(encoding="utf8").split("\n\n")[1:]:
        rows = [line.split() for line in block.splitlines()]
        spans = tags_to_spans([row[-1] for row in rows])
        words = [row[0] for row in rows]
        yield " ".join(words), [(" ".join(words[span.start : span.end]), span.label) for span in spans]


def by_definition(right, found):
    if found is None:
        return False, 0.0
    one, other = (Counter(f"{label}::{text}" for text, label in side) for side in (right, found))
    names = {*one, *other}
    least, most = (sum(pick(one[name], other[name]) for name in names) for pick in (min, max))
    return json.dumps(sorted(set(one))) == json.dumps(sorted(set(other))), least / most if most else 1.0
