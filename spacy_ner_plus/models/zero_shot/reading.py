"""Texts read by a model: laid out in windows, in batches of like length, and what was found put together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeVar

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.zero_shot.prompts import Prompts
from spacy_ner_plus.models.zero_shot.span_model import Candidate, SpanModel, Window
from spacy_ner_plus.models.zero_shot.windows import Stretch, Windowing, Word, lay_windows, merge_windows

TOO_LONG = "word that is longer than the model reads"


class Question(NamedTuple):
    """What is asked about a text.

    text (str): The text.
    prompts (Prompts): What is asked for; nothing is found where there are none.
    least (tuple[float, ...]): For each prompt, the least logit.
    """

    text: str
    prompts: Prompts
    least: tuple[float, ...]


class FoundSpan(NamedTuple):
    """A span that was found.

    start, end (int): By character.
    prompt (int): Number of the prompt.
    logit (float): What the logistic function makes the score of.
    """

    start: int
    end: int
    prompt: int
    logit: float


@dataclass(frozen=True)
class Layout:
    """How texts are laid out for a model, and how much is computed at once.

    windowing (Windowing): Windows in words.
    batch_words (int): Most words, those of prompts counted, that are computed at once.
    """

    windowing: Windowing
    batch_words: int


class _Piece(NamedTuple):
    """A window of a text that is asked for some of its prompts."""

    part: int
    number: int
    window: Window
    first: int


def read_texts(
    model: SpanModel, questions: Sequence[Question], layout: Layout, issues: IssueLog
) -> list[list[FoundSpan]]:
    """Find the spans that a model scores high enough.

    issues (IssueLog): Where words that are longer than the model reads are counted; no entity has one.
    RETURNS (list[list[FoundSpan]]): For each text, in order; they may lie in each other and overlap.
    """
    parts: list[_Part] = []
    sizes: dict[Prompts, tuple[int, list[int]]] = {}
    for number, question in enumerate(questions):
        if question.prompts:
            if question.prompts not in sizes:
                sizes[question.prompts] = model.prompt_sizes(question.prompts)
            parts += _parts_of(model, number, question, layout.windowing, sizes[question.prompts])
    asked: dict[tuple[Prompts, tuple[float, ...]], list[_Piece]] = defaultdict(list)
    for i, part in enumerate(parts):
        for number, stretch in enumerate(part.windows):
            words = part.words[stretch.start : stretch.end]
            if len(words) == 1 and part.sizes[stretch.start] > part.room:
                issues.add(TOO_LONG, f"{words[0].text[:60]}...")
                continue
            window = Window(part.text[words[0].start : words[-1].end], words)
            asked[part.prompts, part.least].append(_Piece(i, number, window, stretch.start))
    for (prompts, least), pieces in asked.items():
        beside = sum(len(prompt.name.split()) + 1 for prompt in prompts) if model.reads_prompts else 0
        for batch in batch_windows(pieces, layout.batch_words, beside):
            results = model.score([piece.window for piece in batch], prompts, least)
            for piece, candidates in zip(batch, results, strict=True):
                moved = [c._replace(start=c.start + piece.first, end=c.end + piece.first) for c in candidates]
                parts[piece.part].found[piece.number] = moved
    found: list[list[FoundSpan]] = [[] for _ in questions]
    for part in parts:
        for span in merge_windows(part.windows, part.found):
            start, end = part.words[span.start].start, part.words[span.end - 1].end
            found[part.question].append(FoundSpan(start, end, part.first_prompt + span.prompt, span.logit))
    return [sorted(spans) for spans in found]


@dataclass
class _Part:
    """A stretch of a text that is read by itself, and asked for some of the prompts."""

    question: int
    text: str
    words: Sequence[Word]
    windows: Sequence[Stretch]
    prompts: Prompts
    least: tuple[float, ...]
    first_prompt: int
    sizes: Sequence[int]
    room: int
    found: list[list[Candidate]]


def _parts_of(
    model: SpanModel,
    number: int,
    question: Question,
    windowing: Windowing,
    prompt_sizes: tuple[int, list[int]],
) -> Iterator[_Part]:
    words = model.words(question.text)
    sizes = model.sizes(words)
    for first, after, left in divide_prompts(prompt_sizes, model.limit, sum(sizes)):
        laid = lay_windows(question.text, words, replace(windowing, pieces=left), sizes)
        for windows in laid:
            yield _Part(
                number,
                question.text,
                words,
                windows,
                question.prompts[first:after],
                question.least[first:after],
                first,
                sizes,
                left,
                [[] for _ in windows],
            )


def divide_prompts(
    prompt_sizes: tuple[int, Sequence[int]], limit: int, pieces: int
) -> Iterator[tuple[int, int, int]]:
    """Divide prompts into as few groups as leave room for a text beside them.

    A text gets all the room that it needs, or half of what the model reads at once.

    prompt_sizes (tuple[int, Sequence[int]]): How many wordpieces come whatever is asked, and with each prompt.
    limit (int): How many the model reads at once.
    pieces (int): How many the text has.
    YIELDS (tuple[int, int, int]): First prompt of a group, the one after its last, and how many wordpieces are left.
    """
    fixed, sizes = prompt_sizes
    room = max(limit - fixed - min(pieces, limit // 2), 1)
    # Of like size.
    share = sum(sizes) / max(-(-sum(sizes) // room), 1)
    first = used = 0
    for i, size in enumerate(sizes):
        if i > first and (used + size > room or used >= share > 0):
            yield first, i, max(limit - fixed - used, 1)
            first, used = i, 0
        used += size
    yield first, len(sizes), max(limit - fixed - used, 1)


class _Windowed(Protocol):
    @property
    def window(self) -> Window: ...


W = TypeVar("W", bound=_Windowed)


def batch_windows(pieces: Sequence[W], most: int, beside: int) -> Iterator[list[W]]:
    """Windows of like length together, the longest first: what doesn't fit into memory fails at once.

    most (int): Most words that are computed at once.
    beside (int): Words that are read with each window.
    """
    batch: list[W] = []
    width = 0
    for piece in sorted(pieces, key=lambda piece: -len(piece.window.words)):
        width = width or len(piece.window.words) + beside
        if batch and (len(batch) + 1) * width > most:
            yield batch
            batch, width = [], len(piece.window.words) + beside
        batch.append(piece)
    if batch:
        yield batch
