"""What a component put on Docs, as JSON."""

from collections.abc import Iterable
from typing import Any

from spacy.tokens import Doc, SpanGroup


def found(docs: Iterable[Doc], key: str) -> list[dict[str, Any]]:
    """Tell what is on Docs.

    docs (Iterable[Doc]): Annotated Docs.
    key (str): The component's key in doc.spans.
    RETURNS (list[dict[str, Any]]): Of each Doc its text, entities by character, scores, and where an LLM was asked
        its mentions, how they were aligned and what could not be, and whether the Doc was left without an answer.
    """
    rows = []
    for doc in docs:
        row = {
            "text": doc.text,
            "ents": _places(doc.ents),
            "missing": any(token.ent_iob == 0 for token in doc),
            "failed": doc.has_extension("ner_failure") and bool(doc._.ner_failure),
            "spans": [],
            "scores": [],
        }
        if key in doc.spans:
            group = doc.spans[key]
            row |= {"spans": _places(group), "scores": [float(score) for score in group.attrs["scores"]]}
        if f"{key}_mentions" in doc.spans:
            group = doc.spans[f"{key}_mentions"]
            row |= {
                "mentions": _places(group),
                "alignment": list(group.attrs["alignment"]),
                "unaligned": [list(mention) for mention in group.attrs["unaligned"]],
            }
        rows.append(row)
    return rows


def _places(spans: SpanGroup | tuple) -> list[list]:
    return [[span.start_char, span.end_char, span.label_] for span in spans]
