"""A pipeline with a chat model of known answers, and a corpus that holds them."""

import spacy
from spacy.tokens import DocBin

from tests.servers.known_answers import LABELS, names_by_label

TEXTS = [f"Anna met Bob{'x' * i} in Oslo on day {i}." for i in range(4)]


def save_pipeline(server, folder):
    nlp = spacy.blank("en")
    prices = {"m": {"input": 1.0, "output": 2.0, "cached": 0.5}}
    model = {"base_url": server.url, "name": "m", "store": str(folder / "replies.sqlite"), "prices": prices}
    nlp.add_pipe("structured_llm_ner", config={"labels": list(LABELS), "model": model})
    nlp.to_disk(folder / "pipeline")
    return str(folder / "pipeline")


def save_corpus(folder):
    nlp = spacy.blank("en")
    docs = []
    for text in TEXTS:
        doc = nlp(text)
        places = [
            doc.char_span(text.index(name), text.index(name) + len(name), label=label)
            for label, names in names_by_label(text).items()
            for name in names
        ]
        doc.ents = [span for span in places if span is not None]
        docs.append(doc)
    path = folder / "dev.spacy"
    DocBin(docs=docs).to_disk(path)
    return path
