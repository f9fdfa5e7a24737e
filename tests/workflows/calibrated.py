"""A corpus on which a trained pipeline is too sure of itself."""

import spacy
from spacy.tokens import Doc, DocBin

from tests.conftest import make_docs


def save_hard_corpus(folder, pipeline):
    """Gold that says of every other copy of a text that all in it is wrong."""
    nlp = spacy.load(pipeline)
    docs = []
    for i in range(12):
        for doc in make_docs(nlp.vocab):
            copy = Doc(nlp.vocab, words=[token.text for token in doc], ents=["O"] * len(doc))
            docs.append(copy if i % 4 == 0 else doc)
    DocBin(docs=docs).to_disk(folder / "dev.spacy")
    return folder / "dev.spacy"
