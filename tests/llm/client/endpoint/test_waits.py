import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

import pytest

from spacy_ner_plus.llm.client.endpoint.waits import asked_wait, read_duration


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "20"}, "", 20),
        ({"retry-after-ms": "350", "retry-after": "1"}, "", 0.35),
        ({}, "Please try again in 6m0s. Visit ...", 360),
        ({}, "Rate limit reached; try again in 350ms.", 0.35),
        ({}, "Quota exceeded, resets in 2 hours", 7200),
        ({}, "Try again in an hour.", 3600),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, "", 1),
        (
            {
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-requests": "1s",
            },
            "",
            360,
        ),
        ({"x-ratelimit-limit-requests": "60"}, "Rate limit reached", None),
        ({"retry-after": "soon"}, "", None),
    ],
)
def test_waits_are_read(headers, message, seconds):
    assert asked_wait(headers, message) == (None if seconds is None else pytest.approx(seconds))


def test_waits_are_read_as_moments():
    now = time.time()
    later = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    for headers in (
        {"retry-after": formatdate(now + 60, usegmt=True)},
        {"x-ratelimit-reset": f"{now + 60:.0f}"},
        {"x-ratelimit-reset": f"{(now + 60) * 1000:.0f}"},
        {"anthropic-ratelimit-requests-reset": later},
    ):
        assert asked_wait(headers) == pytest.approx(60, abs=2)


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", "1e400"])
def test_waits_take_no_nonsense_for_a_time(value):
    assert read_duration(value) is None
