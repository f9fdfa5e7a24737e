"""From a copy of a text, which may have slips, back to the text's offsets."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from spacy_ner_plus.alignment.normalization import Normalised
from spacy_ner_plus.extras import from_extra

_WORD = re.compile(r"\w+")
# After these a copy may go on elsewhere.
_ENDS = frozenset(".!?\n\u3002\uff01\uff1f")
# What is left out may be moved from this many characters on.
_LEAST_GAP = 4


class OffsetMapping:
    """Offsets of a copy as offsets of the text, by the fewest edit operations between their normalised forms.

    copy (str): The copy, without white space around it.
    share (float): How much of the text is in the copy, from 0 to 1, differences of spelling left aside.
    kept (float): How much of the copy is in the text, likewise.
    """

    def __init__(self, copy: str, text: str):
        self.share = self.kept = 1.0
        # White space around the text is no part of a copy.
        self._lead = len(text) - len(text.lstrip())
        self._same = copy == text.strip()
        if self._same:
            return
        with from_extra("llm"):
            from rapidfuzz.distance import Levenshtein

        self._length = len(text)
        self._moved: list[tuple[int, int]] = []
        self._copy, self._text = Normalised(copy), Normalised(text)
        operations = Levenshtein.opcodes(self._copy.text, self._text.text)
        blocks = [[op.src_start, op.dest_start, op.tag in ("equal", "replace")] for op in operations]
        self._read = bytearray(len(self._text.text))
        for number, op in enumerate(operations):
            if op.tag == "equal":
                self._read[op.dest_start : op.dest_end] = b"\x01" * (op.dest_end - op.dest_start)
            elif op.tag == "insert":
                self._slide(number, operations, blocks)
        for start, end in self._moved:
            self._read[start:end] = b"\x01" * (end - start)
        self._starts = [start for start, _, _ in blocks]
        self._blocks = [(start, is_copied) for _, start, is_copied in blocks]
        if self._text.text:
            self.share = sum(self._read) / len(self._text.text)
        if self._copy.text:
            equal = sum(op.src_end - op.src_start for op in operations if op.tag == "equal")
            self.kept = equal / len(self._copy.text)

    def _slide(self, number: int, operations: Sequence[Any], blocks: list[list[Any]]) -> None:
        """Move what the copy leaves out, where that is open: to where a sentence ends before it.

        Of "Ann met Bo. Ann left." a copy "Ann left." is its end, and its 'Ann' the second one.
        """
        text, gap = self._text.text, operations[number]
        if not 0 < number < len(operations) - 1 or gap.dest_end - gap.dest_start < _LEAST_GAP:
            return
        before, after = operations[number - 1], operations[number + 1]
        if before.tag != "equal" or after.tag != "equal":
            return
        most = before.dest_end - before.dest_start
        for by in range(most + 1):
            start = gap.dest_start - by
            if start == 0 or text[start - 1] in _ENDS:
                for block in (blocks[number], blocks[number + 1]):
                    block[0] -= by
                    block[1] -= by
                end = gap.dest_end
                self._read[start : start + by] = bytes(by)
                self._moved.append((end - by, end))
                return
            if text[start - 1] != text[gap.dest_end - by - 1]:
                return

    def unread(self) -> list[tuple[int, int]]:
        """Find what of the text the copy leaves out.

        A word is in the copy if half of it is, at its place. Single words that happen to be in what stands
        for something else don't count.

        RETURNS (list[tuple[int, int]]): Start and end of stretches of whole words, in the text.
        """
        if self._same:
            return []
        bounds = [(word.start(), word.end()) for word in _WORD.finditer(self._text.text)]
        read = [2 * sum(self._read[start:end]) >= end - start for start, end in bounds]
        stretches: list[list[int]] = []
        for i, (start, end) in enumerate(bounds):
            alone = i > 0 and not read[i - 1] and i + 1 < len(read) and not read[i + 1] and end - start < 4
            if read[i] and not alone:
                continue
            if stretches and i and (not read[i - 1] or stretches[-1][2] == i - 1):
                stretches[-1][1:] = [end, i]
            else:
                stretches.append([start, end, i])
        return [(self._text.starts[start], self._text.ends[end - 1]) for start, end, _ in stretches]

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
