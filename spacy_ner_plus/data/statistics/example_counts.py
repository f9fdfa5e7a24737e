"""What examples hold and what of it can't be learnt: gold Docs beside the same texts in a pipeline's own tokens."""

from collections import Counter

from spacy.tokens import Span
from spacy.training import Example

from spacy_ner_plus.data.statistics.counts import CorpusCounts


class ExampleCounts:
    """Counts of what examples hold; the examples themselves are not kept.

    gold (CorpusCounts): Of the gold Docs.
    docs_with (Counter[str]): By label, how many Docs have an entity of it.
    without_entities, unannotated (int): Docs that have none, and Docs that don't say whether they have any.
    misaligned_tokens (int): The pipeline's tokens, but for white space, that aren't one token of the gold Doc.
    misaligned, whitespace, punctuation, crossing (Counter[str]): Entities by label: those that aren't made of
        whole tokens of the pipeline, that begin or end with white space or with punctuation, and that go on
        over the beginning of a sentence.
    examples (dict[str, str]): The first entity of each of these four, by its name.
    """

    def __init__(self) -> None:
        self.gold = CorpusCounts()
        self.docs_with: Counter[str] = Counter()
        self.without_entities = self.unannotated = self.misaligned_tokens = 0
        self.misaligned: Counter[str] = Counter()
        self.whitespace: Counter[str] = Counter()
        self.punctuation: Counter[str] = Counter()
        self.crossing: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def add(self, example: Example) -> None:
        """Count an example."""
        gold = example.reference
        self.gold.add(gold)
        self.docs_with.update({ent.label_ for ent in gold.ents})
        if not gold.has_annotation("ENT_IOB"):
            self.unannotated += 1
        elif not gold.ents:
            self.without_entities += 1
        lengths = example.alignment.x2y.lengths
        self.misaligned_tokens += sum(
            lengths[token.i] != 1 for token in example.predicted if not token.is_space
        )
        for ent in gold.ents:
            # As spaCy aligns them for training.
            if not example.get_aligned_spans_y2x([ent]):
                self._note("misaligned", ent)
            if ent[0].is_space or ent[-1].is_space:
                self._note("whitespace", ent)
            elif ent[0].is_punct or ent[-1].is_punct:
                self._note("punctuation", ent)
            if any(token.is_sent_start for token in ent[1:]):
                self._note("crossing", ent)

    def _note(self, name: str, ent: Span) -> None:
        getattr(self, name)[ent.label_] += 1
        self.examples.setdefault(name, ent.text)
