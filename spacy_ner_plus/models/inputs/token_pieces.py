"""Which wordpieces stand for which tokens; those that several tokens would share are cut."""

import unicodedata
from collections.abc import Iterator
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
        if groups is not None:
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


class _Groups(NamedTuple):
    """Groups of tokens that hang together by wordpieces that cross their borders, in order.

    texts (Ints1d): Which text of the batch each stands in, of shape (groups,).
    first_tokens (Ints1d): The first token of each.
    end_tokens (Ints1d): The one after its last.
    first_pieces (Ints1d): The first wordpiece of each, those of the space before counted in.
    end_pieces (Ints1d): The one after its last.
    """

    texts: np.ndarray
    first_tokens: np.ndarray
    end_tokens: np.ndarray
    first_pieces: np.ndarray
    end_pieces: np.ndarray


def _sharing(batch: BatchText, pieces: Wordpieces) -> _Groups | None:
    """RETURNS (_Groups | None): The groups with a visible token in which no wordpiece begins; None for none."""
    n_tokens, touched = len(batch.starts), _touched(batch, pieces)
    has_own = np.zeros(n_tokens, dtype=bool)
    has_own[touched.first[touched.any]] = True
    bare = np.flatnonzero(~has_own)
    places = zip(bare.tolist(), batch.starts[bare].tolist(), batch.ends[bare].tolist(), strict=True)
    lacking = [token for token, start, end in places if _is_visible(batch.text[start:end])]
    if not lacking:
        return None
    # How many wordpieces cross the border before each token.
    crossing = np.flatnonzero(touched.crosses)
    steps = np.zeros(n_tokens + 1, dtype=np.int64)
    np.add.at(steps, touched.first[crossing] + 1, 1)
    np.add.at(steps, touched.last[crossing] + 1, -1)
    is_joined = np.cumsum(steps[:n_tokens]) > 0
    heads = np.append(np.flatnonzero(~is_joined), n_tokens)
    found = np.unique(np.searchsorted(heads, lacking, side="right"))
    first_tokens, end_tokens = heads[found - 1], heads[found]
    # Wordpieces that stand for a space belong to the token after it.
    of_token = np.flatnonzero(touched.any)
    ends = np.append(0, of_token + 1)
    before, last = (
        ends[np.searchsorted(touched.first[of_token], tokens)] for tokens in (first_tokens, end_tokens)
    )
    heads_of_texts = np.cumsum([0, *(len(part) + len(SEPARATOR) for part in batch.parts)])
    texts = np.searchsorted(heads_of_texts, batch.starts[first_tokens], side="right") - 1
    bounds = np.cumsum([0, *pieces.counts])[texts]
    return _Groups(texts, first_tokens, end_tokens, np.maximum(before, bounds), np.maximum(last, bounds))


class _Word(NamedTuple):
    """A token as it is tokenized by itself.

    text (str): Its text, with the space before it where there is one.
    begins (bool): Whether it stands at the beginning of a text or after white space.
    """

    text: str
    begins: bool


def _read_words(batch: BatchText, tokens: np.ndarray) -> Iterator[_Word]:
    text = batch.text
    ends_before = np.append(-1, batch.ends)[tokens]
    places = (batch.starts[tokens].tolist(), batch.ends[tokens].tolist(), ends_before.tolist())
    for start, end, end_before in zip(*places, strict=True):
        if end_before == start:
            yield _Word(text[start:end], text[start - 1].isspace())
        else:
            # Before the first token of a text stands none, or what separates it from the text before.
            has_space = start > 0 and text[start - 1] == " "
            yield _Word(text[start - has_space : end], True)


def _cut(batch: BatchText, pieces: Wordpieces, groups: _Groups, tokenizer: WordpieceTokenizer) -> Wordpieces:
    """Put the wordpieces of each token by itself in the place of those of its group."""
    sizes = groups.end_tokens - groups.first_tokens
    tokens = np.repeat(groups.first_tokens, sizes) + _counted(sizes)
    numbers: dict[_Word, int] = {}
    words = np.array([numbers.setdefault(word, len(numbers)) for word in _read_words(batch, tokens)])
    ids, offsets, lengths = _encode(list(numbers), tokenizer)
    counts = lengths[words]
    taken = np.repeat((np.cumsum(lengths) - lengths)[words], counts) + _counted(counts)
    # A word ends where its token does.
    texts = np.array([len(word.text) for word in numbers])
    begins = np.repeat(batch.ends[tokens] - texts[words], counts)
    new = np.stack((ids[taken], offsets[taken, 0] + begins, offsets[taken, 1] + begins))
    gone = np.zeros(len(pieces.ids) + 1, dtype=np.int64)
    np.add.at(gone, groups.first_pieces, 1)
    np.add.at(gone, groups.end_pieces, -1)
    kept = np.flatnonzero(np.cumsum(gone[:-1]) == 0)
    # New ones stand before what was at the beginning of their group.
    places = np.repeat(np.repeat(groups.first_pieces, sizes), counts)
    order = np.argsort(np.concatenate((2 * kept + 1, 2 * places)), kind="stable")
    rows = np.concatenate((np.stack(pieces[:3])[:, kept], new), axis=1)[:, order]
    per_text = np.array(pieces.counts)
    np.add.at(per_text, groups.texts, groups.first_pieces - groups.end_pieces)
    np.add.at(per_text, np.repeat(groups.texts, sizes), counts)
    return Wordpieces(*rows, per_text.tolist())


def _encode(words: list[_Word], tokenizer: WordpieceTokenizer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RETURNS (tuple[Ints1d, Ints2d, Ints1d]): Ids and offsets of all words, and how many each has."""
    results: dict[_Word, tuple[np.ndarray, np.ndarray]] = {}
    for begin in (True, False):
        some = [word for word in words if word.begins == begin]
        encoded = tokenizer.encode_words([word.text for word in some], begin=begin)
        results.update(zip(some, encoded, strict=True))
    ids, offsets = zip(*(results[word] for word in words), strict=True)
    return np.concatenate(ids), np.concatenate(offsets), np.array([len(some) for some in ids])


def _counted(sizes: np.ndarray) -> np.ndarray:
    """RETURNS (Ints1d): 0, 1, ... for each size, up to it."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _is_visible(text: str) -> bool:
    """Whether there is more in a token than white space, control and format characters."""
    return any(not char.isspace() and unicodedata.category(char) not in _INVISIBLE for char in text)
