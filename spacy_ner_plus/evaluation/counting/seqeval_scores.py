"""Strict entity scores by seqeval, on IOB2 tags of gold's tokens."""

from collections.abc import Iterable, Sequence
from typing import Any

from spacy_ner_plus.evaluation.counting.schemes import count_tags
from spacy_ner_plus.evaluation.matching.gold_doc import Entity
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import tag_label

# Kinds of issues, as users read them.
SPLIT_TOKEN = "predicted entity ends inside a gold token: counted as wrong"
NO_TOKEN = "predicted entity touches no gold token: counted as wrong"
OTHER_TEXT = "document whose text the pipeline changed: its predictions counted as wrong"
LEFT_OUT_TOKEN = "gold token without annotation: left out"
LEFT_OUT_ENTITY = "predicted entity on tokens without annotation: left out"

Tags = list[list[str]]


def seqeval_scores(matched: Iterable[MatchedDoc], issues: IssueLog | None = None) -> dict[str, Any]:
    """Score predictions by seqeval in strict mode with scheme IOB2.

    issues (IssueLog): Where misaligned and left out predictions and tokens without annotation are counted.
    RETURNS (dict[str, Any]): Micro `precision`, `recall`, `f1` between 0 and 1
        with their counts `correct`, `predicted`, `support`; `macro`;
        `per_label` with the same; `token_accuracy` (None where no token is annotated).
    """
    gold, predicted = [], []
    compared = right = 0
    for doc in matched:
        doc_gold, doc_predicted = tag_pair(doc)
        gold.append(doc_gold)
        predicted.append(doc_predicted)
        doc_right, doc_compared = count_tags(doc)
        right, compared = right + doc_right, compared + doc_compared
        if issues is not None:
            _note_issues(doc, issues)
    return {**score_tags(gold, predicted), "token_accuracy": right / compared if compared else None}


def tag_pair(doc: MatchedDoc) -> tuple[list[str], list[str]]:
    """Write gold and predicted entities as IOB2 tags over gold's tokens.

    A misaligned prediction cannot be written on the gold tokens as it is. Widened to whole tokens it could by chance
    equal a gold entity and be taken for right. So it is written on a position of its own after the document's last
    token, where gold has O: exactly one wrong prediction of its label. Tokens without annotation are O on both sides.

    RETURNS (tuple[list[str], list[str]]): As many tags of gold as of the prediction.
    """
    predicted = ["O"] * len(doc.gold_tags)
    for entity in doc.predicted:
        if entity.aligned:
            predicted[entity.start] = f"B-{entity.label}"
            predicted[entity.start + 1 : entity.end] = [f"I-{entity.label}"] * (entity.end - entity.start - 1)
    misaligned = [f"B-{entity.label}" for entity in doc.misaligned]
    return [*doc.gold_tags, *["O"] * len(misaligned)], predicted + misaligned


def score_tags(gold: Tags, predicted: Tags) -> dict[str, Any]:
    """Score IOB2 tags by seqeval in strict mode.

    gold (list[list[str]]): The tags of each document.
    predicted (list[list[str]]): As many predicted tags.
    RETURNS (dict[str, Any]): As `seqeval_scores`, without token accuracy.
    """
    with from_extra("evaluation"):
        from seqeval.metrics.v1 import precision_recall_fscore_support
        from seqeval.scheme import IOB2, Entities

    # seqeval strips hyphens off labels: under plain codes no label can collide with another.
    labels = sorted({tag_label(tag) for tags in gold + predicted for tag in set(tags) if tag != "O"})
    codes = {label: f"L{i:05d}" for i, label in enumerate(labels)}
    gold, predicted = _encode(gold, codes), _encode(predicted, codes)
    # Read once: seqeval's classification_report would read the tags again for itself.
    entities = {"entities_true": Entities(gold, IOB2), "entities_pred": Entities(predicted, IOB2)}

    def rates(average: str | None) -> Sequence[Any]:
        """Precision, recall and F1: numbers, or a column each for average None."""
        settings = {"average": average, "scheme": IOB2, "zero_division": 0}
        return precision_recall_fscore_support(gold, predicted, **settings, **entities)[:3]

    scored = sorted(set().union(*(side.unique_tags for side in entities.values())))
    rows = dict(zip(scored, zip(*rates(None), strict=True), strict=True)) if scored else {}
    nothing = (0.0, 0.0, 0.0)
    per_label = {}
    for label, code in codes.items():
        wanted, found = (side.filter(code) for side in entities.values())
        per_label[label] = {
            **_named(rows.get(code, nothing)),
            "correct": len(wanted & found),
            "predicted": len(found),
            "support": len(wanted),
        }
    counts = {key: sum(row[key] for row in per_label.values()) for key in ("correct", "predicted", "support")}
    return {
        "mode": "strict",
        "scheme": "IOB2",
        **_named(rates("micro") if scored else nothing),
        **counts,
        "macro": _named(rates("macro") if scored else nothing),
        "per_label": per_label,
    }


def _encode(sequences: Tags, codes: dict[str, str]) -> Tags:
    tags = {f"{prefix}-{label}": f"{prefix}-{code}" for label, code in codes.items() for prefix in "BI"}
    tags["O"] = "O"
    return [[tags[tag] for tag in sequence] for sequence in sequences]


def _named(rates: Sequence[Any]) -> dict[str, float]:
    return dict(zip(("precision", "recall", "f1"), map(float, rates), strict=True))


def _note_issues(doc: MatchedDoc, issues: IssueLog) -> None:
    where = f"document {doc.number}"
    if doc.misaligned and not doc.same_words:
        issues.add(OTHER_TEXT, doc.predicted_text[:60], where)
    else:
        for entity in doc.misaligned:
            if entity.end > entity.start:
                inside = doc.gold.text[doc.gold.starts[entity.start] : doc.gold.end_of(entity.end - 1)]
                issues.add(SPLIT_TOKEN, f"{_in_words(entity)} in {inside!r}", where)
            else:
                issues.add(NO_TOKEN, _in_words(entity), where)
    if doc.gold.missing:
        example = doc.gold.words[min(doc.gold.missing)]
        issues.add(LEFT_OUT_TOKEN, example, where, count=len(doc.gold.missing))
    for entity in doc.left_out:
        issues.add(LEFT_OUT_ENTITY, _in_words(entity), where)


def _in_words(entity: Entity) -> str:
    return f"{entity.text!r} {entity.label}"
