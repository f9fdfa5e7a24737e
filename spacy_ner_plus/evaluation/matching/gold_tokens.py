"""Gold and predicted entities brought together: where a prediction lies, and how it differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus import spans

MISSED = "missed"
SPURIOUS = "spurious"
WRONG_LABEL = "wrong label"
WRONG_BOUNDARY = "wrong boundary"
WRONG_BOTH = "wrong label and boundary"
KINDS = (MISSED, SPURIOUS, WRONG_LABEL, WRONG_BOUNDARY, WRONG_BOTH)


class Placed(NamedTuple):
    """An entity and its place in the gold Doc.

    start (int): Index of the first gold token that it touches.
    end (int): Index after the last one; equal to `start` where it touches none.
    label (str): The label.
    start_char (int): Offset of its first character in the gold text.
    end_char (int): Offset after its last character.
    text (str): Its text, as predicted.
    fits (bool): Whether its ends are ends of gold tokens.
    """

    start: int
    end: int
    label: str
    start_char: int
    end_char: int
    text: str
    fits: bool


@dataclass(frozen=True)
class Difference:
    """One difference between gold and predicted.

    kind (str): One of KINDS.
    gold (Placed | None): The gold entity, None where the prediction is spurious.
    predicted (Placed | None): The predicted entity, None where the gold one was missed.
    """

    kind: str
    gold: Placed | None
    predicted: Placed | None


def same_words(one: Doc, other: Doc) -> bool:
    """Say whether two Docs have the same text but for white space and case, so that tokens can be aligned.

    one (Doc): A Doc.
    other (Doc): Another.
    RETURNS (bool): Whether they have.
    """
    if one.text == other.text:
        return True
    return "".join(one.text.split()).lower() == "".join(other.text.split()).lower()


def place_gold(gold: Doc) -> list[Placed]:
    """Give gold's own entities in the form of `place`.

    gold (Doc): The gold Doc.
    RETURNS (list[Placed]): Its entities in order.
    """
    return [
        Placed(ent.start, ent.end, ent.label_, ent.start_char, ent.end_char, ent.text, True)
        for ent in gold.ents
    ]


def place(predicted: Doc, gold: Doc) -> list[Placed]:
    """Find where the predicted entities lie on gold's tokens.

    An entity whose ends are no ends of gold tokens is given with all gold
    tokens that it touches and with `fits` False; one that touches none (white
    space, or a Doc of other words) has `start` equal to `end`.

    predicted (Doc): The Doc with predictions.
    gold (Doc): The gold Doc.
    RETURNS (list[Placed]): The predicted entities by position.
    """
    if not same_words(predicted, gold):
        return [Placed(0, 0, ent.label_, 0, 0, ent.text, False) for ent in predicted.ents]
    projected, lost = spans.project(predicted, gold)
    placed = []
    for span in projected:
        here = gold[span.start : span.end]
        placed.append(
            Placed(span.start, span.end, span.label, here.start_char, here.end_char, here.text, True)
        )
    if lost:
        x2y = Example(predicted, gold).alignment.x2y
        for ent in lost:
            touched = x2y[ent.start : ent.end]
            if not len(touched):
                placed.append(Placed(0, 0, ent.label_, 0, 0, ent.text, False))
                continue
            start, end = int(touched[0]), int(touched[-1]) + 1
            if predicted.text == gold.text:
                chars = ent.start_char, ent.end_char
            else:
                chars = gold[start].idx, gold[end - 1].idx + len(gold[end - 1])
            placed.append(Placed(start, end, ent.label_, *chars, ent.text, False))
    return sorted(placed, key=lambda span: (span.start_char, span.end_char))


def unannotated(gold: Doc) -> set[int]:
    """Find the tokens whose annotation is missing, which is not the same as being outside.

    gold (Doc): The gold Doc.
    RETURNS (set[int]): Their indices.
    """
    return {token.i for token in gold if token.ent_iob == 0}


def leave_out(placed: Sequence[Placed], gold: Doc) -> tuple[list[Placed], list[Placed]]:
    """Part the predictions that can be judged from those on tokens without annotation.

    As spaCy's scorer does: one token whose annotation is missing makes the
    prediction neither right nor wrong.

    placed (Sequence[Placed]): Predictions on gold's tokens.
    gold (Doc): The gold Doc.
    RETURNS (tuple[list[Placed], list[Placed]]): To be judged; left out.
    """
    missing = unannotated(gold)
    if not missing:
        return list(placed), []
    if len(missing) == len(gold):
        return [], list(placed)
    kept, left_out = [], []
    for span in placed:
        (kept if missing.isdisjoint(range(span.start, span.end)) else left_out).append(span)
    return kept, left_out


def differences(predicted: Doc, gold: Doc) -> list[Difference]:
    """List how the predictions differ from gold, each gold and each predicted entity at most once.

    An entity that is not matched exactly is paired with the one it overlaps,
    the same label first, then the longest overlap; what finds no partner is
    missed or spurious.

    predicted (Doc): The Doc with predictions.
    gold (Doc): The gold Doc.
    RETURNS (list[Difference]): By position in the gold text; empty where both agree.
    """
    judged, _ = leave_out(place(predicted, gold), gold)
    wanted = place_gold(gold)
    exact = {(span.start, span.end, span.label) for span in judged if span.fits}
    exact &= {(span.start, span.end, span.label) for span in wanted}
    judged = [span for span in judged if not (span.fits and (span.start, span.end, span.label) in exact)]
    wanted = [span for span in wanted if (span.start, span.end, span.label) not in exact]
    pairs = []
    for gold_span in wanted:
        for span in judged:
            overlap = min(gold_span.end_char, span.end_char) - max(gold_span.start_char, span.start_char)
            if overlap > 0:
                pairs.append((gold_span.label != span.label, -overlap, gold_span, span))
    found = []
    taken: set[tuple[str, Placed]] = set()
    for _, _, gold_span, span in sorted(pairs):
        if ("gold", gold_span) in taken or ("predicted", span) in taken:
            continue
        taken |= {("gold", gold_span), ("predicted", span)}
        found.append(Difference(_kind(gold_span, span), gold_span, span))
    found += [Difference(MISSED, span, None) for span in wanted if ("gold", span) not in taken]
    found += [Difference(SPURIOUS, None, span) for span in judged if ("predicted", span) not in taken]
    return sorted(found, key=lambda difference: (difference.gold or difference.predicted).start_char)


def _kind(gold: Placed, predicted: Placed) -> str:
    same_place = predicted.fits and (gold.start, gold.end) == (predicted.start, predicted.end)
    if same_place:
        return WRONG_LABEL
    return WRONG_BOUNDARY if gold.label == predicted.label else WRONG_BOTH
