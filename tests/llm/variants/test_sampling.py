from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.variants.sampling import number_of, probabilities, sample, scale
from spacy_ner_plus.llm.variants.settings import VariantSampling

ADAPTIVE = VariantSampling(strategy="adaptive", floor=0.05)
weights = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e308), min_size=1).filter(
    lambda given: any(given.values())
)


def metric(kind="boolean", lower=None, upper=None, optimize="max"):
    return SimpleNamespace(name="m", kind=kind, lower=lower, upper=upper, optimize=optimize)


@given(weights)
def test_sampling_by_weights_adds_up(given):
    found = probabilities(VariantSampling(), given, {}, None)
    assert list(found) == list(given)
    assert sum(found.values()) == pytest.approx(1)


def test_sampling_pinned_takes_one_alone():
    pinned = VariantSampling(strategy="pinned", variant="b")
    assert probabilities(pinned, {"a": 1.0, "b": 0.0}, {}, None) == {"a": 0.0, "b": 1.0}


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(0, 10**6), st.floats(0, 1)), max_size=3))
def test_sampling_adaptively_leaves_each_its_floor(rates):
    totals = {name: (n, n * rate) for name, (n, rate) in rates.items()}
    found = probabilities(ADAPTIVE, {"a": 1.0, "b": 2.0, "c": 1.0, "spare": 0.0}, totals, metric())
    assert sum(found.values()) == pytest.approx(1)
    assert min(found[name] for name in "abc") >= 0.05
    assert found["spare"] == 0


def test_sampling_adaptively_takes_the_best_by_the_metric_s_direction():
    totals = {"a": (200, 40.0), "b": (200, 140.0)}
    given = {"a": 1.0, "b": 1.0}
    assert probabilities(ADAPTIVE, given, totals, metric())["b"] == pytest.approx(0.95)
    assert probabilities(ADAPTIVE, given, totals, metric(optimize="min"))["a"] == pytest.approx(0.95)
    assert probabilities(ADAPTIVE, given, {}, metric()) == pytest.approx({"a": 0.5, "b": 0.5})


def test_sampling_scales_by_the_bounds():
    seconds = metric("float", lower=1, upper=5, optimize="min")
    assert scale(4, 4 * 2.0, "m", seconds) == (4.0, 3.0)
    assert scale(4, 100.0, "m", seconds) == (4.0, 0.0)
    assert scale(0, 0.0, "m", metric("float", lower=-1, upper=1)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (None, "isn't declared"),
        (metric("comment"), "has no numbers"),
        (metric("float", lower=0), "has no bounds"),
        (metric("float", lower=1, upper=1), "has no bounds"),
    ],
)
def test_sampling_refuses_a_metric_without_a_better_and_a_worse(declared, message):
    with pytest.raises(UserError, match=f"E816.*{message}"):
        probabilities(ADAPTIVE, {"a": 1.0, "b": 1.0}, {}, declared)


@given(weights, st.floats(0, 1, exclude_max=True))
def test_sampling_gives_none_whose_probability_is_zero(given, u):
    found = probabilities(VariantSampling(), given, {}, None)
    assert found[sample(found, u)] > 0


def test_sampling_numbers_hang_on_seed_episode_and_text_alone():
    numbers = [number_of(0, "episode", str(n)) for n in range(3000)]
    assert numbers == [number_of(0, "episode", str(n)) for n in range(3000)]
    assert (
        len({number_of(0, "e", "t"), number_of(1, "e", "t"), number_of(0, "f", "t"), number_of(0, "e", "u")})
        == 4
    )
    chances = {"a": 0.2, "b": 0.0, "c": 0.8}
    counts = Counter(sample(chances, number) for number in numbers)
    assert counts["a"] == pytest.approx(600, abs=80)
    assert not counts["b"]
