"""Scores by spaCy's own Scorer, as `spacy evaluate` gives them."""

from collections.abc import Sequence
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.annotated_labels import only_annotated
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc


def spacy_scores(
    nlp: Language, golds: Sequence[Doc], predictions: Sequence[Doc], matched: Sequence[MatchedDoc]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Score by spaCy's Scorer; documents that it cannot align are left out.

    The Scorer reads Docs, which a MatchedDoc doesn't hold: this is the one score that takes them beside it.

    nlp (Language): The pipeline whose components score.
    predictions (Sequence[Doc]): What came out of the pipeline, in the order of gold.
    matched (Sequence[MatchedDoc]): Both matched, which says what can be aligned.
    RETURNS (tuple[dict[str, Any], dict[str, Any]]): All scores, with `ents_p`, `ents_r`, `ents_f` and
        `ents_per_type` in any case; and these four by spaCy's standard scorer, whatever scorer the pipeline has.
    """
    examples = [
        only_annotated(Example(predicted, gold))
        for gold, predicted, doc in zip(golds, predictions, matched, strict=True)
        if len(gold) and doc.same_words
    ]
    standard = get_ner_prf(examples)
    return {**standard, **Scorer(nlp).score(examples)}, standard
