"""Tokens that a source gives by their places in a text, as a Doc takes them: words that make up the text."""

import re
from collections.abc import Iterable, Iterator


def words_between(text: str, bounds: Iterable[tuple[int, int]]) -> tuple[list[str], list[bool]] | None:
    """Cut a text into its tokens, and what lies between them at white space.

    One space after a token is its own; other white space becomes a token, as spaCy's tokenizer makes it.

    bounds (Iterable[tuple[int, int]]): First character of each token, and the one after its last, in order.
    RETURNS (tuple[list[str], list[bool]] | None): Words, and whether a space follows each, as `MarkedText` takes
        them; None where tokens overlap, are empty or lie outside of the text.
    """
    words: list[str] = []
    spaces: list[bool] = []
    at = 0
    for start, end in bounds:
        if not at <= start < end <= len(text):
            return None
        for word in (*_pieces(text[at:start], bool(words)), text[start:end]):
            _add(word, words, spaces)
        at = end
    for word in _pieces(text[at:], bool(words)):
        _add(word, words, spaces)
    return words, spaces


def _pieces(gap: str, follows: bool) -> Iterator[str]:
    """Cut what no token covers into words and white space; the space that a token before it has is by itself."""
    for piece in re.findall(r"\s+|\S+", gap):
        if piece[0] == " " and follows:
            yield " "
            piece = piece[1:]
        if piece:
            yield piece
        follows = not piece.isspace()


def _add(word: str, words: list[str], spaces: list[bool]) -> None:
    if word == " " and words and not spaces[-1] and not words[-1].isspace():
        spaces[-1] = True
    else:
        words.append(word)
        spaces.append(False)
