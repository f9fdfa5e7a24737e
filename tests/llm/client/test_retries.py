from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.llm.client.retries import LONGEST_WAIT, is_retried, read_retry_after, waiting_time


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_retries_of_what_may_pass(status):
    assert is_retried(status)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 413, 422])
def test_retries_not_of_what_will_not(status):
    assert not is_retried(status)


@given(st.integers(1, 500), st.floats(0, 10))
def test_retries_wait_within_a_bound_that_doubles(attempt, base):
    assert 0 <= waiting_time(attempt, base) <= min(LONGEST_WAIT, base * 2 ** min(attempt - 1, 30))


def test_retries_wait_by_chance():
    assert len({waiting_time(3, 1.0) for _ in range(5)}) == 5


@given(st.integers(0, 2**31), st.integers(0, 3600))
def test_retries_read_dates(now, later):
    assert read_retry_after(formatdate(now + later, usegmt=True), now) == later


@pytest.mark.parametrize(("value", "seconds"), [("2", 2.0), (" 0.5 ", 0.5), ("-3", 0.0)])
def test_retries_read_seconds(value, seconds):
    assert read_retry_after(value) == seconds


@given(st.text() | st.sampled_from(["", "soon", "nan", "inf", "1e400", "Mon, 99 Foo 2020"]))
def test_retries_take_no_nonsense_for_a_time(value):
    seconds = read_retry_after(value)
    assert seconds is None or 0 <= seconds < float("inf")
