"""What a copy of a text has that the text doesn't, by words and signs."""

import re
import unicodedata
from collections import Counter

from spacy_ner_plus.alignment.normalization import Normalised, normalise
from spacy_ner_plus.extras import from_extra

_WORD = re.compile(r"[^\W_]+")
_QUOTES = frozenset("\"'")
# By these, writers mark words. Others stand for each other in copies: '^' for a superscript, '~' for 'about'.
_MARKS = frozenset("*_@#{}[]|<>()`=\u3010\u3011\u3014\u3015\u300c\u300d\u300e\u300f")
_BULLET = re.compile(r"^[ \t]*[*\u2022\u00b7\u25aa\u25cf-][ \t]+", re.MULTILINE)


class CopiedWords:
    """The words of a copy beside those of its text, by the fewest words that are added, left out or replaced.

    size (int): How many words the text has.
    before (str): What stands in the copy before its first word that is one of the text's, or in place of one.
    middle (str): From there to the end of the line of its last such word.
    after (str): What follows that word.
    added (list[list[str]]): The words that are added between these two, those that stand together in one list.
    replaced (list[tuple[str, str]]): Words in place of words of the text, with these. In normalised form.
    """

    def __init__(self, copy: str, text: str):
        with from_extra("llm"):
            from rapidfuzz.distance import Levenshtein

        self._copy, self._text = copy, text
        ours, theirs = Normalised(copy), Normalised(text)
        words = list(_WORD.finditer(ours.text))
        source = [word[0] for word in words]
        target = _WORD.findall(theirs.text)
        self.size = len(target)
        operations = Levenshtein.opcodes(source, target)
        self.added: list[list[str]] = []
        self.replaced: list[tuple[str, str]] = []
        first, last = len(source), 0
        for op in operations:
            if op.tag in ("equal", "replace"):
                first, last = min(first, op.src_start), op.src_end
            if op.tag == "replace":
                self.replaced += zip(
                    source[op.src_start : op.src_end], target[op.dest_start : op.dest_end], strict=True
                )
        self.added = [
            source[op.src_start : op.src_end]
            for op in operations
            if op.tag == "delete" and first <= op.src_start < last
        ]
        start = ours.starts[words[first].start()] if first < len(words) else len(copy)
        end = ours.ends[words[last - 1].end() - 1] if last else len(copy)
        line_end = copy.find("\n", end)
        self.before, self.after = copy[:start], copy[end:]
        self.middle = copy[start : line_end if line_end >= 0 else len(copy)]

    def marks(self) -> str:
        """RETURNS (str): Signs that mark words, which the middle of the copy has more often than the text."""
        return _more(self.middle, self._text, _MARKS)

    def all_marks(self) -> str:
        """RETURNS (str): Those that all of the copy has more often, and quotes, but for one pair around all of it."""
        copy = self._copy.strip()
        found = _more(copy, self._text, _MARKS)
        copy, text = normalise(copy), normalise(self._text)
        if len(copy) > 1 and copy[0] == copy[-1] and copy[0] in _QUOTES:
            copy = copy[1:-1]
        quotes = _more(copy, text, _QUOTES)
        # One may be a slip.
        return found + (quotes if len(quotes) > 1 else "")


def _more(copy: str, text: str, signs: frozenset[str]) -> str:
    counts = [
        Counter(sign for sign in unicodedata.normalize("NFKC", _BULLET.sub("", each)) if sign in signs)
        for each in (copy, text)
    ]
    return "".join((counts[0] - counts[1]).elements())
