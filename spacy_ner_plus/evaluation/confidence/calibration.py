"""Whether scores can be trusted: of entities with probability 0.8, eight in ten should be right."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span

from spacy_ner_plus.evaluation.matching.gold_tokens import unannotated
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import span_scores

BINS = 15
# Kinds of issues, as users read them.
UNSCORED = "predicted entity without a score: not part of the calibration"


def judge_scores(
    golds: Iterable[Doc], predictions: Iterable[Doc], issues: IssueLog | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Bring the score of each predicted entity together with whether it is right.

    golds (Iterable[Doc]): The gold Docs.
    predictions (Iterable[Doc]): The Docs with predictions, whose scores stand in a span
        group's attrs["scores"]; in the same order and as many.
    issues (IssueLog): Where entities without a score are counted.
    RETURNS (tuple[Floats1d, ndarray[bool]]): Scores, and whether bounds (in characters) and label
        are those of a gold entity. Entities on tokens without annotation are left out.
    """
    scores, right = [], []
    for number, (gold, predicted) in enumerate(zip(golds, predictions, strict=True), 1):
        known = span_scores(predicted)
        scored = []
        for ent in predicted.ents:
            score = known.get((ent.start, ent.end, ent.label))
            if score is not None:
                scored.append((ent, score))
            elif issues is not None:
                issues.add(UNSCORED, f"{ent.text!r} {ent.label_}", f"document {number}")
        judged = judge_spans(gold, predicted, [_key(ent) for ent, _ in scored])
        for (_, score), is_right in zip(scored, judged, strict=True):
            if is_right is not None:
                scores.append(score)
                right.append(is_right)
    return np.array(scores, dtype=np.float64), np.array(right, dtype=bool)


def judge_unscored(golds: Iterable[Doc], predictions: Iterable[Doc]) -> tuple[int, int]:
    """Count the predicted entities without a score, and how many of them are right.

    golds (Iterable[Doc]): The gold Docs.
    predictions (Iterable[Doc]): The Docs with predictions, in the same order and as many.
    RETURNS (tuple[int, int]): How many, and how many right. Entities on tokens without annotation
        are left out.
    """
    judged = []
    for gold, predicted in zip(golds, predictions, strict=True):
        known = span_scores(predicted)
        unscored = [ent for ent in predicted.ents if (ent.start, ent.end, ent.label) not in known]
        judged += judge_spans(gold, predicted, [_key(ent) for ent in unscored])
    counted = [is_right for is_right in judged if is_right is not None]
    return len(counted), sum(counted)


def judge_spans(gold: Doc, predicted: Doc, spans: Sequence[tuple[int, int, str]]) -> list[bool | None]:
    """Say which predicted entities are right.

    gold (Doc): The gold Doc.
    predicted (Doc): The Doc they were found in.
    spans (Sequence[tuple[int, int, str]]): Start and end in characters, and label.
    RETURNS (list[bool | None]): Whether each is gold's; None on tokens without annotation.
    """
    same_text = predicted.text == gold.text
    wanted = {_key(ent) for ent in gold.ents}
    blank = [(gold[i].idx, gold[i].idx + len(gold[i])) for i in sorted(unannotated(gold))]
    return [
        None
        if any(start < blank_end and end > blank_start for blank_start, blank_end in blank)
        else same_text and (start, end, label) in wanted
        for start, end, label in spans
    ]


def reliability(scores: np.ndarray, right: np.ndarray, bins: int = BINS) -> dict[str, Any]:
    """Measure how far scores are from the share that is right.

    scores (Floats1d): Probabilities.
    right (ndarray[bool]): Whether each is right.
    bins (int): How many bins of equally many entities. Default 15.
    RETURNS (dict[str, Any]): `ece` (expected calibration error with equal-mass bins: Naeini et al.,
        2015; Nguyen and O'Connor, 2015), `brier`, `log_loss`, `entities`, mean `score`, `precision`,
        and `bins`, each with `count`, mean `score` and `precision`.
    """
    if not len(scores):
        return {"ece": None, "brier": None, "log_loss": None, "entities": 0, "bins": []}
    order = np.argsort(scores, kind="stable")
    rows = [part for part in np.array_split(order, bins) if len(part)]
    table = [
        {
            "count": len(part),
            "score": float(scores[part].mean()),
            "precision": float(right[part].mean()),
        }
        for part in rows
    ]
    ece = sum(row["count"] * abs(row["score"] - row["precision"]) for row in table) / len(scores)
    clipped = np.clip(scores, 1e-12, 1 - 1e-12)
    return {
        "ece": ece,
        "brier": float(((scores - right) ** 2).mean()),
        "log_loss": float(-np.log(np.where(right, clipped, 1 - clipped)).mean()),
        "entities": len(scores),
        "score": float(scores.mean()),
        "precision": float(right.mean()),
        "bins": table,
    }


def reliability_plot(curves: Sequence[tuple[str, dict[str, Any]]], title: str = "Reliability") -> str:
    """Draw how often entities of a score are right, as SVG.

    curves (Sequence[tuple[str, dict[str, Any]]]): Names, and what `reliability` gave for each.
    title (str): What stands above.
    RETURNS (str): An SVG image, 360 by 400 pixels.
    """
    from pathlib import Path

    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    return environment.get_template("reliability.jinja").render(
        title=title, curves=curves, colours=("#b3261e", "#1a73b8", "#2e7d32")
    )


def _key(ent: Span) -> tuple[int, int, str]:
    return ent.start_char, ent.end_char, ent.label_
