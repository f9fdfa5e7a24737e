"""Annotated texts in windows of the model's own words, ready to learn from."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.zero_shot.span_model import SpanModel, Window
from spacy_ner_plus.models.zero_shot.windows import Stretch, Windowing, Word, lay_windows

WITHIN_A_WORD = "gold entity that begins or ends within a word of the model"
UNASKED = "gold entity whose label isn't asked for"
TOO_WIDE = "gold entity of more words than the model finds together"


class GoldSpan(NamedTuple):
    """An entity, by character of a text or by word of a window: from the first to the one after the last."""

    start: int
    end: int
    label: str


class GoldText(NamedTuple):
    """A text and what is known of it.

    text (str): The text.
    spans (Sequence[GoldSpan]): Its entities, by character.
    unknown (Sequence[Stretch]): Characters about which nothing was annotated.
    labels (frozenset[str] | None): Those that were annotated; None for all.
    """

    text: str
    spans: Sequence[GoldSpan]
    unknown: Sequence[Stretch]
    labels: frozenset[str] | None


class GoldWindow(NamedTuple):
    """A window and what is known of it.

    spans (Sequence[GoldSpan]): The entities that the model can find in it, by word.
    unknown (frozenset[int]): Words of which it isn't known what they are.
    labels (frozenset[str] | None): Those that were annotated; None for all.
    """

    window: Window
    spans: Sequence[GoldSpan]
    unknown: frozenset[int]
    labels: frozenset[str] | None


def gold_windows(model: SpanModel, texts: Sequence[GoldText], windowing: Windowing) -> list[GoldWindow]:
    """Lay texts out as they are laid out for prediction.

    Of an entity that the model can't find as it is, since it isn't made of whole words of the model's or of too many,
    words are unknown; so are those of an entity that a window cuts, which another one holds. `unlearnable` counts the
    first.

    windowing (Windowing): With as many wordpieces as the prompts leave.
    """
    return [window for text in texts for window in _windows_of(model, text, windowing)]


def unlearnable(model: SpanModel, texts: Sequence[GoldText], labels: Sequence[str], issues: IssueLog) -> None:
    """Count the entities that can't be learnt: the model's words don't fit, or their label isn't asked for."""
    for text in texts:
        for span in text.spans:
            if span.label not in labels:
                issues.add(UNASKED, f"{span.label}: {text.text[span.start : span.end]}")
        _by_words(text, model.words(text.text), model.widest, issues)


def _windows_of(model: SpanModel, text: GoldText, windowing: Windowing) -> Iterator[GoldWindow]:
    words = model.words(text.text)
    sizes = model.sizes(words)
    spans, lost = _by_words(text, words, model.widest, IssueLog())
    unknown = {i for stretch in (*text.unknown, *lost) for i in _touched(words, stretch)}
    for part in lay_windows(text.text, words, windowing, sizes):
        for start, end in part:
            if end - start == 1 and sizes[start] > windowing.pieces:
                continue
            whole = [
                GoldSpan(s.start - start, s.end - start, s.label)
                for s in spans
                if start <= s.start and s.end <= end
            ]
            cut = {
                i
                for s in spans
                if s.start < end and s.end > start and not (start <= s.start and s.end <= end)
                for i in range(s.start, s.end)
            }
            yield GoldWindow(
                Window(text.text[words[start].start : words[end - 1].end], words[start:end]),
                whole,
                frozenset(i - start for i in unknown | cut if start <= i < end),
                text.labels,
            )


def _by_words(
    text: GoldText, words: Sequence[Word], widest: int | None, issues: IssueLog
) -> tuple[list[GoldSpan], list[Stretch]]:
    """RETURNS (tuple[list[GoldSpan], list[Stretch]]): Entities by word, and the characters of those that are none."""
    starts = {word.start: i for i, word in enumerate(words)}
    ends = {word.end: i + 1 for i, word in enumerate(words)}
    found, lost = [], []
    for span in text.spans:
        start, end = starts.get(span.start), ends.get(span.end)
        if start is None or end is None:
            issues.add(WITHIN_A_WORD, text.text[span.start : span.end])
        elif widest is not None and end - start > widest:
            issues.add(TOO_WIDE, text.text[span.start : span.end])
        else:
            found.append(GoldSpan(start, end, span.label))
            continue
        lost.append(Stretch(span.start, span.end))
    return found, lost


def _touched(words: Sequence[Word], stretch: Stretch) -> Iterator[int]:
    return (i for i, word in enumerate(words) if word.start < stretch.end and word.end > stretch.start)
