"""Where a text is best cut: between sentences, else between lines."""

import re

import numpy as np

from spacy_ner_plus.chunks import CLOSING, FINAL
from spacy_ner_plus.models.encoders.tokenization import SEPARATOR, BatchText
from spacy_ner_plus.models.inputs.word_shape import line_starts

# What stands before a token. A line may also break within a sentence, as in mails and books.
NO_BORDER, LINE, SENTENCE = range(3)
# Closing quotes and brackets belong to the sentence before; after a space a quote opens. Never over a line
# break, so that texts of a batch stay apart.
_END = re.compile(rf"{FINAL.pattern}(?:[{re.escape(''.join(sorted(CLOSING)))}]|[^\S\n]*{FINAL.pattern})*")


def borders(batch: BatchText, tokens: np.ndarray) -> np.ndarray:
    """Find where sentences and lines begin, by line breaks and by final punctuation that is a token of its own.

    So there is no border in 'St. Louis' for a tokenizer that knows 'St.', and nothing has to be trained.

    tokens (Ints1d): The tokens that are looked at, in order: all but white space.
    RETURNS (Ints1d): SENTENCE, LINE or NO_BORDER for what stands before each, of shape (tokens,).
    """
    found = np.where(line_starts(batch)[tokens], LINE, NO_BORDER)
    matches = [match.span() for match in _END.finditer(batch.text)]
    if matches and len(tokens):
        starts, ends = np.array(matches, dtype=np.int64).T
        first = np.searchsorted(batch.starts[tokens], starts)
        last = np.searchsorted(batch.ends[tokens], ends)
        are_tokens = (first <= last) & (last < len(tokens) - 1)
        first, last, starts, ends = (some[are_tokens] for some in (first, last, starts, ends))
        are_tokens = (batch.starts[tokens[first]] == starts) & (batch.ends[tokens[last]] == ends)
        found[last[are_tokens] + 1] = SENTENCE
        # The end of one text is no border in the next.
        heads = np.cumsum([0, *(len(part) + len(SEPARATOR) for part in batch.parts)])[:-1]
        first_tokens = np.searchsorted(batch.starts[tokens], heads)
        found[first_tokens[first_tokens < len(tokens)]] = LINE
    return found
