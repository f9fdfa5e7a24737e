import random

from spacy_ner_plus.alignment.near_duplicates import NEARLY, jaccard, shingles_of
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.export.answers import Answer
from spacy_ner_plus.learning.export.parts import (
    BETWEEN,
    EXCLUDED,
    NEARLY_EXCLUDED,
    ExcludedTexts,
    split,
)
from tests.llm.store.test_inferences import make_inference


def answers_about(texts):
    made = [Answer(make_inference(text), (), False, 1.0) for text in texts]
    return sorted(made, key=lambda answer: answer.inference.text_hash)


def random_texts(count):
    rng = random.Random(0)
    words = [f"w{number}" for number in range(9)]
    return sorted({" ".join(rng.choices(words, k=rng.randrange(1, 8))) for _ in range(count)})


def test_parts_have_their_shares_and_nothing_near_in_the_other_one():
    answers, left_out = answers_about(random_texts(400)), IssueLog()
    parts = split(answers, 0.3, left_out)
    texts = {
        name: [a.inference.text for a in answers if parts.get(a.inference.text_hash) == name]
        for name in ("train", "dev")
    }
    assert 0.15 < len(texts["dev"]) / len(parts) < 0.4
    assert len(parts) + left_out[BETWEEN] == len(answers)
    shingles = [shingles_of(text) for text in texts["dev"]]
    assert all(jaccard(shingles_of(text), one) < NEARLY for text in texts["train"] for one in shingles)
    # Without dev data nothing is left out.
    assert set(split(answers, 0.0, left_out).values()) == {"train"}


def test_parts_stay_when_more_texts_come():
    texts = [f"number {number} of {number * 7919} and {number * 104729}" for number in range(400)]
    few, many = (split(answers_about(texts[:count]), 0.2, IssueLog()) for count in (200, 400))
    assert {key: many[key] for key in few} == few


def test_parts_have_no_text_of_a_corpus_that_is_excluded():
    test = ["The mayor of Oslo met Anna Berg on Friday in the town hall.", "Hi."]
    given = [test[0], test[0].upper(), test[0].replace("Friday", "Monday"), "hi .", "Something else."]
    left_out = IssueLog()
    kept = ExcludedTexts(test).without(answers_about(given), left_out)
    assert [answer.inference.text for answer in kept] == ["Something else."]
    assert (left_out[EXCLUDED], left_out[NEARLY_EXCLUDED]) == (3, 1)
    assert len(list(ExcludedTexts([]).without(answers_about(given), left_out))) == 5
