"""How much a corpus holds: documents, sentences, tokens, entities, repeated texts."""

from collections import Counter

import numpy
from spacy.attrs import ENT_IOB, ENT_TYPE, SENT_START
from spacy.strings import hash_string
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.spans import IOB_BEGIN, IOB_INSIDE, IOB_MISSING


def hash_text(text: str) -> int:
    """Hash a text, so that repeated texts are found without keeping them.

    RETURNS (int): The same for the same text, in every process.
    """
    return hash_string(text)


class CorpusCounts:
    """Counts of what Docs hold; the Docs themselves are not kept.

    docs, sentences, tokens, missing (int): Totals; `missing` counts tokens whose annotation is missing.
    partly_annotated (int): Docs that say that only some labels were annotated on them.
    entities, entity_tokens (Counter[str]): By label.
    doc_lengths, entity_lengths (Counter[int]): How many Docs and entities have this many tokens.
    texts (Counter[int]): How often each text occurs, by hash of the text.
    """

    def __init__(self) -> None:
        self.docs = self.sentences = self.tokens = self.missing = self.partly_annotated = 0
        self.entities: Counter[str] = Counter()
        self.entity_tokens: Counter[str] = Counter()
        self.doc_lengths: Counter[int] = Counter()
        self.entity_lengths: Counter[int] = Counter()
        self.texts: Counter[int] = Counter()

    def add(self, doc: Doc, text_hash: int | None = None) -> None:
        """Count a Doc.

        text_hash (int | None): What hash_text says of it, where that is known.
        RAISES (UserError): Where its annotated labels are no labels, or not those of its entities.
        """
        array = doc.to_array([ENT_IOB, ENT_TYPE, SENT_START]).reshape((len(doc), 3))
        iob, types = array[:, 0], array[:, 1]
        self.docs += 1
        self.partly_annotated += annotated_labels(doc) is not None
        self.tokens += len(doc)
        self.doc_lengths[len(doc)] += 1
        # A Doc without sentence starts is one sentence.
        self.sentences += max(int((array[:, 2] == 1).sum()), min(len(doc), 1))
        self.missing += int((iob == IOB_MISSING).sum())
        # A blocked token is a B without a label.
        begins = numpy.flatnonzero((iob == IOB_BEGIN) & (types != 0))
        if len(begins):
            # An entity ends before the first token after its start that is not inside.
            borders = numpy.append(numpy.flatnonzero(iob != IOB_INSIDE), len(doc))
            lengths = borders[numpy.searchsorted(borders, begins, side="right")] - begins
            self.entity_lengths.update(lengths.tolist())
            strings = doc.vocab.strings
            for label, length in zip(types[begins].tolist(), lengths.tolist(), strict=True):
                name = strings[label]
                self.entities[name] += 1
                self.entity_tokens[name] += length
        self.texts[hash_text(doc.text) if text_hash is None else text_hash] += 1

    @property
    def duplicates(self) -> int:
        """How many Docs repeat the text of an earlier one."""
        return self.docs - len(self.texts)

    def shared_with(self, other: "CorpusCounts") -> int:
        """RETURNS (int): How many of this corpus's Docs have a text that the other corpus has, too."""
        return sum(count for text, count in self.texts.items() if text in other.texts)


def quantile(lengths: Counter[int], share: float) -> int:
    """A quantile of lengths that are counted.

    lengths (Counter[int]): How often each length occurs.
    share (float): 0 for the least, 0.5 for the median, 1 for the greatest.
    RETURNS (int): The length, 0 where there are none.
    """
    left = share * lengths.total()
    for length in sorted(lengths):
        left -= lengths[length]
        if left <= 0:
            return length
    return max(lengths, default=0)
