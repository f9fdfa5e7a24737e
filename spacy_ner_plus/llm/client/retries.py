"""When a request is sent again, and how long it waits before."""

import random
import time
from email.utils import parsedate_to_datetime

# Seconds: the bound doubles up to this.
LONGEST_WAIT = 20.0
_STATUSES = (408, 409, 429)
# Not of the module `random`, whose seed belongs to the user.
_chance = random.SystemRandom()


def is_retried(status: int) -> bool:
    """RETURNS (bool): Whether a request with this response may succeed when it is repeated."""
    return status in _STATUSES or status >= 500


def waiting_time(attempt: int, base: float) -> float:
    """Choose a random time to wait, up to a bound that doubles with each attempt ("full jitter"), so that
    requests that failed together aren't repeated together.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    attempt (int): How many attempts have failed, from 1.
    base (float): The first bound in seconds.
    RETURNS (float): Seconds.
    """
    return _chance.uniform(0, min(LONGEST_WAIT, base * 2.0 ** min(attempt - 1, 30)))


def read_retry_after(value: str, now: float | None = None) -> float | None:
    """Read the header Retry-After (RFC 9110, 10.2.3).

    value (str): Seconds, or a date.
    now (float | None): The time, in seconds since 1970; None to look.
    RETURNS (float | None): Seconds from now, at least 0; None where it says neither.
    """
    value = value.strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        seconds = moment - (time.time() if now is None else now)
    # Neither "nan" nor "inf" is a time to wait.
    return max(0.0, seconds) if seconds < float("inf") else None
