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

# So many candidates a request are looked at one by one, on average; where there are more, rare ones lead the way.
_MOST_PAIRS = 64
_DEEPEST = 8
# Of so many pairs of a mention and an occurrence the best is chosen, by the mention's neighbours in the list.
_MOST_CHOICES = 20_000
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
        # Once for requests with the same candidates: words that a text repeats without end have many.
        free: dict[int, list[Occurrence]] = {}
        for request in requests:
            if id(request.candidates) not in free:
                found = _innermost([*filter(occupied.is_free, request.candidates)])
                free[id(request.candidates)] = found
        pairs = [(request, free[id(request.candidates)]) for request in requests]
        return _in_text_order([(request, found) for request, found in pairs if found], latest)
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
    # What isn't free stays so: of the same candidates, only those that come after are looked at again.
    free: dict[int, tuple[int, int]] = {}
    for request in requests:
        candidates = request.candidates
        first, second = free.get(id(candidates), (0, 1))
        first = occupied.next_free(candidates, first)
        second = occupied.next_free(candidates, max(second, first + 1))
        free[id(candidates)] = first, second
        if first < len(candidates):
            occupied.add(candidates[first])
            is_only = second >= len(candidates)
            found.append((Placement(request.number, request.label, candidates[first]), is_only))
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


def _longest_chain(requests: Candidates, depth: int = 0) -> list[Placement]:
    """Place as many as possible, or nearly so where requests have very many candidates.

    The exact way takes a step for each candidate of each request, which is the square of a word's number in a
    long text. So what has the fewest candidates is placed first, as by patience diff, and what lies between two
    such placements then has only the candidates there.
    """
    most = _MOST_PAIRS * len(requests)
    if sum(len(found) for _, found in requests) <= most:
        return _exact_chain(requests)
    rare = _rarest(requests, most) if depth < _DEEPEST else []
    anchors = {placement.number: placement for placement in _exact_chain(rare)}
    if not anchors:
        return _greedy_chain(requests)
    dropped = {request.number for request, _ in rare} - anchors.keys()
    chain: list[Placement] = []
    after, waiting = 0, []
    for request, found in requests:
        anchor = anchors.get(request.number)
        if anchor is not None:
            chain += _longest_chain(_between(waiting, after, anchor.occurrence.start), depth + 1)
            chain.append(anchor)
            after, waiting = anchor.occurrence.end, []
        elif request.number not in dropped:
            waiting.append((request, found))
    return chain + _longest_chain(_between(waiting, after, inf), depth + 1)


def _rarest(requests: Candidates, most: int) -> Candidates:
    """Those with the fewest candidates, in order, and up to a number of candidates in all."""
    sizes: dict[int, int] = {}
    for _, found in requests:
        sizes[len(found)] = sizes.get(len(found), 0) + len(found)
    total, largest = 0, 0
    for size in sorted(sizes):
        total += sizes[size]
        if total > most:
            break
        largest = size
    return [(request, found) for request, found in requests if len(found) <= largest]


def _between(requests: Candidates, after: float, before: float) -> Candidates:
    """Leave out the candidates that don't lie between two offsets."""
    inner: dict[int, list[Occurrence]] = {}
    for _, found in requests:
        if id(found) not in inner:
            first = bisect_left(found, after, key=attrgetter("start"))
            inner[id(found)] = found[first : bisect_right(found, before, key=attrgetter("end"))]
    return [(request, inner[id(found)]) for request, found in requests if inner[id(found)]]


def _exact_chain(requests: Candidates) -> list[Placement]:
    """Like patience sorting: for each number of placed requests, the smallest end that they can have."""
    ends = [0]
    chains: list[tuple | None] = [None]
    for request, found in requests:
        # The last first, so that none follows another of the same request.
        for occurrence in reversed(found):
            count = bisect_right(ends, occurrence.start)
            if count == len(ends):
                ends.append(occurrence.end)
                chains.append(None)
            elif occurrence.end >= ends[count]:
                continue
            ends[count] = occurrence.end
            chains[count] = (Placement(request.number, request.label, occurrence), chains[count - 1])
    link, placements = chains[-1], []
    while link is not None:
        placement, link = link
        placements.append(placement)
    return placements[::-1]


def _greedy_chain(requests: Candidates) -> list[Placement]:
    """Take the first occurrence of each that begins after the one before, if there is one."""
    chain, end = [], 0
    for request, found in requests:
        i = bisect_left(found, end, key=attrgetter("start"))
        if i < len(found):
            end = found[i].end
            chain.append(Placement(request.number, request.label, found[i]))
    return chain


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

    def next_free(self, candidates: Sequence[Occurrence], i: int) -> int:
        """RETURNS (int): The index of the first free one from an index on; their number where there is none."""
        while i < len(candidates) and not self.is_free(candidates[i]):
            i += 1
        return min(i, len(candidates))


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
    known: dict[int, list[Request]] = {}
    for request in sorted(requests, key=lambda r: (-r.length, -r.score, r.number)):
        group = known.get(id(request.candidates))
        if group is None:  # or else many candidates would be compared each time
            group = known[id(request.candidates)] = groups.setdefault(request.candidates, [])
        group.append(request)
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
    if len(group) * len(free) > _MOST_CHOICES:
        return _one_after_another(group, free, occupied, wanted)
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


def _one_after_another(
    group: Sequence[Request], free: Sequence[Occurrence], occupied: _Occupied, wanted: _Occupied
) -> list[Placement]:
    """Give them, in the order of the list, what isn't within longer mentions and needs no widening, then the rest."""
    best: list[Occurrence] = []
    for occurrence in sorted(free, key=lambda o: (not wanted.is_free(o), o.snapped, o.start)):
        if len(best) < len(group) and occupied.is_free(occurrence):
            occupied.add(occurrence)
            best.append(occurrence)
    return [
        Placement(request.number, request.label, occurrence)
        for request, occurrence in zip(sorted(group), sorted(best), strict=False)
    ]
