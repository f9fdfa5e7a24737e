"""From a copy of a text, which may have slips, back to the text's offsets."""

from bisect import bisect_left, bisect_right

from spacy_ner_plus.alignment.normalization import Normalised
from spacy_ner_plus.extras import from_extra


class OffsetMapping:
    """Offsets of a copy as offsets of the text, by the fewest edit operations between their normalised forms.

    copy (str): The copy, without white space around it.
    share (float): How much of the text is in the copy, from 0 to 1, differences of spelling left aside.
    """

    def __init__(self, copy: str, text: str):
        self.share = 1.0
        # White space around the text is no part of a copy.
        self._lead = len(text) - len(text.lstrip())
        self._same = copy == text.strip()
        if self._same:
            return
        with from_extra("llm"):
            from rapidfuzz.distance import Levenshtein

        self._length = len(text)
        self._copy, self._text = Normalised(copy), Normalised(text)
        operations = Levenshtein.opcodes(self._copy.text, self._text.text)
        self._starts = [op.src_start for op in operations]
        self._blocks = [(op.dest_start, op.tag in ("equal", "replace")) for op in operations]
        equal = sum(op.dest_end - op.dest_start for op in operations if op.tag == "equal")
        if self._text.text:
            self.share = equal / len(self._text.text)

    def original(self, offset: int) -> int:
        """RETURNS (int): Where the character at an offset of the copy comes from, or what follows it."""
        if self._same:
            return offset + self._lead
        at = bisect_left(self._copy.starts, offset)
        i = bisect_right(self._starts, at) - 1
        if i < 0:
            return 0
        start, is_copied = self._blocks[i]
        index = start + (at - self._starts[i] if is_copied else 0)
        return self._text.starts[index] if index < len(self._text.starts) else self._length
