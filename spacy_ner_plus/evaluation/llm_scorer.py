"""spaCy's entity scores, and the share of Docs for which a component has no answer."""

from collections.abc import Iterable
from typing import Any

from spacy.scorer import get_ner_prf
from spacy.training import Example

FAILURE = "failure"


def llm_ner_score(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score entities as spacy.ner_scorer.v1 does; a Doc without an answer has no predictions.

    examples (Iterable[Example]): Predicted Docs and gold.
    RETURNS (dict[str, Any]): `ents_p`, `ents_r`, `ents_f`, `ents_per_type`, and `ents_invalid`, the
        share of Docs of which the whole or a part has no valid answer, from 0 to 1.
    """
    examples = list(examples)
    failed = sum(any(group.attrs.get(FAILURE) for group in eg.predicted.spans.values()) for eg in examples)
    share = failed / len(examples) if examples else None
    return {**get_ner_prf(examples, **kwargs), "ents_invalid": share}


def make_llm_ner_scorer_v1() -> Any:
    """RETURNS (Callable): The scoring method `llm_ner_score`."""
    return llm_ner_score
