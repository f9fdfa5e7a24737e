"""Whether spaCy's own scores and seqeval's agree, and the account of why not where they don't."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc

TOLERANCE = 1e-9


@dataclass
class ScorerDifferences:
    """What spaCy's scorer counts in another way than strict scores on gold tokens do.

    widened (int): Predictions that end inside a gold token and that spaCy takes for right, since widened to whole
        gold tokens they equal a gold entity.
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


def scorer_differences(matched: Iterable[MatchedDoc]) -> ScorerDifferences:
    """RETURNS (ScorerDifferences): How many predictions and documents there are of each sort."""
    found = ScorerDifferences()
    for doc in matched:
        if not doc.same_words:
            found.other_text += 1
            found.other_predicted += len(doc.predicted)
            found.other_gold += len(doc.gold.ents)
            continue
        wanted = {(entity.start, entity.end, entity.label) for entity in doc.gold.ents}
        for entity in doc.misaligned:
            if entity.start == entity.end:
                found.unplaced += 1
                continue
            found.split += 1
            if (key := (entity.start, entity.end, entity.label)) in wanted:
                found.widened += 1
                wanted.discard(key)
    return found


def agreement(
    scores: Mapping[str, Any],
    standard: Mapping[str, Any],
    seqeval: Mapping[str, Any],
    matched: Iterable[MatchedDoc],
) -> dict[str, Any]:
    """Compare spaCy's F1 with seqeval's, and account for any difference.

    seqeval's counts are corrected by what spaCy counts in another way; only when spaCy's
    precision, recall and F1 follow from them is the difference explained.

    scores (Mapping[str, Any]): All scores of the pipeline, as `spacy_scores` gives them.
    standard (Mapping[str, Any]): Entity scores by spaCy's standard scorer.
    seqeval (Mapping[str, Any]): Scores of `seqeval_scores`.
    RETURNS (dict[str, Any]): `spacy_f`, `seqeval_f`, `difference` (None where
        spaCy gives no score), `agree`, `explained` and `reasons` in words.
    """
    counted = scorer_differences(matched)
    spacy_f, seqeval_f = scores.get("ents_f"), seqeval["f1"]
    difference = None if spacy_f is None else spacy_f - seqeval_f
    reasons = []
    if scores.get("ents_f") != standard["ents_f"]:
        reasons.append(
            f"the pipeline has a scorer of its own, whose F1 is {_figure(spacy_f)}; "
            f"spaCy's standard scorer gives {_figure(standard['ents_f'])}"
        )
    if counted.split:
        reasons.append(
            f"{counted.split} predicted entities end inside a gold token: seqeval counts all as wrong, "
            f"spaCy widens them to whole tokens and so takes {counted.widened} of them for right"
        )
    if counted.unplaced:
        reasons.append(
            f"{counted.unplaced} predicted entities touch no gold token (white space): "
            "seqeval counts them as wrong, spaCy ignores them"
        )
    if counted.other_text:
        reasons.append(
            f"the pipeline changed the text of {counted.other_text} documents: spaCy can't align them and "
            f"they are left out of its scores, seqeval counts their {counted.other_gold} gold entities as "
            f"missed and their {counted.other_predicted} predicted ones as wrong"
        )
    if difference is None and not seqeval["support"] + seqeval["predicted"]:
        reasons.append("no entity, neither gold nor predicted: spaCy gives no score, seqeval gives 0")
    pairs = {"ents_p": "precision", "ents_r": "recall", "ents_f": "f1"}
    agree = all(
        scores.get(theirs) is not None and abs(scores[theirs] - seqeval[ours]) <= TOLERANCE
        for theirs, ours in pairs.items()
    )
    explained = agree or (bool(reasons) and _follows(standard, seqeval, counted))
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


def _follows(standard: Mapping[str, Any], seqeval: Mapping[str, Any], counted: ScorerDifferences) -> bool:
    """Whether spaCy's scores follow from seqeval's counts and what spaCy counts in another way."""
    right = seqeval["correct"] + counted.widened
    predicted = seqeval["predicted"] - counted.unplaced - counted.other_predicted
    support = seqeval["support"] - counted.other_gold
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
