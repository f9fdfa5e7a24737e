"""Gold documents beside those of the teachers: what people said stays, and what they left open the teachers fill."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.letters import without_space
from spacy_ner_plus.soft_tags import lay_on, read_soft_tags, write_soft_tags
from spacy_ner_plus.spans import IOB_OUTSIDE


class GoldMix:
    """Mixes gold Docs and those that teachers annotated.

    golds (Sequence[Doc]): What people annotated; tokens may be missing.
    teacher_labels (frozenset[str] | None): The labels that the teachers look for; None where that isn't known.
    soften (bool): Whether gold tokens get soft tags beside their gold tags, too, where the teachers annotated the text;
        else only those whose gold annotation is missing do.
    """

    def __init__(self, golds: Sequence[Doc], teacher_labels: frozenset[str] | None, *, soften: bool):
        self._golds = golds
        self._by_text: dict[str, list[Doc]] = defaultdict(list)
        for gold in golds:
            self._by_text[without_space(gold.text)].append(gold)
        self._soften = soften
        gold_labels = {ent.label_ for gold in golds for ent in gold.ents}.union(
            *(annotated_labels(gold) or () for gold in golds)
        )
        # Labels that gold has alone: on the teachers' documents they weren't looked for.
        self.gold_alone = frozenset() if teacher_labels is None else gold_labels - teacher_labels
        self._gold_labels = gold_labels
        # Where gold says of some Doc that it has no other entity, of whatever label.
        self._says_o = any(annotated_labels(gold) is None and _has_o(gold) for gold in golds)
        self._teacher_labels = teacher_labels
        self._weak_labels: set[str] = set()
        self.replaced = self.weak = 0
        self._found: set[str] = set()
        # How many tokens have soft tags, by the gold Doc: a text may come twice.
        self._softened: dict[int, int] = {}

    @property
    def softened_tokens(self) -> int:
        """RETURNS (int): How many gold tokens have soft tags of these teachers."""
        return sum(self._softened.values())

    @property
    def teachers_alone(self) -> frozenset[str]:
        """RETURNS (frozenset[str]): The labels that the teachers named and gold doesn't know: to learn from gold is to
        learn that there are none."""
        return frozenset(self._weak_labels - self._gold_labels) if self._says_o else frozenset()

    def mix(self, weak_docs: Iterable[Doc]) -> Iterator[Doc]:
        """Mix all Docs.

        weak_docs (Iterable[Doc]): What the teachers annotated, with soft tags. Of one whose text a gold Doc has, in
            whatever white space, only these are taken.
        YIELDS (Doc): The teachers' Docs and then all gold ones.
        """
        for doc in weak_docs:
            text = without_space(doc.text)
            self._weak_labels.update(ent.label_ for ent in doc.ents)
            same = self._by_text.get(text, ())
            for gold in same:
                self._fill(gold, doc)
            if same:
                self._found.add(text)
                self.replaced += 1
                continue
            self.weak += 1
            if self.gold_alone and self._teacher_labels:
                set_annotated_labels(doc, self._teacher_labels)
            yield doc
        yield from self._golds

    def _fill(self, gold: Doc, doc: Doc) -> None:
        found = read_soft_tags(doc)
        soft = None if found is None else lay_on(found, doc, gold)
        if soft is None:
            return
        open_tokens = np.array([self._soften or not token.ent_iob for token in gold], dtype=bool)
        soft = replace(soft, weights=np.where(open_tokens, soft.weights, 0.0), beside_gold=True)
        said = int((soft.weights > 0).sum())
        if said:
            self._softened[id(gold)] = said
            write_soft_tags(gold, soft)

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): In JSON's types: how many documents are `gold`, how many of these nobody annotated
        (`gold_open`), and how many are `weak`, the teachers'; how many of these were left out as gold has their text
        (`replaced`), how many gold documents have the text of none of them (`unmatched`), how many gold tokens have
        soft tags (`softened_tokens`), and the labels that gold has alone (`gold_alone`) and that the teachers named
        alone (`teachers_alone`)."""
        return {
            "gold": len(self._golds),
            "gold_open": sum(not doc.has_annotation("ENT_IOB") for doc in self._golds),
            "weak": self.weak,
            "replaced": self.replaced,
            "unmatched": sum(len(golds) for text, golds in self._by_text.items() if text not in self._found),
            "softened_tokens": self.softened_tokens,
            "gold_alone": sorted(self.gold_alone),
            "teachers_alone": sorted(self.teachers_alone),
        }


def _has_o(doc: Doc) -> bool:
    return any(token.ent_iob == IOB_OUTSIDE for token in doc)
