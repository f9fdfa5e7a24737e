"""Gold and predicted entities of a document, matched once for all that counts, explains or shows them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.failures import is_answered
from spacy_ner_plus.evaluation.matching.gold_doc import Entity, GoldDoc, read_gold
from spacy_ner_plus.evaluation.matching.overlaps import Overlap, find_overlaps
from spacy_ner_plus.evaluation.matching.projection import project, same_words
from spacy_ner_plus.spans import MISSING, TokenSpan, spans_to_tags
from spacy_ner_plus.unplaced_mentions import unplaced_mentions


@dataclass(frozen=True)
class MatchedDoc:
    """The gold and the predicted entities of one document, on the tokens of gold.

    number (int): Which document it is, from 1.
    gold (GoldDoc): The gold annotation.
    predicted (tuple[Entity, ...]): The predicted entities that can be scored, in order.
    left_out (tuple[Entity, ...]): Those that touch a token without annotation, or whose label wasn't annotated, and
        so are neither right nor wrong.
    gold_tags (tuple[str, ...]): IOB2 tags of gold; O where annotation is missing.
    predicted_tags (tuple[str, ...]): IOB2 tags of the aligned predicted entities; MISSING at each token that a
        misaligned one touches.
    compared (tuple[int, ...]): Indices of the tokens that have an annotation to compare with.
    predicted_text (str): The text that the pipeline gave back.
    same_words (bool): Whether that is gold's text but for white space and case. Else no prediction has a place in it.
    answered (bool): Whether anything was predicted, if only that there is no entity.
    """

    number: int
    gold: GoldDoc
    predicted: tuple[Entity, ...]
    left_out: tuple[Entity, ...]
    gold_tags: tuple[str, ...]
    predicted_tags: tuple[str, ...]
    compared: tuple[int, ...]
    predicted_text: str
    same_words: bool
    answered: bool

    @property
    def same_text(self) -> bool:
        """RETURNS (bool): Whether the pipeline left the text as it was."""
        return self.predicted_text == self.gold.text

    @cached_property
    def right(self) -> tuple[bool, ...]:
        """RETURNS (tuple[bool, ...]): Whether each of `predicted` has bounds and label of a gold entity; of two that
        have those of one, as strict scores count, only the first."""
        open_golds = Counter(entity.bounds for entity in self.gold.ents)
        found = []
        for entity in self.predicted:
            is_right = entity.aligned and open_golds[entity.bounds] > 0
            open_golds[entity.bounds] -= is_right
            found.append(is_right)
        return tuple(found)

    @cached_property
    def overlaps(self) -> list[Overlap]:
        """RETURNS (list[Overlap]): Which of `gold.ents` and `predicted` share characters."""
        return find_overlaps(self.gold.ents, self.predicted)

    @property
    def all_predicted(self) -> list[Entity]:
        """RETURNS (list[Entity]): All predicted entities by position, also those that are left out."""
        everything = (*self.predicted, *self.left_out)
        return sorted(everything, key=lambda entity: (entity.start_char, entity.end_char))

    @property
    def misaligned(self) -> list[Entity]:
        """RETURNS (list[Entity]): The predicted entities that begin or end inside a gold token, or touch none."""
        return [entity for entity in self.predicted if not entity.aligned]


def match_docs(golds: Iterable[Doc | GoldDoc], predictions: Iterable[Doc]) -> list[MatchedDoc]:
    """Match gold with predictions, document by document.

    golds (Iterable[Doc | GoldDoc]): Gold Docs, or what was read of them, to share it between several pipelines.
    predictions (Iterable[Doc]): The Docs with predictions, in the same order.
    RETURNS (list[MatchedDoc]): One for each.
    RAISES (UserError): Where there are not as many predictions as gold Docs.
    """
    golds, predictions = list(golds), list(predictions)
    if len(golds) != len(predictions):
        raise UserError(Errors.E341.format(found=len(predictions), expected=len(golds)))
    pairs = zip(golds, predictions, strict=True)
    return [match_doc(gold, predicted, number) for number, (gold, predicted) in enumerate(pairs, 1)]


def match_doc(gold: Doc | GoldDoc, predicted: Doc, number: int = 1) -> MatchedDoc:
    """Match the gold and the predicted entities of one document.

    Predictions are laid on gold's tokens. One that touches a token whose annotation is missing is left out, as
    spaCy's scorer leaves it out; and so is one whose label wasn't annotated, as if it had not been predicted. Mentions
    that have no place in the predicted Doc (`unplaced_mentions`) are predictions, too.

    number (int): Which document it is, from 1.
    """
    gold = gold if isinstance(gold, GoldDoc) else read_gold(gold)
    # Without a place one is right by its text alone, and wrong wherever bounds count.
    unplaced = [
        Entity(0, 0, label, 0, 0, text, aligned=False) for text, label in unplaced_mentions(predicted)
    ]
    found, of_others = _by_label([*project(predicted, gold), *unplaced], gold)
    scored, left_out = _without_annotation(found, gold)
    apart = gold.missing.union(*(range(entity.start, entity.end) for entity in left_out))
    tags = spans_to_tags((TokenSpan(s.start, s.end, s.label) for s in scored if s.aligned), len(gold.words))
    for entity in scored:
        if not entity.aligned:
            tags[entity.start : entity.end] = [MISSING] * (entity.end - entity.start)
    return MatchedDoc(
        number=number,
        gold=gold,
        predicted=tuple(scored),
        left_out=(*left_out, *of_others),
        gold_tags=tuple("O" if tag == MISSING else tag for tag in gold.tags) if gold.missing else gold.tags,
        predicted_tags=tuple(tags),
        compared=tuple(i for i in range(len(gold.words)) if i not in apart),
        predicted_text=predicted.text,
        same_words=same_words(predicted.text, gold.text),
        answered=is_answered(predicted),
    )


def _by_label(entities: Sequence[Entity], gold: GoldDoc) -> tuple[Sequence[Entity], Sequence[Entity]]:
    """Predictions of labels that were annotated, and the others."""
    if gold.annotated is None:
        return entities, []
    return (
        [entity for entity in entities if entity.label in gold.annotated],
        [entity for entity in entities if entity.label not in gold.annotated],
    )


def _without_annotation(
    entities: Sequence[Entity], gold: GoldDoc
) -> tuple[Sequence[Entity], Sequence[Entity]]:
    """Predictions that can be scored, and those on a token without annotation."""
    if not gold.missing:
        return entities, []
    if len(gold.missing) == len(gold.words):
        return [], entities
    scored, left_out = [], []
    for entity in entities:
        (scored if gold.missing.isdisjoint(range(entity.start, entity.end)) else left_out).append(entity)
    return scored, left_out
