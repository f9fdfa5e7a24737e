"""What is looked for: mentions of entities, without their place in the text."""

from typing import NamedTuple


class Mention(NamedTuple):
    """An entity as a reply names it.

    text (str): Its text, as the reply spells it.
    label (str): One of the labels that were asked for.
    occurrence (int): Which occurrence of that text is meant, from 1; 0 where the reply doesn't say.
    reply_start (int): Where its text begins in the reply, in code points, before any unescaping;
        -1 where unknown. Token probabilities are read there.
    reply_end (int): Where it ends.
    position (int): Where it lies in the text that was sent, in code points, for formats
        that know it (inline tags, token lines); -1 where unknown.
    probability (float): How sure the model is of it, from 0 to 1; 1 where that isn't known.
    """

    text: str
    label: str
    occurrence: int = 0
    reply_start: int = -1
    reply_end: int = -1
    position: int = -1
    probability: float = 1.0


class TaggedWords(NamedTuple):
    """Words of one entity, given one by one, so that nothing is said of what lies between them.

    words (tuple[str, ...]): The words, none of which holds white space.
    label (str): Its label; empty for words of no entity, which only help to find the others.
    """

    words: tuple[str, ...]
    label: str
