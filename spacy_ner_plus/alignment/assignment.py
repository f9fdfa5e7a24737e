"""Which mention takes which occurrence: pure functions from requests to placements.

`assign` gives each request at most one occurrence, and no character to two of them. Where mentions
are listed in the order of the text, as many as possible follow each other, each as early as it can.
Where they are not, longer mentions choose first.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from math import inf
from operator import attrgetter
from typing import NamedTuple

from spacy_ner_plus.alignment.occurrences import Occurrence

# In which order requests are listed: in that of the text; each label's in that of the text, if those
# that can lie at one place alone are; or in none.
ORDERS = ("text", "label", "none")


class Request(NamedTuple):
    """A mention that needs an occurrence.

    number (int): Its number in the list.
    label (str): Its label.
    candidates (tuple[Occurrence, ...]): Where it may stand, in order.
    length (int): Of the mention, in characters; longer ones choose first.
    score (float): How well it is spelled; of equally long ones, the better spelled choose first.
    """

    number: int
    label: str
    candidates: tuple[Occurrence, ...]
    length: int = 0
    score: float = 1.0


class Placement(NamedTuple):
    """A request with its occurrence.

    number (int): The request's number.
    label (str): Its label.
    occurrence (Occurrence): Where it stands.
    """

    number: int
    label: str
    occurrence: Occurrence


def assign(
    requests: Sequence[Request], placed: Sequence[Placement] = (), *, order: str, latest: bool = False
) -> list[Placement]:
    """Give as many requests as possible an occurrence that shares no character with another placement.

    requests (Sequence[Request]): As listed.
    placed (Sequence[Placement]): What has its occurrence already.
    order (str): One of ORDERS.
    latest (bool): With the order 'text', whether each is placed as late as it can be, not as early.
    RETURNS (list[Placement]): The new placements; a request without one is left out.
    """
    if not requests:
        return []
    occupied = _Occupied(placed, requests)
    if order == "text":
        free = [
            (request, _innermost([*filter(occupied.is_free, request.candidates)])) for request in requests
        ]
        return _in_text_order([(request, found) for request, found in free if found], latest)
    return _longest_first(requests, placed, occupied, by_label=order == "label")


def assign_all(requests: Sequence[Request], placed: Sequence[Placement] = ()) -> list[Placement]:
    """Give each request all of its occurrences that are free, the first request before the others.

    RETURNS (list[Placement]): The new placements, several of a request where it occurs more often.
    """
    occupied = _Occupied(placed, requests)
    found = []
    for request in requests:
        for occurrence in request.candidates:
            if occupied.is_free(occurrence):
                occupied.add(occurrence)
                found.append(Placement(request.number, request.label, occurrence))
    return found


def assign_first(
    requests: Sequence[Request], placed: Sequence[Placement] = ()
) -> list[tuple[Placement, bool]]:
    """Give each request its first occurrence that is free, the first request before the others.

    RETURNS (list[tuple[Placement, bool]]): The new placements, each with whether no other occurrence was free
        for it; a request without one is left out.
    """
    occupied = _Occupied(placed, requests)
    found = []
    for request in requests:
        free = list(filter(occupied.is_free, request.candidates))
        if free:
            occupied.add(free[0])
            found.append((Placement(request.number, request.label, free[0]), len(free) == 1))
    return found


def assign_shared(requests: Sequence[Request], placed: Sequence[Placement] = ()) -> list[Placement]:
    """Give each request its first occurrence that no other of its label has, free or not.

    So 'China' may stand within 'Bank of China', and nothing is lost before overlaps are resolved.

    RETURNS (list[Placement]): The new placements.
    """
    held = {(*placement.occurrence[:2], placement.label) for placement in placed}
    found = []
    for request in requests:
        for occurrence in request.candidates:
            key = (*occurrence[:2], request.label)
            if key not in held:
                held.add(key)
                found.append(Placement(request.number, request.label, occurrence))
                break
    return found


# The order of the text

Candidates = list[tuple[Request, list[Occurrence]]]


def _innermost(candidates: list[Occurrence]) -> list[Occurrence]:
    """Leave out what holds another candidate, so that both starts and ends rise."""
    if len(candidates) < 2:
        return candidates
    kept: list[Occurrence] = []
    for occurrence in sorted(candidates, key=lambda o: (-o.start, o.end)):
        if not kept or occurrence.end < kept[-1].end:
            kept.append(occurrence)
    return kept[::-1]


def _in_text_order(requests: Candidates, latest: bool) -> list[Placement]:
    chain = _earliest(requests)
    if len(chain) < len(requests):
        chain = _longest_chain(requests)
    if latest:
        numbers = {placement.number for placement in chain}
        chain = _latest([(request, found) for request, found in requests if request.number in numbers])
    return chain


def _earliest(requests: Candidates) -> list[Placement]:
    """Take the first occurrence of each that begins after the one before, up to one that has none."""
    chain, end = [], 0
    for request, found in requests:
        i = bisect_left(found, end, key=attrgetter("start"))
        if i == len(found):
            break
        end = found[i].end
        chain.append(Placement(request.number, request.label, found[i]))
    return chain


def _latest(requests: Candidates) -> list[Placement]:
    """Take the last occurrence of each that ends before the next one; all can be placed."""
    chain, start = [], inf
    for request, found in reversed(requests):
        i = bisect_right(found, start, key=attrgetter("end")) - 1
        start = found[i].start
        chain.append(Placement(request.number, request.label, found[i]))
    return chain[::-1]


def _longest_chain(requests: Candidates) -> list[Placement]:
    """Like patience sorting: for each number of placed requests, the smallest end that they can have."""
    best: list[tuple[int, tuple | None]] = [(0, None)]
    for request, found in requests:
        for count in range(len(best) - 1, -1, -1):
            end, chain = best[count]
            i = bisect_left(found, end, key=attrgetter("start"))
            if i == len(found):
                continue
            longer = (found[i].end, (Placement(request.number, request.label, found[i]), chain))
            if count + 1 == len(best):
                best.append(longer)
            elif longer[0] < best[count + 1][0]:
                best[count + 1] = longer
    link, placements = best[-1][1], []
    while link is not None:
        placement, link = link
        placements.append(placement)
    return placements[::-1]


# Longer mentions first


class _Occupied:
    """The characters that placements have, or that requests may get."""

    def __init__(self, placed: Iterable[Placement], requests: Iterable[Request]):
        ends = [occurrence.end for request in requests for occurrence in request.candidates]
        ends += [placement.occurrence.end for placement in placed]
        self._characters = bytearray(max(ends, default=0))
        for placement in placed:
            self.add(placement.occurrence)

    def add(self, occurrence: Occurrence) -> None:
        self._characters[occurrence.start : occurrence.end] = b"\x01" * (occurrence.end - occurrence.start)

    def is_free(self, occurrence: Occurrence) -> bool:
        return self._characters.find(1, occurrence.start, occurrence.end) < 0


class _Neighbours:
    """The placements of each label, by their number in the list.

    use_order (bool): Whether a list whose placements rise is taken to be in the order of the text.
    """

    def __init__(self, placed: Iterable[Placement], *, use_order: bool):
        self.use_order = use_order
        self._by_label: dict[str, list[Placement]] = {}
        for placement in sorted(placed, key=attrgetter("number")):
            self._by_label.setdefault(placement.label, []).append(placement)
        self._in_order = {label: _rises(members) for label, members in self._by_label.items()}

    def add(self, placement: Placement) -> None:
        insort(self._by_label.setdefault(placement.label, []), placement, key=attrgetter("number"))

    def between(self, request: Request) -> tuple[float, float]:
        """Between which characters a mention lies, by its neighbours in the list of its label."""
        if not (self.use_order and self._in_order.get(request.label, True)):
            return 0, inf
        members = self._by_label.get(request.label, [])
        i = bisect_left(members, request.number, key=attrgetter("number"))
        after = members[i - 1].occurrence.end if i else 0
        return after, members[i].occurrence.start if i < len(members) else inf


def _rises(placements: Sequence[Placement]) -> bool:
    starts = [placement.occurrence.start for placement in placements]
    return starts == sorted(starts)


def _longest_first(
    requests: Sequence[Request], placed: Sequence[Placement], occupied: _Occupied, *, by_label: bool
) -> list[Placement]:
    groups: dict[tuple[Occurrence, ...], list[Request]] = {}
    for request in sorted(requests, key=lambda r: (-r.length, -r.score, r.number)):
        groups.setdefault(request.candidates, []).append(request)
    found: list[Placement] = []
    waiting: list[list[Request]] = []
    # What a longer mention may or may not take.
    wanted = _Occupied((), requests)
    for candidates, group in groups.items():
        group.sort()
        free = [*filter(occupied.is_free, candidates)]
        one_label = len(group) == 1 or len({request.label for request in group}) == 1
        if len(free) <= len(group) and one_label and (not waiting or all(map(wanted.is_free, free))):
            spare = iter(group)
            for occurrence in sorted(free):
                # Those of 'ab ab' in 'ab ab ab' overlap each other.
                if occupied.is_free(occurrence):
                    occupied.add(occurrence)
                    request = next(spare)
                    found.append(Placement(request.number, request.label, occurrence))
        else:
            waiting.append(group)
            for occurrence in free:
                wanted.add(occurrence)
    if waiting:
        neighbours = _Neighbours([*placed, *found], use_order=by_label)
        wanted = _Occupied((), requests)
        for group in waiting:
            found += _between_neighbours(group, occupied, wanted, neighbours)
            for occurrence in group[0].candidates:
                wanted.add(occurrence)
    return found


def _between_neighbours(
    group: Sequence[Request], occupied: _Occupied, wanted: _Occupied, neighbours: _Neighbours
) -> list[Placement]:
    """Give each the occurrence nearest to its neighbours in the list, between them; or else the first one."""
    free = [occurrence for occurrence in group[0].candidates if occupied.is_free(occurrence)]
    bounds = {request.number: neighbours.between(request) for request in group}
    fitting = {
        number: [occurrence for occurrence in free if after <= occurrence.start and occurrence.end <= before]
        for number, (after, before) in bounds.items()
    }
    found: list[Placement] = []
    # The mention with the least choice goes first.
    for request in sorted(group, key=lambda r: (len(fitting[r.number]), r.number)):
        choice = list(filter(occupied.is_free, fitting[request.number] or free))
        choice = choice or list(filter(occupied.is_free, free))
        if not choice:
            break
        after, before = bounds[request.number]
        # What isn't within a longer mention, and needs no widening, comes first.
        best = min(
            choice,
            key=lambda o: (
                not wanted.is_free(o),
                o.snapped,
                min(abs(o.start - after), abs(before - o.end)),
                o.start,
            ),
        )
        occupied.add(best)
        placement = Placement(request.number, request.label, best)
        neighbours.add(placement)
        found.append(placement)
    return found
