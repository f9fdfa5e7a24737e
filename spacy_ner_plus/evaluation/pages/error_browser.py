"""The documents of a comparison as JSON for its page: texts, entities of all sides, and errors by kind."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from spacy_ner_plus.evaluation.errors.confusion import label_pairs
from spacy_ner_plus.evaluation.errors.error_kinds import ERROR_KINDS, NO_ENTITY, EntityError, find_errors
from spacy_ner_plus.evaluation.errors.surface_forms import Forms, count_uses
from spacy_ner_plus.evaluation.matching.gold_doc import Entity
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc
from spacy_ner_plus.utf16 import utf16_offsets

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


def browse(pipelines: Mapping[str, Sequence[MatchedDoc]], *, most_bytes: int = MOST_BYTES) -> Browsed:
    """Write gold and predicted entities and the errors of every document.

    Offsets are in UTF-16 code units, in which JavaScript counts. Where the documents would be too large for a
    page, those with most errors are kept.

    pipelines (Mapping[str, Sequence[MatchedDoc]]): By pipeline its predictions, matched with the same gold.
    most_bytes (int): Of all documents together.
    RETURNS (Browsed): JSON with `labels`, `nothing` (what stands for none), `kinds`, `pipelines` and `documents`.
        A document has `n` (its number), `t` (text), `w` (number of tokens), `g` (gold's entities: start, end, label,
        and so on in one row) and `p`, for each pipeline: `e` (its entities: start, end, label, score in thousandths),
        `x` (errors: kind, gold's entities, predicted ones, whether gold has it both ways), and where there are such
        `c` (labels taken for others: gold's, the predicted one, and so on, as the confusion matrix counts them), `h`
        (texts of entities without a place), `u` (entities left out, as gold has no annotation there) and `a` (0: no
        answer).
    """
    golds = [doc.gold for doc in next(iter(pipelines.values()))]
    forms = count_uses(golds)
    every = {entity.label for gold in golds for entity in gold.ents}
    for docs in pipelines.values():
        every |= {entity.label for doc in docs for entity in (*doc.predicted, *doc.left_out)}
    labels = {label: i for i, label in enumerate(sorted(every))}
    documents: list[tuple[int, str]] = []
    for number, (gold, *several) in enumerate(zip(golds, *pipelines.values(), strict=True), 1):
        units = utf16_offsets(gold.text)
        runs = [_run(doc, forms, labels, units) for doc in several]
        row = {
            "n": number,
            "t": gold.text,
            "w": len(gold.words),
            "g": [x for entity in gold.ents for x in _bounds(entity, labels, units)],
            "p": runs,
        }
        documents.append((sum(len(run["x"]) for run in runs), in_script(row)))
    kept = _worst(documents, most_bytes)
    head = in_script(
        {"labels": list(labels), "nothing": NO_ENTITY, "kinds": ERROR_KINDS, "pipelines": list(pipelines)}
    )
    rows = ",".join(documents[i][1] for i in kept)
    return Browsed(f'{head[:-1]},"documents":[{rows}]}}', list(labels), len(kept), len(documents))


def in_script(value: Any) -> str:
    """Write JSON that can stand inside a script element, whatever texts hold.

    RETURNS (str): JSON in which no HTML parser finds a tag, a comment or an entity, and no line separator.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _run(doc: MatchedDoc, forms: Forms, labels: Mapping[str, int], units: Sequence[int]) -> dict[str, Any]:
    """One pipeline's part of a document."""
    ents = []
    for entity in doc.predicted:
        ents += _bounds(entity, labels, units)
        ents.append(UNSCORED if entity.score is None else round(1000 * entity.score))
    run: dict[str, Any] = {"e": ents, "x": [_error(error, doc) for error in find_errors([doc], forms)]}
    mixed = [pair for pair in label_pairs(doc) if pair[0] != pair[1]]
    if mixed:
        run["c"] = [NOTHING if label is None else labels[label] for pair in mixed for label in pair]
    unplaced = {str(i): entity.text for i, entity in enumerate(doc.predicted) if entity.start == entity.end}
    if unplaced:
        run["h"] = unplaced
    if doc.gold.missing or doc.left_out:
        run["u"] = [x for entity in doc.left_out for x in _bounds(entity, labels, units)]
    if not doc.answered:
        run["a"] = 0
    return run


def _error(error: EntityError, doc: MatchedDoc) -> list[Any]:
    sides = ((error.golds, doc.gold.ents), (error.predicted, doc.predicted))
    indices = [[_index(entity, entities) for entity in some] for some, entities in sides]
    return [ERROR_KINDS.index(error.kind), *indices, int(error.unclear)]


def _index(entity: Entity, entities: Sequence[Entity]) -> int:
    # The same object: two predictions may be equal, and each has its own error.
    return next(i for i, other in enumerate(entities) if other is entity)


def _bounds(entity: Entity, labels: Mapping[str, int], units: Sequence[int]) -> list[int]:
    return [units[entity.start_char], units[entity.end_char], labels[entity.label]]


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
