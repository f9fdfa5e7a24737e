"""Variants whose server failed rest for a while, so that not every Doc has to find out."""

import time
from collections.abc import Sequence

# As long as it takes to start a server again, or to tell that it is gone for good.
_SECONDS = 30.0


class Resting:
    """The variants that aren't asked for now, unless all others fail, too. Any thread may use it."""

    def __init__(self):
        self._until: dict[str, tuple[float, str]] = {}

    def begin(self, variant: str, reason: str) -> None:
        """Let a variant rest.

        reason (str): What its server said, for people.
        """
        self._until[variant] = time.monotonic() + _SECONDS, reason

    def reason(self, variant: str) -> str:
        """RETURNS (str): Why a variant rests; '' where it doesn't."""
        until, reason = self._until.get(variant, (0.0, ""))
        return reason if time.monotonic() < until else ""

    def last(self, variants: Sequence[str]) -> list[str]:
        """RETURNS (list[str]): Variants in order, those that rest at the end."""
        return sorted(variants, key=lambda variant: bool(self.reason(variant)))
