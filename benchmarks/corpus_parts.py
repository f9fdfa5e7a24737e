"""The corpora: a part of the training documents, texts to predict on, and their words."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc

from spacy_ner_plus.corpus import load_docs

MESSAGES = 1000


def read_split(corpus: Path, split: str, limit: int = 0) -> list[Doc]:
    """Read the Docs of one split.

    corpus (Path): A folder with train.spacy, dev.spacy and test.spacy.
    split (str): 'train', 'dev' or 'test'.
    limit (int): How many to read at most; 0 for all.
    RETURNS (list[Doc]): The Docs.
    RAISES (UserError): Where there is no such file.
    """
    return load_docs(corpus / f"{split}.spacy", spacy.blank("en").vocab, limit)


def take_part(docs: list[Doc], part: float) -> list[Doc]:
    """Take a part of the documents, spread over all of them and always the same.

    docs (list[Doc]): The Docs.
    part (float): Above 0, up to 1; for 0.25 every fourth document, the first among them.
    RETURNS (list[Doc]): The part, in order.
    RAISES (ValueError): For any other part.
    """
    if not 0 < part <= 1:
        raise ValueError(f"--part {part} is not above 0 and up to 1")
    return [doc for i, doc in enumerate(docs) if int(i * part) != int((i - 1) * part) or i == 0]


def messages(docs: Iterable[Doc], count: int = MESSAGES) -> list[Doc]:
    """Take sentences as short messages.

    docs (Iterable[Doc]): The Docs.
    count (int): How many; the first ones are taken.
    RETURNS (list[Doc]): The sentences as Docs, with their gold.
    """
    found: list[Doc] = []
    for doc in docs:
        for sent in doc.sents if doc.has_annotation("SENT_START") else [doc[:]]:
            if len(found) == count:
                return found
            if sent.text.strip():
                found.append(sent.as_doc())
    return found


def count_words(docs: Iterable[Doc]) -> int:
    """RETURNS (int): The corpus's own tokens, white space left out; the same count for every tool."""
    return sum(not token.is_space for doc in docs for token in doc)


def describe(docs: list[Doc]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): How many documents, words and entities, and a digest of them all."""
    digest = hashlib.sha256()
    for doc in docs:
        digest.update(doc.text.encode())
        digest.update(repr([(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]).encode())
    return {
        "documents": len(docs),
        "words": count_words(docs),
        "entities": sum(len(doc.ents) for doc in docs),
        "sha256": digest.hexdigest(),
    }
