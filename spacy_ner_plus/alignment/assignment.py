"""Which mention gets which place: longer ones choose first, and lists in the order of the text help."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from spacy_ner_plus.alignment.occurrences import Place


class Request(NamedTuple):
    """A mention that needs a place.

    number (int): Its number in the reply.
    places (tuple[Place, ...]): Where it may lie, in order.
    length (int): Of the mention, in characters; long ones choose first.
    score (float): How well it is spelled; of equally long ones, the better spelled choose first.
    """

    number: int
    places: tuple[Place, ...]
    length: int
    score: float


class Claims:
    """The places that mentions have.

    labels (Sequence[str]): The label of each mention of the reply.
    length (int): The number of tokens.
    use_order (bool): Whether the order of a label's list tells which of several places is meant.
    """

    def __init__(self, labels: Sequence[str], length: int, *, use_order: bool = True):
        self.labels = labels
        self.use_order = use_order
        self.placed: dict[int, Place] = {}
        self._taken = bytearray(length)
        self._held: set[tuple[int, int, str]] = set()
        self._lists: dict[str, list[int]] = {}
        self._rank: list[int] = []
        for number, label in enumerate(labels):
            mates = self._lists.setdefault(label, [])
            self._rank.append(len(mates))
            mates.append(number)
        self._in_order: dict[str, bool] = {}

    def hold(self, number: int, place: Place) -> bool:
        """Give a place to a mention, whatever else is there.

        number (int): The mention's number.
        place (Place): The place.
        RETURNS (bool): Whether it has it now; not if one of the same label has it already.
        """
        held = (place.start, place.end, self.labels[number])
        if held in self._held:
            return False
        self._held.add(held)
        self.placed.setdefault(number, place)
        self._taken[place.start : place.end] = b"\x01" * (place.end - place.start)
        return True

    def is_free(self, place: Place) -> bool:
        """RETURNS (bool): Whether no mention has any token of a place."""
        return self._taken.find(1, place.start, place.end) < 0

    def claim(self, requests: Sequence[Request]) -> None:
        """Give free places to as many requests as there are places for, the longest mentions first.

        requests (Sequence[Request]): In the order of the reply.
        """
        groups: dict[tuple[Place, ...], list[Request]] = {}
        for request in sorted(requests, key=lambda r: (-r.length, -r.score, r.number)):
            groups.setdefault(request.places, []).append(request)
        waiting = []
        # Tokens that a longer mention may or may not take.
        wanted = bytearray(len(self._taken))
        for group in groups.values():
            group.sort()
            free = [place for place in group[0].places if self.is_free(place)]
            one_label = len({self.labels[request.number] for request in group}) == 1
            if len(free) <= len(group) and one_label and not any(_overlaps(wanted, place) for place in free):
                for request, place in zip(group, sorted(free), strict=False):
                    self.hold(request.number, place)
            else:
                waiting.append(group)
                _mark(wanted, free)
        if waiting:
            self._in_order = {label: self._is_in_order(mates) for label, mates in self._lists.items()}
            wanted = bytearray(len(self._taken))
            for group in waiting:
                self._claim_between_neighbours(group, wanted)
                _mark(wanted, group[0].places)

    def _claim_between_neighbours(self, group: list[Request], wanted: bytearray) -> None:
        """Give each the place nearest to its neighbours in the list, between them; or else the first one."""
        free = [place for place in group[0].places if self.is_free(place)]
        bounds = {request.number: self._bounds(request.number) for request in group}
        fitting = {
            number: [place for place in free if after <= place.start and place.end <= before]
            for number, (after, before) in bounds.items()
        }
        # Whoever has the least choice goes first.
        for number in sorted(fitting, key=lambda number: (len(fitting[number]), number)):
            places = [place for place in fitting[number] or free if self.is_free(place)]
            places = places or [place for place in free if self.is_free(place)]
            if not places:
                return
            after, before = bounds[number]
            # What isn't within a longer mention, and needs no widening, comes first.
            best = min(
                places,
                key=lambda p: (
                    _overlaps(wanted, p),
                    p.snapped,
                    min(abs(p.start - after), abs(before - p.end)),
                    p.start,
                ),
            )
            self.hold(number, best)

    def _bounds(self, number: int) -> tuple[float, float]:
        """Between which tokens a mention lies, by its neighbours in the list of its label."""
        label, rank = self.labels[number], self._rank[number]
        after, before = 0, inf
        if not self._in_order[label]:
            return after, before
        mates = self._lists[label]
        for i in range(rank - 1, -1, -1):
            if mates[i] in self.placed:
                after = self.placed[mates[i]].end
                break
        for i in range(rank + 1, len(mates)):
            if mates[i] in self.placed:
                before = self.placed[mates[i]].start
                break
        return after, before

    def _is_in_order(self, mates: Iterable[int]) -> bool:
        starts = [self.placed[number].start for number in mates if number in self.placed]
        return self.use_order and starts == sorted(starts)


def _mark(tokens: bytearray, places: Iterable[Place]) -> None:
    for place in places:
        tokens[place.start : place.end] = b"\x01" * (place.end - place.start)


def _overlaps(tokens: bytearray, place: Place) -> bool:
    return tokens.find(1, place.start, place.end) >= 0
