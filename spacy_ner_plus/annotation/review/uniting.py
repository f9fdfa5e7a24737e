"""What one person said about one text, where that came in several submissions."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from spacy_ner_plus.annotation.review.tasks import Submission, TaskSpan


def unite(earlier: Submission, later: Submission) -> Submission:
    """Let a submission stand beside a later one of the same person about the same text, as far as that leaves it.

    The later one counts where it says anything; elsewhere, as around the span of a yes or no, and in what can't be
    read, the earlier one does. Two that have no label and no place in common are answers to two questions: both count.

    earlier (Submission): Of the same text.
    later (Submission): Its id, time and place are taken.
    RETURNS (Submission): Both.
    """
    text, new = later.text, {_bounds(span) for span in later.spans}
    left_open, taken = _places(later.missing, text), _covered(later.spans, text)
    others = [span for span in earlier.spans if _bounds(span) not in new]
    clear = [span for span in others if taken.isdisjoint(_covered([span], text))]
    labels = {span.label for span in later.spans}
    if not (labels and len(clear) == len(earlier.spans) and labels.isdisjoint(span.label for span in clear)):
        clear = [span for span in clear if _letters(span, text) <= left_open]
    unknown = _places(earlier.missing, text)
    unknown |= _covered([span for span in others if span not in clear], text)
    seconds = [one.seconds for one in (earlier, later) if one.seconds is not None]
    return replace(
        later,
        spans=tuple(sorted((*clear, *later.spans), key=_bounds)),
        missing=tuple(_stretches(left_open & unknown)),
        seconds=sum(seconds) if seconds else None,
        predictions=later.predictions if earlier.predictions is None else earlier.predictions,
    )


def lost_spans(earlier: Submission, united: Submission) -> list[TaskSpan]:
    """RETURNS (list[TaskSpan]): The spans of a submission that `unite` didn't keep."""
    kept = {_bounds(span) for span in united.spans}
    return [span for span in earlier.spans if _bounds(span) not in kept]


def _bounds(span: TaskSpan) -> tuple[int, int, str]:
    return span.start, span.end, span.label


def _letters(span: TaskSpan, text: str) -> set[int]:
    """RETURNS (set[int]): The characters of a span without white space, of which nobody says anything."""
    return {i for i in _covered([span], text) if not text[i].isspace()}


def _covered(spans: Sequence[TaskSpan], text: str) -> set[int]:
    return _places(((span.start, span.end) for span in spans), text)


def _places(stretches: Iterable[tuple[int, int]], text: str) -> set[int]:
    """RETURNS (set[int]): The characters of stretches of a text, whose offsets may be anything."""
    return {i for start, end in stretches for i in range(max(0, start), min(len(text), end))}


def _stretches(places: Collection[int]) -> Iterator[tuple[int, int]]:
    for _, group in groupby(enumerate(sorted(places)), lambda pair: pair[1] - pair[0]):
        run = [place for _, place in group]
        yield run[0], run[-1] + 1
