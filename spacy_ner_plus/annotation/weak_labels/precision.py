"""How often an annotator is right with each label, on a corpus that people annotated."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer


class Precisions:
    """Counts of right and wrong spans, by annotator and label.

    names (Sequence[str]): Of the annotators.
    """

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        self._right: dict[str, Counter[str]] = defaultdict(Counter)
        self._all: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, gold: Doc, answers: Sequence[Answer]) -> None:
        """Count a gold Doc; a span on tokens whose annotation is missing is neither right nor wrong.

        answers (Sequence[Answer]): What each annotator says, on the gold Doc's tokens.
        """
        right = {(ent.start, ent.end, ent.label_) for ent in gold.ents}
        annotated = annotated_labels(gold)
        for name, answer in zip(self.names, answers, strict=True):
            for span in answer.spans:
                bounds = (span.start, span.end, span.label)
                unknown = any(not token.ent_iob for token in gold[span.start : span.end])
                if unknown or (annotated is not None and span.label not in annotated):
                    continue
                self._all[name][span.label] += 1
                self._right[name][span.label] += bounds in right

    def weights(self) -> dict[str, dict[str, float]]:
        """RETURNS (dict[str, dict[str, float]]): Precision by annotator and label, by Laplace's rule: a few spans
        that are all right aren't certain."""
        return {
            name: {
                label: round((self._right[name][label] + 1) / (count + 2), 6)
                for label, count in sorted(self._all[name].items())
            }
            for name in self.names
        }
