"""Scorers for configs, so that `spacy evaluate` and [training.score_weights] can use any scheme."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from spacy.scorer import get_ner_prf
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.annotated_labels import only_annotated
from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.counting.schemes import (
    EXACT,
    PARTIAL,
    TYPE,
    check_similarity_threshold,
    count_entities,
    count_fuzzy,
    count_tokens,
    exact_match,
    jaccard,
)
from spacy_ner_plus.evaluation.defaults import SIMILARITY_THRESHOLD
from spacy_ner_plus.evaluation.errors.slices import UNSEEN, novelty, slice_scores
from spacy_ner_plus.evaluation.errors.surface_forms import Forms, count_forms
from spacy_ner_plus.evaluation.failures import share_invalid
from spacy_ner_plus.evaluation.matching.gold_doc import read_golds
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc, match_doc


def make_ner_scorer_v2(
    train: str | None = None, similarity_threshold: float = SIMILARITY_THRESHOLD
) -> "NERScorer":
    """Make a scorer: spaCy's entity scores, and those of other schemes.

    In a config it is a component's scorer, and its keys go into [training.score_weights]:

        [components.ner.scorer]
        @scorers = "spacy_ner_plus.ner_scorer.v2"
        train = ${paths.train}

    train (str): A training corpus (.spacy), which says what is unseen; read when it is first needed. Default: none.
    similarity_threshold (float): How similar texts must be for the fuzzy scheme, above 0 up to 1. Default: 0.9.
    RAISES (UserError): Where `similarity_threshold` is no such number.
    """
    check_similarity_threshold(similarity_threshold)
    return NERScorer(train, similarity_threshold)


def make_ner_scorer_v1(train: str | None = None, likeness: float = 100 * SIMILARITY_THRESHOLD) -> "NERScorer":
    """Make a scorer as `ner_scorer.v2` does, with the threshold of the fuzzy scheme on a scale of 100.

    likeness (float): How similar texts must be, above 0 up to 100. Default: 90.
    RAISES (UserError): Where `likeness` is no such number.
    """
    if not 0 < likeness <= 100:
        raise UserError(Errors.E328.format(likeness=likeness))
    return NERScorer(train, likeness / 100)


def make_llm_ner_scorer_v1() -> Callable[..., dict[str, Any]]:
    """RETURNS (Callable): The scorer of components that ask language models, `score_llm_ner`."""
    return score_llm_ner


def score_llm_ner(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score entities as spacy.ner_scorer.v1 does; a Doc without an answer has no predictions.

    RETURNS (dict[str, Any]): `ents_p`, `ents_r`, `ents_f`, `ents_per_type`, and `ents_invalid`, the
        share of Docs that failed in whole or in part, from 0 to 1.
    """
    examples = list(examples)
    invalid = share_invalid(eg.predicted for eg in examples)
    return {**get_ner_prf(examples, **kwargs), "ents_invalid": invalid}


class NERScorer:
    """Scores entities by all schemes.

    train (str | None): A training corpus (.spacy).
    similarity_threshold (float): How similar texts must be for the fuzzy scheme, above 0 up to 1.
    """

    def __init__(self, train: str | None, similarity_threshold: float):
        self.train = train
        self.similarity_threshold = similarity_threshold

    def __call__(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score predicted Docs.

        examples (Iterable[Example]): Predicted Docs and gold. Predictions are laid on gold's tokens by their
            characters; Docs without gold annotation are left out, as spaCy leaves them out.
        RETURNS (dict[str, Any]): spaCy's `ents_p`, `ents_r`, `ents_f` and `ents_per_type`; the same three under
            `ents_exact_`, `ents_partial_`, `ents_type_`, `ents_token_` and `ents_fuzzy_`; `ents_exact_match` and
            `ents_jaccard`, means over documents; and with a training corpus `ents_unseen_p`, `_r` and `_f`, of
            surface forms that are no entity there. What can't be known is None.
        """
        examples = [only_annotated(eg) for eg in examples]
        docs = [
            match_doc(eg.reference, eg.predicted) for eg in examples if eg.reference.has_annotation("ENT_IOB")
        ]
        counts = {
            f"ents_{scheme}": [count_entities(doc, scheme) for doc in docs]
            for scheme in (EXACT, PARTIAL, TYPE)
        }
        counts["ents_token"] = [count_tokens(doc) for doc in docs]
        counts["ents_fuzzy"] = [count_fuzzy(doc, self.similarity_threshold) for doc in docs]
        scores = get_ner_prf(examples, **kwargs)
        for key, some in counts.items():
            together = sum(some, Counts())
            known = together.possible + together.actual > 0
            rates = {"p": together.precision, "r": together.recall, "f": together.f1}
            scores |= {f"{key}_{rate}": value if known else None for rate, value in rates.items()}
        scores["ents_exact_match"] = sum(map(exact_match, docs)) / len(docs) if docs else None
        scores["ents_jaccard"] = sum(map(jaccard, docs)) / len(docs) if docs else None
        return {**scores, **self._unseen(docs)}

    def _unseen(self, docs: Sequence[MatchedDoc]) -> dict[str, float | None]:
        if self.train is None:
            return {}
        forms = self._forms
        rows = {} if forms is None else slice_scores(docs, lambda entity, doc: novelty(entity, forms))
        row = rows.get(UNSEEN, {})
        rates = {"p": "precision", "r": "recall", "f": "f1"}
        return {f"ents_unseen_{key}": row.get(rate) for key, rate in rates.items()}

    @cached_property
    def _forms(self) -> Forms | None:
        try:
            return count_forms(read_golds(load_docs(Path(self.train), Vocab())))
        except UserError as error:
            # A packaged pipeline is scored where its training corpus isn't.
            warnings.warn(Warnings.W303.format(reason=error), stacklevel=2)
            return None
