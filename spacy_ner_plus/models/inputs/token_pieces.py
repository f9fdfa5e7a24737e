"""Which wordpieces stand for which tokens; those that several tokens would share are cut."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.models.encoders.tokenization import SEPARATOR, BatchText, Wordpieces, WordpieceTokenizer

# Unicode's categories of control and format characters and of lone surrogates.
_INVISIBLE = ("Cc", "Cf", "Cs")


def read_wordpieces(batch: BatchText, tokenizer: WordpieceTokenizer) -> Wordpieces:
    """Tokenize the texts of a batch.

    RETURNS (Wordpieces): Those of whole texts. But where one reaches over several tokens, and some of these
        have none that begins in them, the network couldn't tell these apart, as in 'can' and 'not' of
        'cannot' or Chinese by characters. Such tokens, with all that wordpieces tie them to, are tokenized
        one by one, if `tokenizer.cuts_at_tokens`.
    """
    pieces = tokenizer(batch.parts)
    if tokenizer.cuts_at_tokens:
        groups = _sharing(batch, pieces)
        if groups:
            return _cut(batch, pieces, groups, tokenizer)
    return pieces


def token_places(batch: BatchText, pieces: Wordpieces) -> tuple[np.ndarray, np.ndarray]:
    """Align wordpieces and tokens by their characters.

    RETURNS (tuple[Ints1d, Ints1d]): For each wordpiece the token it begins in
        (-1 for none), and for each token the wordpiece that stands for it: the
        first that begins in it, else the last that reaches into it, else -1, as for
        white space and characters that the tokenizer drops.
    """
    n_tokens, n_pieces = len(batch.starts), len(pieces.ids)
    first_piece = np.full(n_tokens, -1, dtype=np.int64)
    if not n_tokens or not n_pieces:
        return np.full(n_pieces, -1, dtype=np.int64), first_piece
    touched = _touched(batch, pieces)
    begins = np.where(touched.any, touched.first, -1)
    order = np.arange(n_pieces)[::-1]
    # Pieces that reach into later tokens first, so that pieces which begin in them win.
    for piece in np.flatnonzero(touched.crosses):
        first_piece[touched.first[piece] + 1 : touched.last[piece] + 1] = piece
    reversed_begins = begins[order]
    valid = reversed_begins >= 0
    # Numpy keeps the last write, which in reversed order is the first wordpiece.
    first_piece[reversed_begins[valid]] = order[valid]
    return begins, first_piece


class _Touched(NamedTuple):
    """Which tokens each wordpiece has characters of.

    first (Ints1d): The first of them, of shape (wordpieces,).
    last (Ints1d): And the last.
    any (ndarray[bool]): Whether there are any: some stand for a space between tokens.
    """

    first: np.ndarray
    last: np.ndarray
    any: np.ndarray

    @property
    def crosses(self) -> np.ndarray:
        """RETURNS (ndarray[bool]): Whether it is more than one."""
        return self.any & (self.last > self.first)


def _touched(batch: BatchText, pieces: Wordpieces) -> _Touched:
    # The first token that ends after the wordpiece begins; offsets that include
    # the space before a word (SentencePiece) so find the word itself.
    first = np.searchsorted(batch.ends, pieces.starts, side="right")
    last = np.searchsorted(batch.starts, pieces.ends, side="left") - 1
    return _Touched(first, last, (first <= last) & (pieces.ends > pieces.starts))


class _Group(NamedTuple):
    """Tokens that hang together by wordpieces that cross their borders, and all wordpieces of them.

    text (int): Which text of the batch they stand in.
    tokens (range): The tokens.
    pieces (slice): The wordpieces, with those of the space before.
    """

    text: int
    tokens: range
    pieces: slice


def _sharing(batch: BatchText, pieces: Wordpieces) -> list[_Group]:
    """RETURNS (list[_Group]): The groups with a visible token in which no wordpiece begins."""
    n_tokens, touched = len(batch.starts), _touched(batch, pieces)
    has_own = np.zeros(n_tokens, dtype=bool)
    has_own[touched.first[touched.any]] = True
    lacking = [
        token
        for token in np.flatnonzero(~has_own).tolist()
        if _is_visible(batch.text[batch.starts[token] : batch.ends[token]])
    ]
    if not lacking:
        return []
    # How many wordpieces cross the border before each token.
    crossing = np.flatnonzero(touched.crosses)
    steps = np.zeros(n_tokens + 1, dtype=np.int64)
    np.add.at(steps, touched.first[crossing] + 1, 1)
    np.add.at(steps, touched.last[crossing] + 1, -1)
    is_joined = np.cumsum(steps[:n_tokens]) > 0
    heads = np.append(np.flatnonzero(~is_joined), n_tokens)
    found = np.unique(np.searchsorted(heads, lacking, side="right"))
    # Wordpieces that stand for a space belong to the token after it.
    of_token = np.flatnonzero(touched.any)
    firsts, ends = touched.first[of_token], np.append(0, of_token + 1)
    heads_of_texts = np.cumsum([0, *(len(part) + len(SEPARATOR) for part in batch.parts)])
    bounds = np.cumsum([0, *pieces.counts]).tolist()
    groups = []
    for first, end in zip(heads[found - 1].tolist(), heads[found].tolist(), strict=True):
        text = int(np.searchsorted(heads_of_texts, batch.starts[first], side="right")) - 1
        begin, stop = (max(int(i), bounds[text]) for i in ends[np.searchsorted(firsts, (first, end))])
        groups.append(_Group(text, range(first, end), slice(begin, stop)))
    return groups


class _Word(NamedTuple):
    """A token as it is tokenized by itself.

    text (str): Its text, with the space before it where there is one.
    begins (bool): Whether it stands at the beginning of a text or after white space.
    """

    text: str
    begins: bool


def _read_word(batch: BatchText, token: int) -> _Word:
    start, end = int(batch.starts[token]), int(batch.ends[token])
    if token and batch.ends[token - 1] == start:
        return _Word(batch.text[start:end], batch.text[start - 1].isspace())
    # Before the first token of a text stands none, or what separates it from the text before.
    has_space = start > 0 and batch.text[start - 1] == " "
    return _Word(batch.text[start - has_space : end], True)


def _cut(
    batch: BatchText, pieces: Wordpieces, groups: Sequence[_Group], tokenizer: WordpieceTokenizer
) -> Wordpieces:
    """Put the wordpieces of each token by itself in the place of those of its group."""
    words = {token: _read_word(batch, token) for group in groups for token in group.tokens}
    encoded: dict[_Word, tuple[np.ndarray, np.ndarray]] = {}
    for begin in (True, False):
        distinct = sorted({word for word in words.values() if word.begins == begin})
        results = tokenizer.encode_words([word.text for word in distinct], begin=begin)
        encoded.update(zip(distinct, results, strict=True))
    rows = np.stack(pieces[:3])
    counts = list(pieces.counts)
    parts, done = [], 0
    for group in groups:
        parts.append(rows[:, done : group.pieces.start])
        done = group.pieces.stop
        counts[group.text] -= group.pieces.stop - group.pieces.start
        for token in group.tokens:
            ids, offsets = encoded[words[token]]
            begin = int(batch.ends[token]) - len(words[token].text)
            parts.append(np.stack((ids, *(offsets.T + begin))))
            counts[group.text] += len(ids)
    ids, starts, ends = np.concatenate((*parts, rows[:, done:]), axis=1)
    return Wordpieces(ids, starts, ends, counts)


def _is_visible(text: str) -> bool:
    """Whether there is more in a token than white space, control and format characters."""
    return any(not char.isspace() and unicodedata.category(char) not in _INVISIBLE for char in text)
