"""Keys of a record that look like annotation, so that none is taken for a record without any."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from spacy_ner_plus.data.records.schemes import is_tag
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

# Names that tools give to annotation.
NAMES = frozenset(
    {
        "spans",
        "span",
        "entities",
        "entity",
        "ents",
        "ner",
        "ner_tags",
        "nertags",
        "tags",
        "tag",
        "labels",
        "label",
        "annotations",
        "annotation",
        "annots",
        "result",
        "results",
        "completions",
        "predictions",
        "iob",
        "bio",
        "biluo",
        "offsets",
        "mentions",
        "named_entities",
        "markup",
        "slots",
    }
)
STARTS = ("start", "begin", "from", "offset")
DEPTH = 8
# Names that are long enough to be known by most of their letters, and how alike such a name must be.
LONG_NAMES = sorted(name for name in NAMES if len(name) > 5)
ALIKE = 0.82
PEOPLE = frozenset({"annotator", "annotators"})


def check_no_annotation(
    record: Mapping[str, Any], known: Collection[str], where: str, issues: IssueLog, text: str
) -> None:
    """Count a record without annotation, unless another of its keys looks like some.

    Call it for a record that has none of the keys that its format reads annotation from.

    record (Mapping[str, Any]): The record.
    known (Collection[str]): The keys under which the format reads annotation, for the message.
    where (str): The record's place.
    issues (IssueLog): Where it is counted.
    text (str): Its text, for the example.
    RAISES (UserError): Where another key looks like annotation.
    """
    for key, value in record.items():
        if key not in known and looks_like_annotation(key, value):
            raise UserError(
                Errors.E180.format(where=where, known=", ".join(known), key=key, value=repr(value)[:60])
            )
    issues.add("record without annotation", text[:60], where)


def looks_like_annotation(key: str, value: Any) -> bool:
    """Whether what stands under a key is annotation of named entities, by its name or shape.

    An empty or null value is none: nothing would be lost of it.
    """
    if value is None or value in ([], {}, ""):
        return False
    if isinstance(value, str):
        words = value.split()
        return len(words) > 1 and any(word != "O" for word in words) and all(map(is_tag, words))
    if isinstance(value, list | dict) and _is_name(key.lower()):
        return True
    return _holds_spans(value, DEPTH)


@lru_cache(maxsize=1024)
def _is_name(key: str) -> bool:
    """Whether a key is a name of annotation, as it is or with a letter wrong: 'entites', 'lables', 'annots'."""
    return key in NAMES or (key not in PEOPLE and bool(get_close_matches(key, LONG_NAMES, 1, ALIKE)))


def _holds_spans(value: Any, depth: int) -> bool:
    """Whether spans by offset or a list of tags stand anywhere inside."""
    if depth == 0:
        return False
    if isinstance(value, dict):
        keys = [str(key).lower() for key in value]
        has_place = any(key.startswith(STARTS) for key in keys) and any(
            "end" in key or key == "to" for key in keys
        )
        has_label = any(key in NAMES or "label" in key or key in ("type", "category") for key in keys)
        return (has_place and has_label) or any(_holds_spans(part, depth - 1) for part in value.values())
    if not isinstance(value, list) or not value:
        return False
    if all(isinstance(item, str) for item in value):
        return any(item != "O" for item in value) and all(map(is_tag, value))
    first = value[0]
    if isinstance(first, list) and len(first) == 3:
        kinds = sorted(type(part).__name__ for part in first)
        if kinds == ["int", "int", "str"]:
            return True
    return any(_holds_spans(item, depth - 1) for item in value[:20])
