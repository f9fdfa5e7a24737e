"""How a source counts its offsets, found out by the spans that carry their own text.

Most tools count code points from 0 and stop before the end. Some count UTF-16 units, as JavaScript does, or bytes;
some name the last character rather than the one after it, or begin with 1; some count on a text whose beginning was
stripped, or whose line ends were one character. Each such way is tried on the whole source, and one is believed
where it fits nearly all spans and clearly more than any other way.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import accumulate

from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.utf16 import is_wide, utf16_offsets

AS_GIVEN = "code-points"
# As they stand, offsets are believed where at least this share fits; any other way needs more.
ENOUGH_AS_GIVEN = 0.5
ENOUGH = 0.99
# So many spans more than the next best way must fit.
LEAD = 3

# A place in a text (its index in code points) by the source's offset; None where there is none.
Translate = Callable[[int], int | None]


def _shifted(by: int) -> Callable[[str], Translate]:
    return lambda text: lambda offset: offset + by


def _by_offsets(count: Callable[[str], Iterable[int]]) -> Callable[[str], Translate]:
    """Count as `count` says, which gives the offset of each place in a text."""

    def of_text(text: str) -> Translate:
        places = {offset: i for i, offset in enumerate(count(text))}
        return places.get

    return of_text


def _utf8_offsets(text: str) -> Iterable[int]:
    return accumulate((len(char.encode("utf-8", "surrogatepass")) for char in text), initial=0)


def _stripped(text: str) -> Translate:
    gap = len(text) - len(text.lstrip())
    return lambda offset: offset + gap


def _one_line_end(text: str) -> Translate:
    # "\r\n" is one character, whose index is that of its "\r".
    places = [i for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n"]
    return lambda offset: places[offset] if 0 <= offset < len(places) else None


# By name: how a text's offsets translate, for starts and for ends.
UNITS: dict[str, tuple[Callable[[str], Translate], Callable[[str], Translate]]] = {
    AS_GIVEN: (_shifted(0), _shifted(0)),
    "utf-16": (_by_offsets(utf16_offsets), _by_offsets(utf16_offsets)),
    "bytes": (_by_offsets(_utf8_offsets), _by_offsets(_utf8_offsets)),
    "inclusive": (_shifted(0), _shifted(1)),
    "from-1": (_shifted(-1), _shifted(-1)),
    "from-1-inclusive": (_shifted(-1), _shifted(0)),
    "one-short": (_shifted(1), _shifted(1)),
    "one-long": (_shifted(0), _shifted(-1)),
    "stripped": (_stripped, _stripped),
    "one-line-end": (_one_line_end, _one_line_end),
}
MEANINGS = {
    AS_GIVEN: "code points from 0, ends exclusive",
    "utf-16": "UTF-16 units",
    "bytes": "UTF-8 bytes",
    "inclusive": "ends inclusive",
    "from-1": "characters from 1",
    "from-1-inclusive": "characters from 1, ends inclusive",
    "one-short": "one too few",
    "one-long": "ends one too many",
    "stripped": "from the text's first character that is no white space",
    "one-line-end": "a line end of two characters as one",
}


def _same_as_given(text: str) -> tuple[str, ...]:
    """RETURNS (tuple[str, ...]): The ways that count a text as code points do, for which nothing need be tried."""
    return tuple(
        name
        for name, is_same in (
            ("utf-16", not is_wide(text)),
            ("bytes", text.isascii()),
            ("stripped", not text[:1].isspace()),
            ("one-line-end", "\r\n" not in text),
        )
        if is_same
    )


def is_text_of(text: str, span: MarkedSpan, start: int | None = None, end: int | None = None) -> bool:
    """RETURNS (bool): Whether a span's own text stands at its offsets, or at those given; white space aside."""
    found = _found(text, span, start, end)
    return bool(found.strip()) and span.text is not None and found.split() == span.text.split()


def _is_exactly(text: str, span: MarkedSpan, start: int, end: int) -> bool:
    # White space at the ends would make ways alike that are one apart; within, tools write a line break as a space.
    found = _found(text, span, start, end)
    if found == span.text:
        return True
    return found.split() == (span.text or "").split() and found.strip() == found and bool(found)


def _found(text: str, span: MarkedSpan, start: int | None, end: int | None) -> str:
    start = span.start if start is None else start
    end = span.end if end is None else end
    return text[start:end] if 0 <= start <= end <= len(text) else ""


class OffsetUnits:
    """One way to count, for the spans of all texts of a source.

    name (str): One of UNITS.
    """

    def __init__(self, name: str = AS_GIVEN):
        if name not in UNITS:
            raise UserError(Errors.E170.format(offsets=name, units=", ".join(["auto", *UNITS])))
        self.name = name

    def translate(self, marked: MarkedText) -> None:
        """Write a text's spans and what is lost or missing of it in code points; a span whose offsets lie between
        characters gets -1, and what can't be found of what is lost or missing may be anywhere."""
        if self.name == AS_GIVEN or not (marked.spans or marked.lost or marked.missing):
            return
        starts, ends = (unit(marked.text) for unit in UNITS[self.name])
        for span in marked.spans or ():
            start, end = starts(span.start), ends(span.end)
            span.start, span.end = (-1, -1) if start is None or end is None else (start, end)
        places = [(starts(start), ends(end)) for start, end in marked.lost]
        marked.lost = [(start, end) for start, end in places if start is not None and end is not None]
        marked.unread += ["annotation between two characters"] * (len(places) - len(marked.lost))
        places = [(starts(start), ends(end)) for start, end in marked.missing]
        marked.missing = [(start, end) for start, end in places if start is not None and end is not None]
        marked.partial = marked.partial or len(marked.missing) < len(places)


class UnitFinder:
    """Counts which ways fit the spans of a source that carry their own text.

    checked (int): Spans that were tried.
    fits (Counter[str]): By way, how many spans it fits.
    """

    def __init__(self) -> None:
        self.checked = 0
        self.fits: Counter[str] = Counter()
        # By way, what the places come to that it gives the spans: ways that give the same are no rivals.
        self._places = dict.fromkeys(UNITS, 0)

    def add(self, marked: MarkedText) -> None:
        """Try all ways on a text's spans."""
        spans = [span for span in marked.spans or () if span.text is not None and span.text.strip()]
        if not spans:
            return
        self.checked += len(spans)
        same = _same_as_given(marked.text)
        for name, units in UNITS.items():
            if name in same:
                continue
            starts, ends = (unit(marked.text) for unit in units)
            alike = (name, *same) if name == AS_GIVEN else (name,)
            for span in spans:
                start, end = starts(span.start), ends(span.end)
                has_place = start is not None and end is not None and start < end
                fits = has_place and _is_exactly(marked.text, span, start, end)
                for each in alike:
                    self.fits[each] += fits
                    self._places[each] = hash((self._places[each], start, end))

    def best(self) -> str:
        """RETURNS (str): The way that is believed: AS_GIVEN unless another is clearly better."""
        if self.fits[AS_GIVEN] >= self.checked * ENOUGH_AS_GIVEN:
            return AS_GIVEN
        name, most = self.fits.most_common(1)[0]
        others = [self.fits[other] for other in UNITS if self._places[other] != self._places[name]]
        is_clear = most >= self.checked * ENOUGH and most >= max(others, default=0) + LEAD
        return name if is_clear else AS_GIVEN

    def hint(self) -> str:
        """Say what would fit where no way is believed.

        RETURNS (str): A sentence; '' where the offsets fit as they stand, or nothing fits better.
        """
        as_given = self.fits[AS_GIVEN]
        fitting = [(name, count) for name, count in self.fits.most_common() if count > as_given]
        if self.best() != AS_GIVEN or not fitting:
            return ""
        # Where most fit as they stand, only a way that fits nearly all is worth a try.
        if as_given >= self.checked * ENOUGH_AS_GIVEN and fitting[0][1] < self.checked * ENOUGH:
            return ""
        ways = ", ".join(
            f"`offsets` {name} ({MEANINGS[name]}): {count} of {self.checked}" for name, count in fitting[:3]
        )
        return (
            f"The texts of {self.checked - self.fits[AS_GIVEN]} of {self.checked} spans aren't at their offsets. "
            f"They would be with {ways} (--offsets)."
        )
