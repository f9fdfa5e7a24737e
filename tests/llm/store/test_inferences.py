import dataclasses

import pytest

from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.spans import CharSpan

TEXT = "Anna lives in Oslo."


def make_inference(text: str = TEXT, **given) -> Inference:
    values = {
        "id": new_id(),
        "episode": "letters",
        "variant": "small",
        "probability": 0.25,
        "fallback_of": "",
        "text": text,
        "text_hash": text_hash(text),
        "labels": ("PER", "LOC"),
        "format": "label_lists",
        "model": "tiny",
        "request_keys": ("a" * 64, "b" * 64),
        "entities": (CharSpan(0, 4, "PER"),),
        "scores": (0.75,),
        "valid": True,
        "failure": "",
        "usage": Usage(10, 2, 5),
        "seconds": 0.5,
        "cost": None,
        "created": 1_700_000_000.5,
    }
    return Inference(**values | given)


@pytest.fixture
def store(store_place):
    with Store(store_place) as opened:
        yield opened


def test_inferences_come_back_as_they_were_given(store):
    given = [
        make_inference(),
        make_inference(
            "\u0130\0\x01 \U0001f600\n",
            cost=0.5,
            valid=False,
            failure='it\'s "cut"',
            external="tensorzero",
            component="ner",
        ),
        make_inference("", entities=(), scores=(), labels=(), request_keys=()),
    ]
    for inference in given:
        store.inferences.add(inference)
    assert list(store.inferences.all()) == given
    assert [store.inferences.get(inference.id) for inference in given] == given
    assert store.inferences.get("no such id") is None


def test_inferences_are_kept_once_by_id(store):
    first = make_inference()
    store.inferences.add(first)
    position = store.position()
    store.inferences.add(dataclasses.replace(first, variant="other"))
    assert list(store.inferences.all()) == [first]
    assert store.position() == position


@pytest.mark.parametrize(
    "other",
    [
        {"request_keys": ("b" * 64, "a" * 64)},
        {"request_keys": ("a" * 64,)},
        {"text": f"{TEXT} "},
        {"component": "ner"},
        {"variant": "large"},
        {"fallback_of": "large"},
        {"labels": ("PER",)},
        {"entities": ()},
        {"scores": (0.5,)},
        {"valid": False},
    ],
    ids=lambda other: "-".join(other),
)
def test_inferences_that_say_something_else_are_others(store, other):
    first = make_inference()
    store.inferences.add(first)
    inference = make_inference(**other)
    assert store.inferences.find(inference) == ""
    assert store.inferences.add_once(inference) == inference.id
    assert store.inferences.get(inference.id) == inference


def test_inferences_that_say_the_same_are_kept_once(store):
    first = make_inference()
    assert store.inferences.add_once(first) == first.id
    position = store.position()
    again = make_inference(
        episode="cards", probability=0.5, seconds=2.0, usage=Usage(1, 1, 0), failure="late"
    )
    assert store.inferences.find(again) == store.inferences.add_once(again) == first.id
    assert store.position() == position
    assert store.inferences.find(again, same_episode=True) == ""
    assert store.inferences.add_once(again, same_episode=True) == again.id
    assert store.inferences.add_once(make_inference(), same_episode=True) == first.id


def test_inferences_are_found_by_text_and_episode(store):
    other = make_inference("Oslo", episode="cards")
    first, second = make_inference("ANNA  lives in Oslo."), make_inference()
    for inference in (first, other, second):
        store.inferences.add(inference)
    assert list(store.inferences.of_texts([text_hash(TEXT), text_hash(TEXT)])) == [first, second]
    assert list(store.inferences.of_texts(str(number) for number in range(1200))) == []
    assert list(store.inferences.of_episode("cards")) == [other]


def test_inferences_of_a_snapshot_stay_what_they_were(store):
    for _ in range(5):
        store.inferences.add(make_inference())
    before = store.position()
    reading = store.inferences.all(batch=2)
    found = [next(reading)]
    store.inferences.add(make_inference())
    found += reading
    assert len(found) == len(list(store.inferences.all(upto=before))) == 5
    assert len(list(store.inferences.all())) == 6
    assert store.position() > before
