"""spaCy's own scores beside seqeval's, and the account of why they differ where they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.evaluation.matching.gold_tokens import leave_out, place, same_words

TOLERANCE = 1e-9


@dataclass
class Routes:
    """What spaCy's scorer counts in another way than strict scores on gold tokens do.

    widened (int): Predictions that end inside a gold token and that spaCy
        takes for right, since widened to whole gold tokens they equal a gold entity.
    split (int): All predictions that end inside a gold token.
    unplaced (int): Predictions that touch no gold token, which spaCy ignores.
    other_text (int): Documents that spaCy's scorer cannot align.
    other_predicted (int): The predictions in those.
    other_gold (int): The gold entities in those.
    """

    widened: int = 0
    split: int = 0
    unplaced: int = 0
    other_text: int = 0
    other_predicted: int = 0
    other_gold: int = 0


def spacy_scores(
    nlp: Language, golds: Sequence[Doc], predictions: Sequence[Doc]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Score by spaCy's Scorer, as `spacy evaluate` does; documents that it cannot align are left out.

    nlp (Language): The pipeline whose components score.
    golds (Sequence[Doc]): The gold Docs.
    predictions (Sequence[Doc]): The Docs that came out of the pipeline, in the same order.
    RETURNS (tuple[dict[str, Any], dict[str, Any]]): All scores, with `ents_p`,
        `ents_r`, `ents_f` and `ents_per_type` in any case; and these four by
        spaCy's standard scorer, whatever scorer the pipeline has.
    """
    examples = [
        Example(predicted, gold)
        for gold, predicted in zip(golds, predictions, strict=True)
        if len(gold) and same_words(predicted, gold)
    ]
    standard = get_ner_prf(examples)
    return {**standard, **Scorer(nlp).score(examples)}, standard


def compare_routes(golds: Sequence[Doc], predictions: Sequence[Doc]) -> Routes:
    """Find the predictions that spaCy's scorer judges in another way than strict scores on gold tokens.

    golds (Sequence[Doc]): The gold Docs.
    predictions (Sequence[Doc]): The Docs with predictions, in the same order.
    RETURNS (Routes): How many there are of each sort.
    """
    routes = Routes()
    for gold, predicted in zip(golds, predictions, strict=True):
        judged, _ = leave_out(place(predicted, gold), gold)
        if not same_words(predicted, gold):
            routes.other_text += 1
            routes.other_predicted += len(judged)
            routes.other_gold += len(gold.ents)
            continue
        wanted = {(ent.start, ent.end, ent.label_) for ent in gold.ents}
        for span in judged:
            key = (span.start, span.end, span.label)
            if span.fits:
                continue
            if span.start == span.end:
                routes.unplaced += 1
                continue
            routes.split += 1
            if key in wanted:
                routes.widened += 1
                wanted.discard(key)
    return routes


def agreement(
    scores: dict[str, Any], standard: dict[str, Any], seqeval: dict[str, Any], routes: Routes
) -> dict[str, Any]:
    """Compare spaCy's F1 with seqeval's, and account for any difference.

    seqeval's counts are corrected by what `routes` found; only when spaCy's
    precision, recall and F1 follow from them is the difference explained.

    scores (dict[str, Any]): All scores of the pipeline.
    standard (dict[str, Any]): Entity scores by spaCy's standard scorer.
    seqeval (dict[str, Any]): Scores of `score_docs`.
    routes (Routes): Of `compare_routes`.
    RETURNS (dict[str, Any]): `spacy_f`, `seqeval_f`, `difference` (None where
        spaCy gives no score), `agree`, `explained` and `reasons` in words.
    """
    spacy_f, seqeval_f = scores.get("ents_f"), seqeval["f1"]
    difference = None if spacy_f is None else spacy_f - seqeval_f
    reasons = []
    if scores.get("ents_f") != standard["ents_f"]:
        reasons.append(
            f"the pipeline has a scorer of its own, whose F1 is {_figure(spacy_f)}; "
            f"spaCy's standard scorer gives {_figure(standard['ents_f'])}"
        )
    if routes.split:
        reasons.append(
            f"{routes.split} predicted entities end inside a gold token: seqeval counts all as wrong, "
            f"spaCy widens them to whole tokens and so takes {routes.widened} of them for right"
        )
    if routes.unplaced:
        reasons.append(
            f"{routes.unplaced} predicted entities touch no gold token (white space): "
            "seqeval counts them as wrong, spaCy ignores them"
        )
    if routes.other_text:
        reasons.append(
            f"the pipeline changed the text of {routes.other_text} documents: spaCy can't align them and "
            f"they are left out of its scores, seqeval counts their {routes.other_gold} gold entities as "
            f"missed and their {routes.other_predicted} predicted ones as wrong"
        )
    if difference is None and not seqeval["support"] + seqeval["predicted"]:
        reasons.append("no entity, neither gold nor predicted: spaCy gives no score, seqeval gives 0")
    pairs = {"ents_p": "precision", "ents_r": "recall", "ents_f": "f1"}
    agree = all(
        scores.get(theirs) is not None and abs(scores[theirs] - seqeval[ours]) <= TOLERANCE
        for theirs, ours in pairs.items()
    )
    explained = agree or (bool(reasons) and _follows(standard, seqeval, routes))
    if not explained:
        reasons.append(
            "no reason found that accounts for the difference: "
            "please report this as a defect of spacy-ner-plus"
        )
    return {
        "spacy_f": spacy_f,
        "seqeval_f": seqeval_f,
        "difference": difference,
        "agree": agree,
        "explained": explained,
        "reasons": [] if agree else reasons,
    }


def _follows(standard: dict[str, Any], seqeval: dict[str, Any], routes: Routes) -> bool:
    """Say whether spaCy's scores follow from seqeval's counts and the routes."""
    right = seqeval["correct"] + routes.widened
    predicted = seqeval["predicted"] - routes.unplaced - routes.other_predicted
    support = seqeval["support"] - routes.other_gold
    if not predicted + support:
        return standard["ents_f"] is None
    expected = {
        "ents_p": right / predicted if predicted else 0.0,
        "ents_r": right / support if support else 0.0,
        "ents_f": 2 * right / (predicted + support),
    }
    return all(
        standard[key] is not None and abs(standard[key] - value) <= TOLERANCE
        for key, value in expected.items()
    )


def _figure(value: float | None) -> str:
    return "missing" if value is None else f"{value:.4f}"
