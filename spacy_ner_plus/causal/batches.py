"""Which chats are worked on together: of like lengths, so that little is padded, in an order of its own each epoch."""

import random
from collections.abc import Sequence

from spacy_ner_plus.causal.chats import Tokens

# Among so many batches' worth of chats, lengths are sorted.
_SORTED = 8


def epoch_batches(chats: Sequence[Tokens], size: int, *, seed: int, epoch: int) -> list[list[Tokens]]:
    """RETURNS (list[list[Tokens]]): All chats once; the same for the same seed and epoch."""
    order = random.Random(f"{seed} {epoch}")
    shuffled = list(chats)
    order.shuffle(shuffled)
    batches = []
    for start in range(0, len(shuffled), size * _SORTED):
        some = sorted(shuffled[start : start + size * _SORTED], key=len)
        batches += [some[i : i + size] for i in range(0, len(some), size)]
    order.shuffle(batches)
    return batches
