"""What requests take: counted as replies come, and shown as a snapshot."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from spacy_ner_plus.llm.client.prices import Price
from spacy_ner_plus.llm.requests import Usage


@dataclass(frozen=True, slots=True)
class UsageSnapshot:
    """What a model's requests took so far: those of this process, and where the model was made those of all its copies
    in other processes, also when these are gone.

    requests (int): HTTP requests that were sent, with repeated ones, re-asks and probes.
    replies (int): Replies that came; each is in the store, except empty ones and those to probes.
    stored (int): Replies that came from the store and cost nothing.
    retries (int): Requests that were sent again, since there was no usable answer.
    reasked (int): Replies that could not be read, so that the model was asked once more.
    halved (int): Prompts whose replies were cut, so that the text was asked about in halves.
    invalid (int): Prompts whose replies stayed invalid, or cut.
    failed (int): Prompts that got no reply.
    probes (int): Replies to probes of what the server enforces.
    unreported (int): Replies whose tokens the server didn't report; they are estimated here.
    prompt_tokens (int): Tokens of all prompts.
    completion_tokens (int): Tokens of all replies.
    cached_tokens (int): Tokens of prompts that the server had cached.
    seconds (float): Of all replies added up, so more than the time that passed where several were in flight.
    cost (float | None): In USD; None where the price of the model isn't known.
    price_note (str): Which price was taken, or that none is known.
    """

    requests: int = 0
    replies: int = 0
    stored: int = 0
    retries: int = 0
    reasked: int = 0
    halved: int = 0
    invalid: int = 0
    failed: int = 0
    probes: int = 0
    unreported: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    price_note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The same as plain data."""
        return asdict(self)


def add_up(snapshots: Sequence[UsageSnapshot]) -> UsageSnapshot:
    """RETURNS (UsageSnapshot): What several models took together; without a cost where that of one isn't known."""
    counts = {name: sum(getattr(one, name) for one in snapshots) for name in COUNTS}
    costs = [one.cost for one in snapshots]
    notes = dict.fromkeys(one.price_note for one in snapshots)
    return UsageSnapshot(**counts, cost=None if None in costs else sum(costs), price_note="; ".join(notes))


COUNTS = tuple(field.name for field in fields(UsageSnapshot) if field.name not in ("cost", "price_note"))


class Tally(Protocol):
    """Whatever else counts."""

    def add(self, **counts: float) -> None:
        """Add to counts."""
        ...


class UsageMeter:
    """Counts what requests take, in any thread.

    price (Price | None): Of the model; None where it isn't known.
    note (str): Which price that is, or that none is known.
    elsewhere (Tally | None): Where the counts are added up with those of other processes.
    """

    def __init__(self, price: Price | None, note: str, elsewhere: Tally | None = None):
        self._price = price
        self._note = note
        self._elsewhere = elsewhere
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(COUNTS, 0)

    def add(self, **counts: float) -> None:
        """Add to counts, which are named as a snapshot's fields."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count
            if self._elsewhere is not None:
                self._elsewhere.add(**counts)

    def add_reply(self, usage: Usage, seconds: float, *, reported: bool = True, probe: bool = False) -> None:
        """Count a reply from the server."""
        self.add(
            replies=1,
            probes=int(probe),
            unreported=int(not reported),
            prompt_tokens=usage.prompt,
            completion_tokens=usage.completion,
            cached_tokens=usage.cached,
            seconds=seconds,
        )

    def snapshot(self, others: Mapping[str, float] | None = None) -> UsageSnapshot:
        """Show what has been counted so far.

        others (Mapping[str, float] | None): What was counted elsewhere, to be added.
        """
        with self._lock:
            counts = dict(self._counts)
        for name, count in (others or {}).items():
            counts[name] += count if name == "seconds" else round(count)
        usage = Usage(counts["prompt_tokens"], counts["completion_tokens"], counts["cached_tokens"])
        cost = None if self._price is None else self._price.cost(usage)
        return UsageSnapshot(**counts, cost=cost, price_note=self._note)
