"""What wordpieces don't show of a written text: case patterns of words, and where lines begin."""

import unicodedata

import numpy as np

from spacy_ner_plus.models.encoders.tokenization import BatchText

# Pattern 0 is kept for special tokens and wordpieces outside any token.
CASE_PATTERNS = (
    "none",
    "symbols",
    "lower",
    "one upper letter",
    "all upper",
    "title",
    "mixed",
    "digits",
    "digits and lower",
    "digits and upper",
    "caseless letters",
)

_OTHER, _LOWER, _UPPER, _DIGIT, _CASELESS, _UNKNOWN = range(6)
_kinds = np.full(0x110000, _UNKNOWN, dtype=np.uint8)


def case_patterns(batch: BatchText) -> np.ndarray:
    """Classify how each token of a batch is written.

    RETURNS (Ints1d): Index into CASE_PATTERNS for each token, of shape (tokens,).
    """
    starts, ends = batch.starts, batch.ends
    kinds = _character_kinds(batch.text)

    def count(kind: int) -> np.ndarray:
        sums = np.concatenate(([0], np.cumsum(kinds == kind)))
        return sums[ends] - sums[starts]

    lower, upper, digits, caseless = count(_LOWER), count(_UPPER), count(_DIGIT), count(_CASELESS)
    letters = lower + upper + caseless
    first_upper = kinds[starts] == _UPPER
    conditions = [
        (letters == 0) & (digits == 0),
        (digits > 0) & (letters == 0),
        (digits > 0) & (upper > 0),
        digits > 0,
        (upper == 0) & (lower == 0),
        upper == 0,
        (upper == 1) & (lower == 0),
        lower == 0,
        (upper == 1) & first_upper,
    ]
    names = (
        "symbols",
        "digits",
        "digits and upper",
        "digits and lower",
        "caseless letters",
        "lower",
        "one upper letter",
        "all upper",
        "title",
    )
    return np.select(conditions, [CASE_PATTERNS.index(name) for name in names], CASE_PATTERNS.index("mixed"))


def line_starts(batch: BatchText) -> np.ndarray:
    """Find the tokens that begin a line, such as the first of a title, a list's item or a table's row.

    batch (BatchText): Each of its texts begins a line.
    RETURNS (ndarray[bool]): Whether a line break stands between each token and the one before, of
        shape (tokens,).
    """
    breaks = np.concatenate(([0], np.cumsum(_codes(batch.text) == ord("\n"))))[batch.starts]
    return np.diff(breaks, prepend=-1) > 0


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _character_kinds(text: str) -> np.ndarray:
    codes = _codes(text)
    kinds = _kinds[codes]
    if (kinds == _UNKNOWN).any():
        # The table fills as characters are met: all of Unicode at once would take half a second.
        for code in np.unique(codes[kinds == _UNKNOWN]):
            _kinds[code] = _kind(chr(code))
        kinds = _kinds[codes]
    return kinds


def _kind(char: str) -> int:
    category = unicodedata.category(char)
    if category in ("Lu", "Lt"):
        return _UPPER
    if category == "Ll":
        return _LOWER
    if category.startswith("L"):
        return _CASELESS
    return _DIGIT if category.startswith("N") else _OTHER
