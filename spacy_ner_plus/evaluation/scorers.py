"""Scorers for configs, so that `spacy evaluate` and [training.score_weights] can use any scheme."""

import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from spacy.scorer import get_ner_prf
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.errors import UserError, Warnings
from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.counting.schemes import (
    EXACT,
    PARTIAL,
    TYPE,
    check_likeness,
    count_fuzzy,
    count_spans,
    count_tokens,
    exact_match,
    jaccard,
)
from spacy_ner_plus.evaluation.defaults import LIKENESS
from spacy_ner_plus.evaluation.errors.slices import UNSEEN, novelty, slice_scores
from spacy_ner_plus.evaluation.errors.surface_forms import Forms, count_forms
from spacy_ner_plus.evaluation.matching.matched_doc import JudgedDoc, judge_doc


def make_ner_scorer_v1(train: str | None = None, likeness: float = LIKENESS) -> "NERScorer":
    """Make a scorer: spaCy's entity scores, and those of other schemes.

    In a config it is a component's scorer, and its keys go into [training.score_weights]:

        [components.ner.scorer]
        @scorers = "spacy_ner_plus.ner_scorer.v1"
        train = ${paths.train}

    train (str): A training corpus (.spacy), which says what is unseen; read when it is first needed. Default: none.
    likeness (float): How like texts must be for the fuzzy scheme, above 0 up to 100. Default: 90.
    RETURNS (NERScorer): The scorer.
    RAISES (UserError): Where `likeness` is no such number.
    """
    check_likeness(likeness)
    return NERScorer(train, likeness)


class NERScorer:
    """Scores entities by all schemes.

    train (str | None): A training corpus (.spacy).
    likeness (float): How like texts must be for the fuzzy scheme.
    """

    def __init__(self, train: str | None, likeness: float):
        self.train = train
        self.likeness = likeness

    def __call__(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score predicted Docs.

        examples (Iterable[Example]): Predicted Docs and gold. Predictions are laid on gold's tokens by their
            characters; Docs without gold annotation are left out, as spaCy leaves them out.
        RETURNS (dict[str, Any]): spaCy's `ents_p`, `ents_r`, `ents_f` and `ents_per_type`; the same three under
            `ents_exact_`, `ents_partial_`, `ents_type_`, `ents_token_` and `ents_fuzzy_`; `ents_exact_match` and
            `ents_jaccard`, means over documents; and with a training corpus `ents_unseen_p`, `_r` and `_f`, of
            surface forms that are no entity there. What can't be known is None.
        """
        examples = list(examples)
        docs = [
            judge_doc(eg.predicted, eg.reference) for eg in examples if eg.reference.has_annotation("ENT_IOB")
        ]
        counts = {
            f"ents_{scheme}": [count_spans(doc.golds, doc.predicted, scheme) for doc in docs]
            for scheme in (EXACT, PARTIAL, TYPE)
        }
        counts["ents_token"] = [count_tokens(doc) for doc in docs]
        counts["ents_fuzzy"] = [count_fuzzy(doc.golds, doc.predicted, self.likeness) for doc in docs]
        scores = get_ner_prf(examples, **kwargs)
        for key, some in counts.items():
            together = sum(some, Counts())
            known = together.possible + together.actual > 0
            rates = {"p": together.precision, "r": together.recall, "f": together.f1}
            scores |= {f"{key}_{rate}": value if known else None for rate, value in rates.items()}
        scores["ents_exact_match"] = sum(map(exact_match, docs)) / len(docs) if docs else None
        scores["ents_jaccard"] = sum(map(jaccard, docs)) / len(docs) if docs else None
        return {**scores, **self._unseen(docs)}

    def _unseen(self, docs: Sequence[JudgedDoc]) -> dict[str, float | None]:
        if self.train is None:
            return {}
        forms = self._forms
        rows = {} if forms is None else slice_scores(docs, lambda span, doc: novelty(span, forms))
        row = rows.get(UNSEEN, {})
        rates = {"p": "precision", "r": "recall", "f": "f1"}
        return {f"ents_unseen_{key}": row.get(rate) for key, rate in rates.items()}

    @cached_property
    def _forms(self) -> Forms | None:
        try:
            return count_forms(load_docs(Path(self.train), Vocab()))
        except UserError as error:
            # A packaged pipeline is scored where its training corpus isn't.
            warnings.warn(Warnings.W303.format(reason=error), stacklevel=2)
            return None
