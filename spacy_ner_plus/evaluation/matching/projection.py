"""Predicted entities laid on the tokens of gold, whatever tokens the pipeline made."""

from collections.abc import Iterator, Sequence

from spacy.tokens import Doc, Span
from spacy.training import Alignment

from spacy_ner_plus.evaluation.matching.gold_doc import Entity, GoldDoc
from spacy_ner_plus.spans import span_scores


def project(predicted: Doc, gold: GoldDoc) -> list[Entity]:
    """Lay predicted entities on gold's tokens.

    Where both have the same text this goes by characters, else by spaCy's token alignment, which forgives
    differences of white space and case. An entity that begins or ends inside a gold token gets all gold tokens that
    it touches, and isn't `aligned`; one that touches none (white space, or a Doc of other words) has `start` equal
    to `end`.

    predicted (Doc): The Doc with predictions, whose scores stand in a span group's attrs["scores"].
    RETURNS (list[Entity]): The predicted entities by position.
    """
    if not predicted.ents:
        return []
    scores = span_scores(predicted)
    words, text = [token.text for token in predicted], predicted.text
    alignment = None
    if tuple(words) == gold.words:
        token_bounds = [(ent.start, ent.end) for ent in predicted.ents]
    elif not same_words(text, gold.text):
        token_bounds = [None] * len(predicted.ents)
    elif text == gold.text:
        token_bounds = list(_by_characters(predicted.ents, gold))
        if None in token_bounds:
            alignment = Alignment.from_strings(words, list(gold.words))
    else:
        alignment = Alignment.from_strings(words, list(gold.words))
        token_bounds = list(_by_alignment(predicted.ents, alignment))
    found = []
    for ent, tokens in zip(predicted.ents, token_bounds, strict=True):
        score = scores.get((ent.start, ent.end, ent.label))
        if tokens is None:
            touched = () if alignment is None else alignment.x2y[ent.start : ent.end]
            found.append(_misaligned(ent, touched, text, gold, score))
        else:
            bounds = gold.starts[tokens[0]], gold.end_of(tokens[1] - 1)
            here = gold.text[slice(*bounds)]
            found.append(Entity(*tokens, ent.label_, *bounds, here, True, score))
    return sorted(found, key=lambda entity: (entity.start_char, entity.end_char))


def same_words(one: str, other: str) -> bool:
    """RETURNS (bool): Whether two texts are the same but for white space and case, so that tokens can be aligned."""
    return one == other or "".join(one.split()).lower() == "".join(other.split()).lower()


def _by_characters(ents: Sequence[Span], gold: GoldDoc) -> Iterator[tuple[int, int] | None]:
    begins = {start: i for i, start in enumerate(gold.starts)}
    ends = {gold.end_of(i): i + 1 for i in range(len(gold.words))}
    for ent in ents:
        start, end = begins.get(ent.start_char), ends.get(ent.end_char)
        yield None if start is None or end is None else (start, end)


def _by_alignment(ents: Sequence[Span], alignment: Alignment) -> Iterator[tuple[int, int] | None]:
    for ent in ents:
        there = alignment.x2y[ent.start : ent.end]
        back = alignment.y2x[int(there[0]) : int(there[-1]) + 1] if len(there) else there
        fits = len(back) and int(back[0]) >= ent.start and int(back[-1]) < ent.end
        yield (int(there[0]), int(there[-1]) + 1) if fits else None


def _misaligned(ent: Span, touched: Sequence[int], text: str, gold: GoldDoc, score: float | None) -> Entity:
    if not len(touched):
        return Entity(0, 0, ent.label_, 0, 0, ent.text, False, score)
    start, end = int(touched[0]), int(touched[-1]) + 1
    bounds = (
        (ent.start_char, ent.end_char) if text == gold.text else (gold.starts[start], gold.end_of(end - 1))
    )
    return Entity(start, end, ent.label_, *bounds, ent.text, False, score)
