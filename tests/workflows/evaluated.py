"""A gold corpus for `evaluate`, and components that fail and that count what they ask."""

from spacy.language import Language
from spacy.tokens import Doc, DocBin

TEXT = ["Anna", "Smith", "met", "the", "Oslo-based", "Acme", "in", "Oslo", "."]


TAGS = ["B-PER", "I-PER", "O", "O", "B-LOC", "B-ORG", "O", "B-LOC", "O"]


@Language.component("evaluate_fails_on_bad")
def fails_on_bad(doc):
    if "bad" in doc.text:
        raise ValueError("bad text")
    return doc


@Language.factory("evaluate_asks")
def make_asking(nlp, name):
    return Asking()


class Asking:
    """A component that counts its requests, as one that asks a language model does."""

    def __init__(self):
        self.requests = 0

    def __call__(self, doc):
        self.requests += 1
        return doc

    def usage_report(self):
        return {"requests": self.requests, "cost": 0.5}


def make_corpus(path, docs):
    DocBin(docs=docs).to_disk(path)
    return path


def make_gold(nlp, words=TEXT, tags=TAGS):
    spaces = [i + 2 < len(words) for i in range(len(words))]
    return Doc(nlp.vocab, words=words, spaces=spaces, ents=tags)


def add_ruler(nlp):
    patterns = {"Anna Smith": "PER", "Acme": "LOC", "Oslo": "LOC"}
    nlp.add_pipe("entity_ruler").add_patterns([{"label": v, "pattern": k} for k, v in patterns.items()])
    return nlp
