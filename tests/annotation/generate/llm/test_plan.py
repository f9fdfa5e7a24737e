from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.annotation.generate.llm.plan import MOST_LABELS, plan_records
from spacy_ner_plus.annotation.generate.llm.settings import LLMSettings
from spacy_ner_plus.errors import UserError

LABELS = ("PER", "ORG", "LOC")


def test_plan_holds_quotas_lengths_and_shares():
    settings = LLMSettings(
        lengths={"5-9": 1, "10-20": 3},
        quotas={"PER": 60, "LOC": 7},
        negatives=0.2,
        ambiguity=0.5,
        edge_cases=["no verb", "a list"],
    )
    planned = plan_records({"train": 80, "dev": 20, "test": 0}, LABELS, settings, seed=0)
    labels = Counter(name for record in planned for name in record.labels)
    assert labels["PER"] >= 60
    assert labels["LOC"] >= 7
    assert labels["ORG"] > 0
    assert Counter(record.part for record in planned) == {"train": 80, "dev": 20}
    assert Counter(record.words for record in planned) == {(5, 9): 25, (10, 20): 75}
    assert sum(not record.labels for record in planned) == 20
    assert sum(bool(record.ambiguous) for record in planned) == 40
    assert all(record.ambiguous in ("", *record.labels) for record in planned)
    assert Counter(record.edge_case for record in planned) == {"": 34, "no verb": 33, "a list": 33}


def test_plan_is_decided_by_its_seed():
    sizes, settings = {"train": 30}, LLMSettings()
    assert plan_records(sizes, LABELS, settings, 1) == plan_records(sizes, LABELS, settings, 1)
    assert plan_records(sizes, LABELS, settings, 1) != plan_records(sizes, LABELS, settings, 2)


@given(
    count=st.integers(1, 40),
    labels=st.integers(1, 30),
    negatives=st.floats(0, 1),
    quotas=st.dictionaries(st.integers(0, 29), st.integers(0, 40), max_size=4),
)
def test_plan_holds_its_quotas_or_says_that_they_are_too_large(count, labels, negatives, quotas):
    names = [f"L{number}" for number in range(labels)]
    wanted = {f"L{number}": quota for number, quota in quotas.items() if number < labels}
    settings = LLMSettings(negatives=negatives, quotas=wanted)
    try:
        planned = plan_records({"train": count}, names, settings, seed=0)
    except UserError:
        with_entities = count - round(negatives * count)
        most = min(MOST_LABELS, labels) * with_entities
        assert max(wanted.values()) > with_entities or sum(wanted.values()) > most
        return
    found = Counter(name for record in planned for name in record.labels)
    assert all(found[name] >= quota for name, quota in wanted.items())
    assert len(planned) == count
    assert max(len(record.labels) for record in planned) <= MOST_LABELS
    assert sum(not record.labels for record in planned) == round(negatives * count)


def test_plan_refuses_quotas_of_labels_that_are_not_there():
    with pytest.raises(
        UserError, match=r"`quotas` of the backend is DOG. Give those of the labels: PER, ORG, LOC"
    ):
        plan_records({"train": 5}, LABELS, LLMSettings(quotas={"DOG": 1}), 0)
