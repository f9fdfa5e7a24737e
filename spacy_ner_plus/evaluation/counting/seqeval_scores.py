"""Strict entity scores by seqeval, on IOB2 tags rebuilt from predictions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.evaluation.matching.gold_tokens import leave_out, place, same_words, unannotated
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import MISSING, TokenSpan, doc_to_tags, spans_to_tags

# Kinds of issues, as users read them.
SPLIT_TOKEN = "predicted entity ends inside a gold token: counted as wrong"
NO_TOKEN = "predicted entity touches no gold token: counted as wrong"
OTHER_TEXT = "document whose text the pipeline changed: its predictions counted as wrong"
LEFT_OUT_TOKEN = "gold token without annotation: left out"
LEFT_OUT_ENTITY = "predicted entity on tokens without annotation: left out"


@dataclass
class TagPair:
    """The tags of one document, gold beside predicted.

    gold (list[str]): IOB2 tags of the gold tokens, then one O for each
        predicted entity that has no place of its own on them.
    predicted (list[str]): As many tags of the prediction.
    compared (int): How many tokens have an annotation to compare with.
    right (int): At how many of them both tags are the same.
    """

    gold: list[str]
    predicted: list[str]
    compared: int
    right: int


def tag_pair(predicted: Doc, gold: Doc, issues: IssueLog | None = None, where: str = "") -> TagPair:
    """Write gold and predicted entities as IOB2 tags over gold's tokens.

    A predicted entity that ends inside a gold token cannot be written on the
    gold tokens as it is. Widened to whole tokens it could by chance equal a
    gold entity and be taken for right. So it is written on a position of its
    own after the document's last token, where gold has O: exactly one wrong
    prediction of its label. For token accuracy the tokens it touches are wrong.

    Tokens whose annotation is missing are O on both sides and not compared; a
    prediction that touches one is left out, as spaCy's scorer leaves it out.

    predicted (Doc): The Doc with predictions.
    gold (Doc): The gold Doc.
    issues (IssueLog): Where all this is counted.
    where (str): The document, for the count.
    RETURNS (TagPair): The tags.
    """
    issues = issues if issues is not None else IssueLog()
    missing = unannotated(gold)
    placed = place(predicted, gold)
    judged, left_out = leave_out(placed, gold)
    fitting = [span for span in judged if span.fits]
    homeless = [span for span in judged if not span.fits]
    gold_tags = ["O" if tag == MISSING else tag for tag in doc_to_tags(gold)]
    predicted_tags = spans_to_tags((TokenSpan(s.start, s.end, s.label) for s in fitting), len(gold))

    blurred = {i for span in homeless for i in range(span.start, span.end)}
    apart = missing | {i for span in left_out for i in range(span.start, span.end)}
    compared = [i for i in range(len(gold)) if i not in apart]
    right = sum(1 for i in compared if i not in blurred and gold_tags[i] == predicted_tags[i])

    if homeless and not same_words(predicted, gold):
        issues.add(OTHER_TEXT, predicted.text[:60], where)
    else:
        for span in homeless:
            kind = SPLIT_TOKEN if span.end > span.start else NO_TOKEN
            issues.add(kind, _in_words(span.text, span.label, gold[span.start : span.end].text), where)
    for i in sorted(missing)[:1]:
        issues.add(LEFT_OUT_TOKEN, gold[i].text, where, count=len(missing))
    for span in left_out:
        issues.add(LEFT_OUT_ENTITY, _in_words(span.text, span.label), where)
    extra = [f"B-{span.label}" for span in homeless]
    return TagPair(gold_tags + ["O"] * len(extra), predicted_tags + extra, len(compared), right)


def score_docs(
    golds: Iterable[Doc], predictions: Iterable[Doc], issues: IssueLog | None = None
) -> dict[str, Any]:
    """Score predictions by seqeval in strict mode with scheme IOB2.

    golds (Iterable[Doc]): The gold Docs.
    predictions (Iterable[Doc]): The Docs with predictions, in the same order and as many.
    issues (IssueLog): Where what does not fit is counted.
    RETURNS (dict[str, Any]): Micro `precision`, `recall`, `f1` between 0 and 1
        with their counts `correct`, `predicted`, `support`; `macro`;
        `per_label` with the same; `token_accuracy` (None where no token is annotated).
    """
    gold_tags, predicted_tags = [], []
    compared = right = 0
    for number, (gold, predicted) in enumerate(zip(golds, predictions, strict=True), 1):
        pair = tag_pair(predicted, gold, issues, f"document {number}")
        gold_tags.append(pair.gold)
        predicted_tags.append(pair.predicted)
        compared += pair.compared
        right += pair.right
    return {**score_tags(gold_tags, predicted_tags), "token_accuracy": right / compared if compared else None}


def score_tags(gold: list[list[str]], predicted: list[list[str]]) -> dict[str, Any]:
    """Score IOB2 tags by seqeval in strict mode.

    gold (list[list[str]]): The tags of each document.
    predicted (list[list[str]]): As many predicted tags.
    RETURNS (dict[str, Any]): As `score_docs`, without token accuracy.
    """
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2, Entities

    # seqeval strips hyphens off labels and adds rows such as 'micro avg' to
    # them: under plain codes no label can collide with another or with a row.
    labels = sorted({tag.partition("-")[2] for tags in gold + predicted for tag in tags if tag != "O"})
    codes = {label: f"L{i:05d}" for i, label in enumerate(labels)}
    gold, predicted = _encode(gold, codes), _encode(predicted, codes)
    gold_entities, predicted_entities = Entities(gold, IOB2), Entities(predicted, IOB2)
    report = {}
    if labels:
        report = classification_report(
            gold, predicted, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )
    per_label = {}
    for label, code in codes.items():
        wanted, found = gold_entities.filter(code), predicted_entities.filter(code)
        per_label[label] = {
            **_rates(report[code]),
            "correct": len(wanted & found),
            "predicted": len(found),
            "support": len(wanted),
        }
    counts = {key: sum(row[key] for row in per_label.values()) for key in ("correct", "predicted", "support")}
    return {
        "mode": "strict",
        "scheme": "IOB2",
        **_rates(report.get("micro avg", {})),
        **counts,
        "macro": _rates(report.get("macro avg", {})),
        "per_label": per_label,
    }


def _encode(sequences: list[list[str]], codes: dict[str, str]) -> list[list[str]]:
    return [
        [tag if tag == "O" else f"{tag[0]}-{codes[tag.partition('-')[2]]}" for tag in tags]
        for tags in sequences
    ]


def _rates(row: dict[str, Any]) -> dict[str, float]:
    return {
        "precision": float(row.get("precision", 0.0)),
        "recall": float(row.get("recall", 0.0)),
        "f1": float(row.get("f1-score", 0.0)),
    }


def _in_words(text: str, label: str, inside: str = "") -> str:
    return f"{text!r} {label}" + (f" in {inside!r}" if inside else "")
