"""Docs cut into sentences, for tools that read sentences, and their entities put back."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from peers import Entity
from spacy_ner_plus.spans import MISSING, TokenSpan, doc_to_tags, tags_to_spans

MAX_WORDS = 120


class Sentence(NamedTuple):
    """The words of one sentence.

    doc (int): Number of its Doc.
    number (int): Its number in the Doc.
    words (list[str]): Its words, white space left out.
    tags (list[str]): Their IOB2 tags.
    places (list[tuple[int, int]]): Offsets of each word in the Doc's text.
    """

    doc: int
    number: int
    words: list[str]
    tags: list[str]
    places: list[tuple[int, int]]

    @property
    def spans(self) -> list[TokenSpan]:
        """RETURNS (list[TokenSpan]): Its entities by word."""
        return tags_to_spans(self.tags)


def to_sentences(docs: Iterable[Doc]) -> list[Sentence]:
    """Cut Docs at their sentence starts; a Doc without any is one sentence.

    docs (Iterable[Doc]): The Docs.
    RETURNS (list[Sentence]): Their sentences in order; those without a word are left out.
    """
    sentences = []
    for number, doc in enumerate(docs):
        tags = doc_to_tags(doc)
        spans = doc.sents if doc.has_annotation("SENT_START") else [doc[:]]
        for i, span in enumerate(spans):
            tokens = [token for token in span if not token.is_space]
            if tokens:
                sentences.append(
                    Sentence(
                        number,
                        i,
                        [token.text for token in tokens],
                        ["O" if tags[token.i] == MISSING else tags[token.i] for token in tokens],
                        [(token.idx, token.idx + len(token)) for token in tokens],
                    )
                )
    return sentences


def gather(
    sentences: Sequence[Sentence], spans: Iterable[Iterable[TokenSpan]], n_docs: int
) -> list[list[Entity]]:
    """Put the entities of sentences back into their Docs.

    sentences (Sequence[Sentence]): The sentences.
    spans (Iterable[Iterable[TokenSpan]]): The entities of each, by word.
    n_docs (int): How many Docs there are.
    RETURNS (list[list[Entity]]): The entities of each Doc by character.
    """
    entities: list[list[Entity]] = [[] for _ in range(n_docs)]
    for sentence, found in zip(sentences, spans, strict=True):
        for start, end, label in found:
            entities[sentence.doc].append((sentence.places[start][0], sentence.places[end - 1][1], label))
    return entities


def make_sentencizer(max_words: int = MAX_WORDS) -> Language:
    """Make the pipeline that cuts raw text, by rules alone.

    max_words (int): A longer sentence, such as a table, is cut; tools that read
        sentences would drop the rest of it without a word.
    RETURNS (Language): Tokenizer, sentencizer and the cutter.
    """
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("benchmark_cut_sentences", config={"max_words": max_words})
    return nlp


@Language.factory("benchmark_cut_sentences", default_config={"max_words": MAX_WORDS})
def make_cut_sentences(nlp: Language, name: str, max_words: int):
    """Make the component that cuts what is longer than `max_words`."""

    def cut(doc: Doc) -> Doc:
        starts = [
            span.start + offset
            for span in doc.sents
            if len(span) > max_words
            for offset in range(max_words, len(span), max_words)
        ]
        for start in starts:
            doc[start].is_sent_start = True
        return doc

    return cut


def doc_entities(doc: Doc) -> list[Entity]:
    """RETURNS (list[Entity]): A Doc's entities by character."""
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def shifted(span: Span, found: Iterable[Entity]) -> list[Entity]:
    """RETURNS (list[Entity]): Entities of a span's text, by character of its Doc."""
    return [(start + span.start_char, end + span.start_char, label) for start, end, label in found]


def labels_of(docs: Iterable[Doc]) -> list[str]:
    """RETURNS (list[str]): The labels of all entities, sorted."""
    return sorted({ent.label_ for doc in docs for ent in doc.ents})


def iob2(labels: Iterable[str]) -> list[str]:
    """RETURNS (list[str]): The IOB2 tags of these labels, O first."""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]
