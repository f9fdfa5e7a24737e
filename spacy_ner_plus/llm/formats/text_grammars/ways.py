"""What a reply may go on with, as terminals of llguidance: many ways that are nearly the same from place to place.

In a text of 2,000 words a mention may begin with 900 words, and a word further on with a few less. Written anew for
each place that is too much for llguidance, which writes an alternative of alternatives out as one. What is intersected
with nearly everything (OPAQUE) it leaves as it is until a reply comes to it. So ways are a tree of such alternatives,
of which a change writes one branch anew.
"""

from collections.abc import Iterable

OPAQUE = "OPAQUE"
# No reply has this character, and JSON never.
OPAQUE_TERMINAL = f'{OPAQUE}: ~"\\u0001"'
_WIDTH = 12


class Ways:
    """Alternatives that begin otherwise each.

    name (str): What the names of its terminals begin with.
    """

    def __init__(self, name: str):
        self._name = name
        self._places: dict[str, int] = {}
        # The ways, and above them the terminals of so many of them each, up to so many.
        self._levels: list[dict[int, str]] = [{}]
        self._written = 0

    def expect(self, beginnings: Iterable[str]) -> None:
        """Say of all ways how they begin, before the first is put: those that begin alike lie in one branch."""
        self._places = {beginning: place for place, beginning in enumerate(sorted(set(beginnings)))}
        size = len(self._places)
        while size > _WIDTH:
            size = -(-size // _WIDTH)
            self._levels.append({})

    def put(self, beginning: str, way: str, lines: list[str]) -> None:
        """Add a way, in place of the one that begins alike.

        way (str): An expression.
        lines (list[str]): Gets the terminals that change with it.
        """
        place = self._places[beginning]
        for level in self._levels[:-1]:
            level[place] = way
            place //= _WIDTH
            branch = [level[i] for i in range(place * _WIDTH, (place + 1) * _WIDTH) if i in level]
            self._written += 1
            way = f"{self._name}_{self._written}"
            lines.append(f"{way}: ({' | '.join(branch)}) & {OPAQUE}")
        self._levels[-1][place] = way

    def __str__(self) -> str:
        """RETURNS (str): An expression of all of them; '' for none."""
        return " | ".join(self._levels[-1].values())
