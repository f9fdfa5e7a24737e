"""Where a text is best cut: between sentences, else between lines."""

import re

import numpy as np

from spacy_ner_plus.chunks import CLOSING, FINAL
from spacy_ner_plus.models.encoders.tokenization import SEPARATOR, BatchText
from spacy_ner_plus.models.inputs.word_shape import line_starts

# What stands before a token.
NO_BORDER, LINE, SENTENCE = range(3)
# Closing quotes and brackets belong to the sentence before; after a space a quote opens. Never over a line
# break, so that texts of a batch stay apart.
_END = re.compile(rf"{FINAL.pattern}(?:[{re.escape(''.join(sorted(CLOSING)))}]|[^\S\n]*{FINAL.pattern})*")


def borders(batch: BatchText, tokens: np.ndarray) -> np.ndarray:
    """Find where sentences and lines begin, by line breaks and by final punctuation that is a token of its own.

    So there is no border in 'St. Louis' for a tokenizer that knows 'St.', and nothing has to be trained. None
    is before a token in lower case: an abbreviation or a line ended there, and the sentence goes on.

    tokens (Ints1d): The tokens that are looked at, in order: all but white space.
    RETURNS (Ints1d): SENTENCE, LINE or NO_BORDER for what stands before each, of shape (tokens,).
    """
    starts, ends = batch.starts[tokens], batch.ends[tokens]
    found = np.where(line_starts(batch)[tokens], LINE, NO_BORDER)
    found[_after_ends(batch.text, starts, ends)] = SENTENCE
    # A text's first token has nothing before it, least of all the end of the text before.
    heads = np.cumsum([0, *(len(part) + len(SEPARATOR) for part in batch.parts)])[:-1]
    first_tokens = np.searchsorted(starts, heads)
    found[first_tokens[first_tokens < len(tokens)]] = NO_BORDER
    candidates = np.flatnonzero(found)
    goes_on = [batch.text[start].islower() for start in starts[candidates].tolist()]
    found[candidates[np.array(goes_on, dtype=bool)]] = NO_BORDER
    return found


def _after_ends(text: str, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """RETURNS (Ints1d): The tokens that come after a sentence's end."""
    matches = np.array([match.span() for match in _END.finditer(text)], dtype=np.int64).reshape(-1, 2)
    first, last = np.searchsorted(starts, matches[:, 0]), np.searchsorted(ends, matches[:, 1])
    # Where punctuation is part of a token, as in 'U.S.', these are others.
    within = last < len(starts) - 1
    matches, first, last = matches[within], first[within], last[within]
    return last[(starts[first] == matches[:, 0]) & (ends[last] == matches[:, 1])] + 1
