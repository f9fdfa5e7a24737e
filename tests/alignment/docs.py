"""Docs for the tests of alignment."""

import spacy
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

NLP = spacy.blank("en")
LABELS = ("PER", "LOC", "ORG")
WORD = st.text(min_size=1, max_size=5).filter(lambda word: not any(c.isspace() for c in word))


def make_doc(text):
    """Tokens are what spaces part; a space before a hyphen or full stop is none: 'U.S. -based'."""
    words = text.split()
    spaces = [True] * len(words)
    spaces[-1] = False
    return Doc(NLP.vocab, words=words, spaces=spaces)


@st.composite
def docs_with_gold(draw):
    words = draw(st.lists(WORD | st.sampled_from(["a", "ab", "aa", "Rome"]), min_size=1, max_size=12))
    spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    ents, at = [], 0
    while at < len(doc):
        end = min(at + draw(st.integers(1, 3)), len(doc))
        if draw(st.booleans()):
            ents.append(Span(doc, at, end, draw(st.sampled_from(LABELS))))
        at = end
    doc.set_ents(ents)
    return doc
