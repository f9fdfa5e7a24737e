"""How long replies get, measured on the ideal replies that a format writes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spacy_ner_plus.llm.formats import ReplyFormat

logger = logging.getLogger(__name__)
# A text to write replies to, and how many words after an entity the next one begins where it is full of them.
_WORDS = ("Gothenburg", "is", "by", "the", "Kattegat", "like", "old", "and") * 12
_FULL = 4
# Of the limit, since tokens of tags and quotes are shorter than those of words.
_FILLED = 0.75
# Bytes of a token, in most scripts about.
_BYTES = 3.5
# Where the server's own limit may be lower than what is asked for, a reply is cut earlier.
_LEAST_LIMIT = 512


@dataclass(frozen=True, slots=True)
class ReplyLength:
    """What a reply takes, in its tokens for each token of text.

    limit (int | None): At how many tokens a reply is cut; None where that isn't known.
    base (float): Of a reply without entities.
    full (float): Where every fourth word is an entity.
    most (float): Where every word is one.
    """

    limit: int | None
    base: float = 0.0
    full: float = 1.0
    most: float = 1.0

    @classmethod
    def measure(
        cls, format: ReplyFormat, labels: Sequence[str], count: Callable[[str], int], limit: int | None
    ) -> "ReplyLength":
        """Measure the ideal replies of a format.

        count (Callable[[str], int]): Counts tokens.
        """
        text = " ".join(_WORDS)
        tokens = max(count(text), 1)

        def reply(each: int) -> float:
            spans, at = [], 0
            for number, word in enumerate(_WORDS):
                if each and number % each == 0:
                    spans.append((at, at + len(word), labels[len(spans) % len(labels)]))
                at += len(word) + 1
            return count(format.render(spans, labels, text))

        if not labels:
            return cls(limit)
        try:
            base = count(format.render([], labels, ""))
            return cls(limit, base, (reply(_FULL) - base) / tokens, (reply(1) - base) / tokens)
        except Exception as error:  # noqa: BLE001 - of users' own formats, some of which write no replies
            logger.debug("The format '%s' writes no ideal reply: %s", format.name, error)
            return cls(limit)

    def text_tokens(self, *, least: int) -> int | None:
        """RETURNS (int | None): Of how many tokens of text the reply isn't cut, even where every fourth word is an
        entity; None where that isn't known."""
        if self.limit is None:
            return None
        return max(int((_FILLED * self.limit - self.base) / max(self.full, 0.01)), least)

    def may_be_cut(self, text: str) -> bool:
        """RETURNS (bool): Whether an answer about a text may be so long that it is cut, if every word is an entity."""
        limit = _LEAST_LIMIT if self.limit is None else min(self.limit, _LEAST_LIMIT)
        return self.base + self.most * len(text.encode()) / _BYTES >= limit
