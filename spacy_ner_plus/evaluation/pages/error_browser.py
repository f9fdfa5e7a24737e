"""The documents of a comparison as JSON for its page: texts, entities of all sides, and errors by kind."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.errors.confusion import label_pairs
from spacy_ner_plus.evaluation.errors.error_kinds import ERROR_KINDS, NO_ENTITY, EntityError, find_errors
from spacy_ner_plus.evaluation.errors.surface_forms import Forms, count_uses
from spacy_ner_plus.evaluation.matching.gold_tokens import Placed, leave_out, place, unannotated
from spacy_ner_plus.evaluation.matching.matched_doc import JudgedDoc, judge_doc
from spacy_ner_plus.spans import span_scores

# Bytes of documents that one page holds at most, so that it opens at once wherever it is sent.
MOST_BYTES = 12_000_000
# Where an entity has no score.
UNSCORED = -1
# In place of a label's number, where one side has no entity.
NOTHING = -1


class Browsed(NamedTuple):
    """What the page's script browses.

    json (str): The data, safe inside a script element.
    labels (list[str]): All labels, in the order of their numbers in the data.
    shown (int): How many documents it holds.
    documents (int): How many there are.
    """

    json: str
    labels: list[str]
    shown: int
    documents: int


def browse(
    golds: Sequence[Doc], predictions: Mapping[str, Sequence[Doc]], *, most_bytes: int = MOST_BYTES
) -> Browsed:
    """Write gold and predicted entities and the errors of every document.

    Offsets are in UTF-16 code units, in which JavaScript counts. Where the documents would be too large for a
    page, those with most errors are kept.

    golds (Sequence[Doc]): The gold Docs.
    predictions (Mapping[str, Sequence[Doc]]): Predicted Docs by pipeline, in the same order and as many.
    most_bytes (int): Of all documents together.
    RETURNS (Browsed): JSON with `labels`, `nothing` (what stands for none), `kinds`, `pipelines` and `documents`.
        A document has `n` (its number), `t` (text), `w` (number of tokens), `g` (gold's entities: start, end, label,
        and so on in one row) and `p`, for each pipeline: `e` (its entities: start, end, label, score in thousandths),
        `x` (errors: kind, gold's entities, predicted ones, whether gold has it both ways), and where there are such
        `c` (labels taken for others: gold's, the predicted one, and so on, as the confusion matrix counts them), `h`
        (texts of entities without a place), `u` (entities that can't be judged) and `a` (0: no answer).
    RAISES (UserError): Where a pipeline has not as many documents as gold.
    """
    for name, docs in predictions.items():
        if len(docs) != len(golds):
            raise UserError(Errors.E341.format(name=name, found=len(docs), expected=len(golds)))
    forms = count_uses(golds)
    every = {ent.label_ for docs in (golds, *predictions.values()) for doc in docs for ent in doc.ents}
    labels = {label: i for i, label in enumerate(sorted(every))}
    documents: list[tuple[int, str]] = []
    for number, (gold, *several) in enumerate(zip(golds, *predictions.values(), strict=True), 1):
        units = utf16_offsets(gold.text)
        runs = [_run(gold, doc, forms, labels, units) for doc in several]
        row = {
            "n": number,
            "t": gold.text,
            "w": len(gold),
            "g": [
                x
                for ent in gold.ents
                for x in _bounds(ent.start_char, ent.end_char, ent.label_, labels, units)
            ],
            "p": runs,
        }
        documents.append((sum(len(run["x"]) for run in runs), in_script(row)))
    kept = _worst(documents, most_bytes)
    head = in_script(
        {"labels": list(labels), "nothing": NO_ENTITY, "kinds": ERROR_KINDS, "pipelines": list(predictions)}
    )
    rows = ",".join(documents[i][1] for i in kept)
    return Browsed(f'{head[:-1]},"documents":[{rows}]}}', list(labels), len(kept), len(documents))


def in_script(value: Any) -> str:
    """Write JSON that can stand inside a script element, whatever texts hold.

    value (Any): The value.
    RETURNS (str): JSON in which no HTML parser finds a tag, a comment or an entity, and no line separator.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def utf16_offsets(text: str) -> Sequence[int]:
    """Turn offsets in characters into those in UTF-16 code units.

    text (str): A text.
    RETURNS (Sequence[int]): For each offset from 0 to the text's length, as many units.
    """
    if text.isascii() or max(text) <= "\uffff":
        return range(len(text) + 1)
    offsets = [0]
    for char in text:
        offsets.append(offsets[-1] + (2 if char > "\uffff" else 1))
    return offsets


def _run(
    gold: Doc, predicted: Doc, forms: Forms, labels: Mapping[str, int], units: Sequence[int]
) -> dict[str, Any]:
    """One pipeline's part of a document."""
    doc = judge_doc(predicted, gold)
    # Of another text than gold's, places aren't the same.
    scores = _scores(predicted) if predicted.text == gold.text else {}
    ents = []
    for span in doc.predicted:
        score = scores.get((span.start_char, span.end_char, span.label))
        ents += _bounds(span.start_char, span.end_char, span.label, labels, units)
        ents.append(UNSCORED if score is None else round(1000 * score))
    run: dict[str, Any] = {"e": ents, "x": [_error(error, doc) for error in find_errors([doc], forms)]}
    mixed = [pair for pair in label_pairs(doc) if pair[0] != pair[1]]
    if mixed:
        run["c"] = [NOTHING if label is None else labels[label] for pair in mixed for label in pair]
    if homeless := {str(i): span.text for i, span in enumerate(doc.predicted) if span.start == span.end}:
        run["h"] = homeless
    if unannotated(gold):
        _, left_out = leave_out(place(predicted, gold), gold)
        run["u"] = [
            x for span in left_out for x in _bounds(span.start_char, span.end_char, span.label, labels, units)
        ]
    if not doc.answered:
        run["a"] = 0
    return run


def _error(error: EntityError, doc: JudgedDoc) -> list[Any]:
    sides = ((error.golds, doc.golds), (error.predicted, doc.predicted))
    places = [[_index(span, spans) for span in some] for some, spans in sides]
    return [ERROR_KINDS.index(error.kind), *places, int(error.unclear)]


def _index(span: Placed, spans: Sequence[Placed]) -> int:
    # The same object: two predictions may be equal, and each has its own error.
    return next(i for i, other in enumerate(spans) if other is span)


def _scores(predicted: Doc) -> dict[tuple[int, int, str], float]:
    known = span_scores(predicted)
    return {
        (ent.start_char, ent.end_char, ent.label_): known[key]
        for ent in predicted.ents
        if known and (key := (ent.start, ent.end, ent.label)) in known
    }


def _bounds(start: int, end: int, label: str, labels: Mapping[str, int], units: Sequence[int]) -> list[int]:
    return [units[start], units[end], labels[label]]


def _worst(documents: Sequence[tuple[int, str]], most_bytes: int) -> list[int]:
    """Indices of those that fit, in order; where not all do, those with most errors."""
    left = most_bytes
    kept = []
    for i in sorted(range(len(documents)), key=lambda i: (-documents[i][0], i)):
        size = len(documents[i][1].encode("utf8")) + 1
        if size <= left:
            kept.append(i)
            left -= size
    return sorted(kept)
