"""Several annotators together: one set of labels, and one tokenization for what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.annotation.distil.average import average
from spacy_ner_plus.annotation.distil.span_tags import span_tags
from spacy_ner_plus.annotation.weak_labels.annotator import (
    Annotator,
    TextAnswer,
    rename,
    with_scores,
)
from spacy_ner_plus.annotation.weak_labels.weak_doc import align_answer
from spacy_ner_plus.data.label_map import LabelMap
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer
from spacy_ner_plus.soft_tags import SoftTags, token_bounds

FAILED = "text on which {name} failed: missing there"


class Panel:
    """Annotators whose labels a map makes one set.

    annotators (Sequence[Annotator]): In the order in which they are asked.
    label_map (LabelMap | None): New labels by theirs; None where they stay.
    """

    def __init__(self, annotators: Sequence[Annotator], label_map: LabelMap | None = None):
        self.annotators = list(annotators)
        self.label_map = label_map
        self.names = [annotator.name for annotator in annotators]
        self.labels = [self._renamed(annotator.labels()) for annotator in annotators]

    def align(
        self, doc: Doc, answers: Sequence[TextAnswer], where: str, issues: IssueLog
    ) -> tuple[list[TextAnswer], list[Answer]]:
        """Lay what the annotators say on a Doc's tokens, under its new labels.

        answers (Sequence[TextAnswer]): One of each annotator.
        where (str): The text's place, for the count.
        issues (IssueLog): Where failures are counted, and what doesn't fit the tokens.
        RETURNS (tuple[list[TextAnswer], list[Answer]]): With the new labels, by characters and by tokens.
        """
        if self.label_map is not None:
            answers = [rename(answer, self.label_map.new_label) for answer in answers]
        aligned = []
        for name, labels, answer in zip(self.names, self.labels, answers, strict=True):
            if answer.failure:
                issues.add(FAILED.format(name=name), answer.failure, where)
            aligned.append(align_answer(doc, answer, labels, issues, f"{name}, {where}"))
        return list(answers), aligned

    def soft_tags(
        self,
        doc: Doc,
        answers: Sequence[TextAnswer],
        temperature: float,
        precisions: Mapping[str, Mapping[str, float]] | None = None,
    ) -> SoftTags:
        """Average how probable the annotators find each tag, on a Doc's tokens and under its new labels.

        answers (Sequence[TextAnswer]): With the new labels, as `align` gives them.
        temperature (float): How soft the tags are of those that give spans alone.
        precisions (Mapping[str, Mapping[str, float]] | None): By annotator and label, for spans without scores; None
            where they aren't known, and such spans count as certain.
        """
        bounds = token_bounds(doc)
        teachers = []
        cut = np.zeros(len(doc), dtype=bool)
        for name, labels, answer in zip(self.names, self.labels, answers, strict=True):
            found = answer.soft_tags()
            if found is None:
                if precisions is not None:
                    answer = with_scores(answer, precisions[name])
                # What doesn't fit was counted before.
                spans = align_answer(doc, answer, labels, IssueLog(), name)
                teachers.append(span_tags(spans, temperature))
                cut |= spans.cut
                continue
            soft, own_bounds = found
            if self.label_map is not None:
                soft = soft.renamed(lambda label: self.label_map.labels.get(label, label))
            teachers.append(soft.aligned(own_bounds, bounds))
        soft = average(teachers)
        # Somebody named something there, so that it isn't O because others say so.
        doubtful = cut & (soft.probs.argmax(axis=1) == 0)
        return replace(
            soft,
            probs=np.where(doubtful[:, None], 0.0, soft.probs),
            weights=np.where(doubtful, 0.0, soft.weights),
        )

    def _renamed(self, labels: frozenset[str] | None) -> frozenset[str] | None:
        if labels is None or self.label_map is None:
            return labels
        new = {self.label_map.labels.get(label, label) for label in labels}
        return frozenset(label for label in new if label is not None)
