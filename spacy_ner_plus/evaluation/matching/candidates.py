"""Spans that don't stand on a Doc as its entities, such as candidates for them: which of them are gold's."""

from collections.abc import Sequence

from spacy.tokens import Doc

from spacy_ner_plus.evaluation.matching.gold_doc import read_gold


def find_right(gold: Doc, predicted: Doc, spans: Sequence[tuple[int, int, str]]) -> list[bool | None]:
    """Say which spans are gold entities, whatever entities the Doc has; of those, `MatchedDoc.right` says it.

    predicted (Doc): The Doc that the spans were found in.
    spans (Sequence[tuple[int, int, str]]): Start and end in characters, and label.
    RETURNS (list[bool | None]): Whether each is gold's; None on tokens without annotation, and where its label
        wasn't annotated.
    """
    annotation = read_gold(gold)
    wanted = {entity.bounds for entity in annotation.ents} if predicted.text == annotation.text else set()
    blank = [(annotation.starts[i], annotation.end_of(i)) for i in sorted(annotation.missing)]
    return [
        None
        if (annotation.annotated is not None and label not in annotation.annotated)
        or any(start < blank_end and end > blank_start for blank_start, blank_end in blank)
        else (start, end, label) in wanted
        for start, end, label in spans
    ]
