"""What a file of metrics must hold for comparisons, pages and model cards: each key that they read, and its type."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.evaluation.counting.counts import FIELDS, RATES
from spacy_ner_plus.evaluation.counting.schemes import SCHEMES, STRICT
from spacy_ner_plus.evaluation.errors.error_kinds import ERROR_KINDS
from spacy_ner_plus.extras import from_extra

if TYPE_CHECKING:
    from jsonschema import ValidationError

Schema = dict[str, Any]
# How many keys are named that a file lacks.
MOST_NAMED = 5

TEXT, NUMBER, COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
MAYBE_NUMBER = {"type": ["number", "null"]}
OBJECT = {"type": "object"}
TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def _holds(needed: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    properties = {**needed, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(needed)}


def _each(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


ENDS = {**_list(NUMBER), "minItems": 2, "maxItems": 2}
INTERVAL = {
    "type": ["object", "null"],
    "properties": dict.fromkeys(RATES, ENDS),
    "required": list(RATES),
}
SCORED = _holds(dict.fromkeys(RATES, NUMBER), {"interval": INTERVAL})
COLUMNS = {"type": ["object", "null"], "additionalProperties": _list(NUMBER)}
CALIBRATION = _holds(
    {"entities": COUNT, "ece": MAYBE_NUMBER, "brier": MAYBE_NUMBER},
    {
        "bins": _list(_holds({"score": NUMBER, "precision": NUMBER})),
        "thresholds": _holds({"curve": COLUMNS, "best": {"type": ["object", "null"]}}),
        "risk_coverage": _holds({"curve": COLUMNS, "aurc": MAYBE_NUMBER}),
    },
)
SCHEMA: Schema = _holds(
    {
        "schemes": _holds(dict.fromkeys(SCHEMES, SCORED)),
        "labels": _each(_holds({STRICT: SCORED})),
        "documents": _holds(
            {"exact_match": MAYBE_NUMBER, "jaccard": MAYBE_NUMBER}, {"unanswered": {"type": "integer"}}
        ),
        "label_sets": _holds({"gold": _each(COUNT), "predicted": _each(COUNT)}),
        "confusion": _holds({"labels": _list(TEXT), "matrix": _list(_list(COUNT))}),
        "errors": _holds(
            {
                "total": COUNT,
                "kinds": _holds(dict.fromkeys(ERROR_KINDS, _holds({"count": COUNT}))),
                "unclear": _holds({"count": COUNT}),
            }
        ),
        "slices": _each(_each(_holds({"f1": NUMBER, "support": COUNT}))),
        "per_document": _holds(dict.fromkeys(FIELDS, _list(COUNT))),
        "corpus": _holds(
            {"name": TEXT, "documents": COUNT, "entities": COUNT, "fingerprint": TEXT}, {"tokens": COUNT}
        ),
        "pipeline": _holds({"name": TEXT, "components": OBJECT}, {"labels": _list(TEXT)}),
        "settings": _holds(
            {"tokens": TEXT, "limit": COUNT, "similarity_threshold": NUMBER}, {"overrides": _list(TEXT)}
        ),
        "performance": _holds(
            {
                "words_per_second": NUMBER,
                "load_seconds": NUMBER,
                "peak_memory_mib": MAYBE_NUMBER,
                "processor": TEXT,
            }
        ),
    },
    {
        "calibration": CALIBRATION,
        # A name alone: it lies beside the metrics, and nothing elsewhere is read.
        "predictions": _holds(
            {"file": {"type": "string", "pattern": r"^(?!\.{1,2}$)[^/\\\x00]+$"}, "sha256": TEXT}
        ),
        "llm": _each({**OBJECT, "properties": {"cost": MAYBE_NUMBER, "issues": _each(COUNT)}}),
        "issues": _each(_holds({"count": COUNT, "example": TEXT, "where": TEXT})),
    },
)


def find_problem(metrics: Mapping[str, Any]) -> str:
    """Say why metrics can't be used.

    metrics (Mapping[str, Any]): As they were read, in the newest format.
    RETURNS (str): What is missing or of another type; nothing where all is well.
    """
    with from_extra("evaluation"):
        from jsonschema import Draft202012Validator

    errors = list(Draft202012Validator(SCHEMA).iter_errors(metrics))
    if absent := [key for error in errors for key in _absent(error)]:
        more = f" and {len(absent) - MOST_NAMED} more" if len(absent) > MOST_NAMED else ""
        return f"it lacks {', '.join(absent[:MOST_NAMED])}{more}"
    if errors:
        return _in_words(errors[0])
    documents = metrics["corpus"]["documents"]
    for name in FIELDS:
        if (found := len(metrics["per_document"][name])) != documents:
            return f"per_document.{name} has {found} numbers, and the corpus {documents} documents"
    labels, matrix = metrics["confusion"]["labels"], metrics["confusion"]["matrix"]
    if {len(labels)} != {len(matrix), *map(len, matrix)}:
        return f"confusion.matrix hasn't {len(labels)} rows and columns, one for each label"
    return ""


def _absent(error: "ValidationError") -> Iterator[str]:
    if error.validator == "required":
        # Each missing key is an error of its own, whose message alone names it.
        key = next(key for key in error.validator_value if error.message.startswith(repr(key)))
        yield _path(error, key)


def _in_words(error: "ValidationError") -> str:
    place = _path(error)
    if error.validator == "type":
        types = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        return f"{place} is {_kind(error.instance)}, not {' or '.join(TYPES[name] for name in types)}"
    if error.validator == "pattern":
        return f"{place} is {error.instance!r}, and should be the name of a file beside it"
    if error.validator == "minimum":
        return f"{place} is {error.instance}, below {error.validator_value}"
    return f"{place} has {len(error.instance)} items"


def _path(error: "ValidationError", *more: str) -> str:
    return ".".join(map(str, (*error.absolute_path, *more)))


def _kind(value: Any) -> str:
    with from_extra("evaluation"):
        from jsonschema import Draft202012Validator

    checker = Draft202012Validator.TYPE_CHECKER
    return next(words for name, words in TYPES.items() if checker.is_type(value, name))
