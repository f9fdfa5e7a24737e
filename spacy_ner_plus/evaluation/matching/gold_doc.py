"""A gold Doc as plain values, which any number of predictions are matched with."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.spans import MISSING, doc_to_tags


class Entity(NamedTuple):
    """An entity, gold or predicted, on the tokens and in the text of the gold Doc.

    start (int): Index of the first gold token that it touches.
    end (int): Index after the last one; equal to `start` where it touches none.
    label (str): The label.
    start_char (int): Offset of its first character in the gold text.
    end_char (int): Offset after its last character.
    text (str): Its text, as predicted.
    aligned (bool): Whether it begins and ends where gold tokens do. A misaligned entity is never right where
        bounds count.
    score (float | None): The score that its component gave; None for gold, and for predictions without one.
    """

    start: int
    end: int
    label: str
    start_char: int
    end_char: int
    text: str
    aligned: bool = True
    score: float | None = None

    @property
    def bounds(self) -> tuple[int, int, str]:
        """RETURNS (tuple[int, int, str]): Start and end in characters, and label."""
        return self.start_char, self.end_char, self.label


@dataclass(frozen=True)
class GoldDoc:
    """The annotation of one Doc.

    text (str): The text.
    words (tuple[str, ...]): The tokens.
    starts (tuple[int, ...]): Offset of each token's first character.
    tags (tuple[str, ...]): An IOB2 tag for each token, MISSING where annotation is missing, which isn't the same as O.
    ents (tuple[Entity, ...]): The entities in order.
    lang (str): Code of the language, '' where unknown.
    annotated (frozenset[str] | None): The labels that were annotated; None for all.
    """

    text: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    tags: tuple[str, ...]
    ents: tuple[Entity, ...]
    lang: str = ""
    annotated: frozenset[str] | None = None

    @cached_property
    def missing(self) -> frozenset[int]:
        """RETURNS (frozenset[int]): Indices of the tokens whose annotation is missing."""
        return frozenset(i for i, tag in enumerate(self.tags) if tag == MISSING)

    def end_of(self, token: int) -> int:
        """RETURNS (int): Offset after the last character of a token."""
        return self.starts[token] + len(self.words[token])


def read_gold(doc: Doc) -> GoldDoc:
    """Read what is compared of a Doc; nothing of spaCy's is kept alive.

    RAISES (UserError): Where the Doc's annotated labels are no labels, or not those of its entities.
    """
    ents = tuple(
        Entity(ent.start, ent.end, ent.label_, ent.start_char, ent.end_char, ent.text) for ent in doc.ents
    )
    words, starts = tuple(token.text for token in doc), tuple(token.idx for token in doc)
    return GoldDoc(doc.text, words, starts, tuple(doc_to_tags(doc)), ents, doc.lang_, annotated_labels(doc))


def read_golds(docs: Iterable[Doc]) -> list[GoldDoc]:
    """RETURNS (list[GoldDoc]): One for each Doc."""
    return [read_gold(doc) for doc in docs]
