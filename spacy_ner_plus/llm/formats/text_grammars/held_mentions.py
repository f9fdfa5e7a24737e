"""Whether the mentions of a reply are what the grammar of its text allows: servers drop one that they can't follow."""

from collections.abc import Mapping

from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.formats.text_grammars.text_walk import MOST_PIECES, TextWalk

NOT_HELD = "reply that broke its text's grammar: mention that is no run of tokens, kept"


def check_held(read: Reading, walk: TextWalk) -> None:
    """Count the mentions of a reply that its grammar should have kept out: servers drop one that they can't follow.

    read (Reading): Gets them as repairs.
    """
    starts, ends = {start: i for i, (start, _) in enumerate(walk.pieces)}, {}
    for i, (_, end) in enumerate(walk.pieces):
        ends[end] = i
    for mention in read:
        if not _is_run(walk.text, mention.text, starts, ends):
            read.repairs.add(NOT_HELD, mention.text[:60])


def _is_run(text: str, mention: str, starts: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    at = text.find(mention) if mention else -1
    while at >= 0:
        first, last = starts.get(at), ends.get(at + len(mention))
        if first is not None and last is not None and 0 <= last - first < MOST_PIECES:
            return True
        at = text.find(mention, at + 1)
    return False
