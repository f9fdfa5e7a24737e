"""Pipelines of patterns, and a corpus on which one of them is better."""

import spacy
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.workflows.evaluate import evaluate

PATTERNS = {
    "good": {"Anna": "PER", "Oslo": "LOC", "Acme": "ORG"},
    "poor": {"Anna": "PER", "Oslo": "ORG"},
}
WORDS = [["Anna", "left", "Oslo"], ["Acme", "is", "in", "Oslo"], ["Nobody", "came"]]
TAGS = [["B-PER", "O", "B-LOC"], ["B-ORG", "O", "O", "B-LOC"], ["O", "O"]]


def make_golds(vocab):
    """Thirty Docs, three times as many as tests of significance need."""
    return [Doc(vocab, words=words, ents=tags) for words, tags in zip(WORDS, TAGS, strict=True)] * 10


def make_ruler(name):
    nlp = spacy.blank("en")
    rows = [{"label": label, "pattern": text} for text, label in PATTERNS[name].items()]
    nlp.add_pipe("entity_ruler").add_patterns(rows)
    nlp.meta["name"] = name
    return nlp


def save_compared(folder):
    """Save two pipelines and their metrics on one corpus; and another corpus."""
    golds = make_golds(spacy.blank("en").vocab)
    DocBin(docs=golds).to_disk(folder / "gold.spacy")
    DocBin(docs=golds[:20]).to_disk(folder / "other.spacy")
    for name in PATTERNS:
        make_ruler(name).to_disk(folder / name)
        evaluate(folder / name, folder / "gold.spacy", folder / f"{name}.json")
    return folder
