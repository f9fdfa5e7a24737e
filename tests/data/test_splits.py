"""Documents dealt to parts."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.splits import Dealer, parse_split
from spacy_ner_plus.errors import UserError


def test_splits_are_read():
    assert parse_split("train=0.8, dev=.2") == {"train": 0.8, "dev": 0.2}


@pytest.mark.parametrize(
    "text",
    ["", "train", "train=1", "train=0.8,dev=0.3", "a=0.5,a=0.5", "a=1,b=0", "a=x,b=0.5", "../a=0.5,b=0.5"],
)
def test_splits_that_are_none_are_refused(text):
    with pytest.raises(UserError, match="is no split"):
        parse_split(text)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("train=0.8,dev=0.2", {"train": 800, "dev": 200}),
        ("train=0.8,dev=0.1,test=0.1", {"train": 800, "dev": 100, "test": 100}),
        ("a=0.5,b=0.5", {"a": 500, "b": 500}),
        ("a=0.95,b=0.05", {"a": 950, "b": 50}),
    ],
)
def test_splits_keep_the_shares(text, counts):
    dealer = Dealer(parse_split(text), seed=0)
    assert Counter(dealer.part(i) for i in range(1000)) == counts


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 99), st.integers(0, 5))
def test_splits_are_within_a_hand_of_the_shares(percent, seed):
    share = percent / 100
    dealer = Dealer({"a": share, "b": 1 - share}, seed)
    dealt = Counter(dealer.part(i) for i in range(1000))
    assert abs(dealt["a"] - 1000 * share) <= 1


def test_splits_follow_the_seed():
    deals = [
        [dealer.part(i) for i in range(50)]
        for seed in (1, 1, 2)
        for dealer in [Dealer({"a": 0.8, "b": 0.2}, seed)]
    ]
    assert deals[0] == deals[1] != deals[2]


def test_splits_give_the_same_text_to_one_part():
    dealer = Dealer({"a": 0.5, "b": 0.5}, 0)
    assert len({dealer.part(7) for _ in range(20)}) == 1


def test_splits_without_parts_take_all():
    dealer = Dealer({"": 1.0}, 0)
    assert {dealer.part(i) for i in range(10)} == {""}
