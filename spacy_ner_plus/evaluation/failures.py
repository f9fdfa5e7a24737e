"""Failure: where a pipeline has no answer, or only a part of one, for a document. Three figures tell of it.

- `Doc._.ner_failure`: the reason, as its component gave it; '' where nothing failed. A document whose one part failed
  has a reason, and may have entities in its other parts.
- `ents_invalid`: the share of documents that have a reason, so of those that failed in whole or in part. Scorers of
  components that ask language models give it.
- `documents.unanswered` in metrics.json: the number of documents with no answer at all, not even that there is no
  entity. They are wrong as whole documents, and their gold entities count as missed.
"""

from collections.abc import Iterable

from spacy.tokens import Doc

# Holds, among the attrs of a component's span group, why there is no answer for a Doc or a part of it.
FAILURE = "failure"


def find_failure(doc: Doc) -> str:
    """Say why there is no answer for a Doc, or for a part of it: the getter of `Doc._.ner_failure`.

    RETURNS (str): The reason; of several components, all; '' where nothing failed.
    """
    return "; ".join(group.attrs[FAILURE] for group in doc.spans.values() if group.attrs.get(FAILURE))


def share_invalid(docs: Iterable[Doc]) -> float | None:
    """RETURNS (float | None): `ents_invalid`, the share of Docs that failed in whole or in part; None of no Docs."""
    failed = [bool(find_failure(doc)) for doc in docs]
    return sum(failed) / len(failed) if failed else None


def is_answered(doc: Doc) -> bool:
    """RETURNS (bool): Whether anything was predicted, if only that there is no entity; else it is `unanswered`."""
    return not len(doc) or doc.has_annotation("ENT_IOB")
