import pytest

from spacy_ner_plus.annotation.generate.llm.settings import LLMSettings
from spacy_ner_plus.errors import UserError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lengths": {"short": 1}}, r"`lengths` of the backend is {'short': 1}"),
        ({"lengths": {"9-5": 1}}, "5-15"),
        ({"lengths": {"0-5": 1}}, "5-15"),
        ({"lengths": {"5-9": 0}}, "a share above 0"),
        ({"lengths": {"5-9": float("inf")}}, "up to 1,000,000"),
        ({"lengths": {"5-9": float("nan")}}, "up to 1,000,000"),
        ({"quotas": {"PER": float("inf")}}, "a whole number"),
        ({"quotas": {"PER": float("nan")}}, "a whole number"),
        ({"quotas": {"PER": 1.5}}, "a whole number"),
        ({"quotas": {"PER": -1}}, "a whole number"),
        ({"edge_cases": ["a", " "]}, "`edge_cases`"),
        ({"edge_cases": "a sentence"}, "a list"),
        ({"negatives": 2}, "1 or less"),
        ({"records_per_request": 0}, "1 or more"),
    ],
)
def test_settings_that_cannot_be_are_one_message(settings, message):
    with pytest.raises(UserError, match=message):
        LLMSettings(**settings)


def test_settings_have_lengths_whose_shares_add_up():
    assert LLMSettings(lengths={"5-9": 1, "10 - 20": 3}).ranges() == {(5, 9): 0.25, (10, 20): 0.75}
    assert LLMSettings(lengths={"5-9": 1, "5 - 9": 1}).ranges() == {(5, 9): 1}
    assert sum(LLMSettings().ranges().values()) == pytest.approx(1)
