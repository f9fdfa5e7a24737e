"""Hand-made entities and Docs, and random ones, for the tests of evaluation."""

import spacy
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.matching.gold_doc import Entity, GoldDoc, read_gold
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc, match_doc

VOCAB = spacy.blank("en").vocab
LABELS = ("X", "Y")


def entity(start: int, end: int, label: str = "X", text: str = "") -> Entity:
    """An entity over tokens of one character each."""
    return Entity(start, end, label, start, end, text or f"{start}-{end}")


def matched(golds, predicted) -> MatchedDoc:
    """A document of nothing but entities."""
    gold = GoldDoc("", (), (), (), tuple(golds))
    return MatchedDoc(1, gold, tuple(predicted), (), (), (), (), "", same_words=True, answered=True)


def make_doc(words, tags) -> Doc:
    words = words.split() if isinstance(words, str) else words
    return Doc(VOCAB, words=words, ents=tags.split() if isinstance(tags, str) else tags)


def make_gold(words, tags) -> GoldDoc:
    return read_gold(make_doc(words, tags))


def match(words, gold, predicted, number: int = 1) -> MatchedDoc:
    return match_doc(make_doc(words, gold), make_doc(words, predicted), number)


@st.composite
def spans(draw, length: int = 12, overlapping: bool = False):
    """Entities by their first character; of a Doc's kind they don't overlap each other."""
    bounds = st.tuples(st.integers(0, length - 1), st.integers(1, 4), st.sampled_from(LABELS))
    found, end = set(), 0
    for start, size, label in sorted(draw(st.lists(bounds, max_size=6))):
        if overlapping or start >= end:
            found.add((start, start + size, label))
            end = start + size
    return [entity(*span) for span in sorted(found)]


@st.composite
def tags(draw, length: int, stray: bool = False):
    """IOB2 tags; stray ones have an I- wherever it falls."""
    kinds = ["O", "B-X", "B-Y", "I-X", "I-Y"]
    found = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=length, max_size=length)):
        follows = bool(found) and found[-1] != "O" and found[-1][2:] == kind[2:]
        found.append(kind if stray or kind[0] != "I" or follows else "O")
    return found


@st.composite
def tag_pairs(draw, stray: bool = False):
    length = draw(st.integers(1, 12))
    return draw(tags(length, stray)), draw(tags(length, stray))
