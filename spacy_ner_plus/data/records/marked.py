"""What a reader of texts with offsets finds in its source, before it is laid on tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class MarkedSpan:
    """A span as the source gives it.

    start (int): Its first character. As a rule in code points; how the source really counts is found out later.
    end (int): After its last character.
    label (str): Its label.
    text (str | None): Its text, where the source repeats it.
    id (str): What the source calls it; '' where it has no name.
    score (float | None): How sure its annotator is, from 0 to 1.
    """

    start: int
    end: int
    label: str
    text: str | None = None
    id: str = ""
    score: float | None = None


@dataclass(slots=True)
class MarkedText:
    """A record of a source: a text and its spans.

    text (str): The text as the offsets count it, with its white space.
    where (str): The record's place, such as 'train.jsonl:12'.
    spans (list[MarkedSpan] | None): Its spans; None where the record isn't annotated, [] where it is and has none.
    words (Sequence[str] | None): Its tokens, where the source has any.
    spaces (Sequence[bool] | None): Whether a space follows each of them; where it isn't said, or wrong, the text tells.
    sentence_starts (Sequence[int]): At which characters sentences begin, where the source says so.
    unread (list[str]): Annotation that can't be read and whose place in the text isn't known, as it was written.
        What no span covers is then missing rather than O.
    lost (list[tuple[int, int]]): Stretches of the text whose annotation can't be read: missing as well.
    missing (list[tuple[int, int]]): Stretches of which the source itself says that they aren't annotated.
    partial (bool): Whether the spans are all that is known: what none covers is missing rather than O, as of answers
        to 'is this an entity?'.
    id (str): What the source calls the record.
    meta (dict[str, Any]): What else the source says about it, in JSON's types.
    annotator (str): Who annotated it.
    """

    text: str
    where: str
    spans: list[MarkedSpan] | None = None
    words: Sequence[str] | None = None
    spaces: Sequence[bool] | None = None
    sentence_starts: Sequence[int] = ()
    unread: list[str] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    missing: list[tuple[int, int]] = field(default_factory=list)
    partial: bool = False
    id: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    annotator: str = ""
