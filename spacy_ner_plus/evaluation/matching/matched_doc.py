"""Gold and predicted entities of a document, brought together once for all that counts them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

from spacy_ner_plus.evaluation.matching.gold_tokens import Placed, leave_out, place, place_gold, unannotated
from spacy_ner_plus.spans import MISSING, TokenSpan, doc_to_tags, spans_to_tags


@dataclass(frozen=True)
class JudgedDoc:
    """The entities of one document on the tokens of gold.

    number (int): Which document it is, from 1.
    golds (tuple[Placed, ...]): Gold's entities in order.
    predicted (tuple[Placed, ...]): The predicted ones that can be judged, in order.
    words (tuple[str, ...]): Gold's tokens.
    compared (tuple[int, ...]): Indices of the tokens that have an annotation to compare with.
    gold_tags (tuple[str, ...]): IOB2 tags of gold; O where the annotation is missing.
    predicted_tags (tuple[str, ...]): IOB2 tags of the predicted entities that fit gold's tokens; MISSING
        at each token that another one touches.
    answered (bool): Whether anything was predicted, if only that there is no entity.
    """

    number: int
    golds: tuple[Placed, ...]
    predicted: tuple[Placed, ...]
    words: tuple[str, ...]
    compared: tuple[int, ...]
    gold_tags: tuple[str, ...]
    predicted_tags: tuple[str, ...]
    answered: bool


def judge_docs(golds: Iterable[Doc], predictions: Iterable[Doc]) -> list[JudgedDoc]:
    """Bring gold and predicted entities together.

    Entities are laid on gold's tokens by their characters. One that ends inside a gold token is wrong
    in every scheme that asks for bounds; one that touches a token without annotation is left out. What
    this loses is counted by `metrics.score_docs`.

    golds (Iterable[Doc]): The gold Docs.
    predictions (Iterable[Doc]): The Docs with predictions, in the same order and as many.
    RETURNS (list[JudgedDoc]): One for each.
    """
    pairs = zip(golds, predictions, strict=True)
    return [judge_doc(predicted, gold, number) for number, (gold, predicted) in enumerate(pairs, 1)]


def judge_doc(predicted: Doc, gold: Doc, number: int = 1) -> JudgedDoc:
    """Bring the entities of one document together.

    predicted (Doc): The Doc with predictions.
    gold (Doc): The gold Doc.
    number (int): Which document it is, from 1.
    RETURNS (JudgedDoc): Both.
    """
    judged, left_out = leave_out(place(predicted, gold), gold)
    apart = unannotated(gold) | {i for span in left_out for i in range(span.start, span.end)}
    tags = spans_to_tags((TokenSpan(s.start, s.end, s.label) for s in judged if s.fits), len(gold))
    for span in judged:
        if not span.fits:
            tags[span.start : span.end] = [MISSING] * (span.end - span.start)
    return JudgedDoc(
        number,
        tuple(place_gold(gold)),
        tuple(judged),
        tuple(token.text for token in gold),
        tuple(i for i in range(len(gold)) if i not in apart),
        tuple("O" if tag == MISSING else tag for tag in doc_to_tags(gold)),
        tuple(tags),
        not len(predicted) or predicted.has_annotation("ENT_IOB"),
    )


def overlapping(golds: Sequence[Placed], predicted: Sequence[Placed]) -> list[tuple[int, int, int]]:
    """Find which gold and predicted entities share characters.

    golds (Sequence[Placed]): Gold's entities by their first character; they may overlap each other.
    predicted (Sequence[Placed]): Predicted ones by their first character; they may, too.
    RETURNS (list[tuple[int, int, int]]): Index of the gold one, of the predicted one, and how many
        characters they share, for all that share any.
    """
    found = []
    open_spans: list[int] = []
    following = 0
    for i, gold in enumerate(golds):
        while following < len(predicted) and predicted[following].start_char < gold.end_char:
            open_spans.append(following)
            following += 1
        # Gold's entities come by their first character: what ends before this one ends before all others.
        open_spans = [j for j in open_spans if predicted[j].end_char > gold.start_char]
        for j in open_spans:
            span = predicted[j]
            shared = min(gold.end_char, span.end_char) - max(gold.start_char, span.start_char)
            if shared > 0:
                found.append((i, j, shared))
    return found
