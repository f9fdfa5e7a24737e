"""IOB2 tags read in two ways: strictly, and as the CoNLL script does, which forgives an I- without a B-."""

from collections.abc import Sequence

from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.counting.schemes import STRICT, count_spans
from spacy_ner_plus.evaluation.matching.gold_tokens import Placed
from spacy_ner_plus.spans import TokenSpan, tags_to_spans

CONLLEVAL = "conlleval"
READINGS = (STRICT, CONLLEVAL)


def read_tags(tags: Sequence[str], reading: str = STRICT) -> list[TokenSpan]:
    """Read IOB2 tags as spans.

    tags (Sequence[str]): IOB2 tags.
    reading (str): STRICT: an entity begins with B- alone, and an I- that continues nothing is no part of any
        entity, as in seqeval's strict mode. CONLLEVAL: such an I- begins an entity, as in the script of
        CoNLL-2000 and in seqeval's default mode, so that wrong sequences of tags score as high as right ones.
    RETURNS (list[TokenSpan]): The spans in order.
    RAISES (ValueError): For any other reading.
    """
    if reading == CONLLEVAL:
        return tags_to_spans(tags)
    if reading != STRICT:
        raise ValueError(f"{reading!r} is no way to read tags; there are {', '.join(READINGS)}")
    strict = []
    before = "O"
    for tag in tags:
        prefix, _, label = tag.partition("-")
        follows = before != "O" and before.partition("-")[2] == label
        before = tag if prefix == "B" or (prefix == "I" and follows) else "O"
        strict.append(before)
    return tags_to_spans(strict)


def count_tag_sequences(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    *,
    scheme: str = STRICT,
    reading: str = STRICT,
) -> Counts:
    """Count entities in plain sequences of tags, such as other tools write.

    gold (Sequence[Sequence[str]]): IOB2 tags of each document.
    predicted (Sequence[Sequence[str]]): As many tags, for the same tokens.
    scheme (str): A scheme by position, such as 'strict' or 'partial'; an overlap is one of tokens.
    reading (str): One of READINGS, for both sides.
    RETURNS (Counts): The counts.
    RAISES (ValueError): Where documents or tags are not as many on both sides.
    """
    counts = Counts()
    for number, (wanted, found) in enumerate(zip(gold, predicted, strict=True), 1):
        if len(wanted) != len(found):
            raise ValueError(f"document {number} has {len(wanted)} gold tags and {len(found)} predicted ones")
        counts += count_spans(
            *([_place(span) for span in read_tags(t, reading)] for t in (wanted, found)), scheme
        )
    return counts


def _place(span: TokenSpan) -> Placed:
    # Tokens of one character each.
    return Placed(span.start, span.end, span.label, span.start, span.end, "", True)
