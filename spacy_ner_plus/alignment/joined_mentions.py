"""Several mentions that a reply writes as one: 'Ann Lee, Bo', 'Ann Lee and Bo', 'Rome/Oslo', 'Rome; Oslo'."""

import re

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.occurrences import OccurrenceFinder

_AND = re.compile(r"\s+and\s+|\s*&\s*", re.IGNORECASE)
_JOINT = re.compile(r"\s*[,;]\s*(?:and\s+|&\s*)?|\s*/\s*|\s+and\s+|\s*&\s*", re.IGNORECASE)


def split_mention(finder: OccurrenceFinder, mention: Mention) -> tuple[Mention, ...]:
    """Take a mention apart that joins several.

    RETURNS (tuple[Mention, ...]): Its parts; none where the text has the mention itself in some spelling, hasn't
        got each part exactly, or has two of them as neighbours, such as 'Ann Lee' for 'Lee, Ann'.
    """
    text = mention.text.strip()
    bounds = _part_bounds(text)
    if len(bounds) < 2 or text in finder.text or finder.normalised(text) or finder.drops(text):
        return ()
    if (other := with_other_and(text)) and finder.normalised(other):
        return ()
    parts = [text[start:end] for start, end in bounds]
    if not all(finder.exact(part) for part in parts):
        return ()
    distinct = set(parts)
    if any(finder.normalised(f"{a} {b}") for a in distinct for b in distinct if a != b):
        return ()
    # Where the reply escapes nothing, each part's place in it is known, too.
    is_plain = mention.reply_end - mention.reply_start == len(mention.text)
    first = mention.reply_start + mention.text.index(text)
    return tuple(
        mention._replace(text=part, reply_start=first + start, reply_end=first + end)
        if is_plain
        else mention._replace(text=part)
        for part, (start, end) in zip(parts, bounds, strict=True)
    )


def with_other_and(text: str) -> str:
    """RETURNS (str): A mention with '&' for 'and' and the other way round; '' where it has neither."""
    other = _AND.sub(lambda joint: " and " if "&" in joint.group() else " & ", text)
    return other if other != text else ""


def _part_bounds(text: str) -> list[tuple[int, int]]:
    bounds, at = [], 0
    for joint in _JOINT.finditer(text):
        bounds.append((at, joint.start()))
        at = joint.end()
    return [(start, end) for start, end in [*bounds, (at, len(text))] if start < end]
