"""What feedback can be given: metrics with a kind, a direction and bounds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

from spacy_ner_plus.errors import Errors, UserError

FeedbackKind = Literal["boolean", "float", "comment", "demonstration"]
FeedbackLevel = Literal["inference", "episode"]
_CHOICES = {"kind": get_args(FeedbackKind), "level": get_args(FeedbackLevel), "optimize": ("max", "min")}

TEXT = "a text without half of a surrogate pair"


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def is_text(value: Any) -> bool:
    """RETURNS (bool): Whether it is a text that a database can hold: without half of a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


@dataclass(frozen=True, slots=True)
class Metric:
    """The declaration of a metric.

    kind (FeedbackKind): Of its values: 'boolean', 'float', 'comment' (a text) or 'demonstration' (the right entities).
    level (FeedbackLevel): Whether a value is about an inference or an episode; a comment may be about either.
    optimize (Literal): Whether more is better: 'max' or 'min'.
    lower (float | None): The least value of a float; None for no bound.
    upper (float | None): The greatest.
    RAISES (UserError): Where that makes no metric.
    """

    name: str
    kind: FeedbackKind
    level: FeedbackLevel = "inference"
    optimize: Literal["max", "min"] = "max"
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if not is_text(self.name) or not self.name.strip():
            raise self._wrong("name", "a name")
        for field, choices in _CHOICES.items():
            if getattr(self, field) not in choices:
                raise self._wrong(field, f"one of: {', '.join(choices)}")
        for field in ("lower", "upper"):
            bound = getattr(self, field)
            if bound is None:
                continue
            if self.kind != "float":
                raise self._wrong(field, "no bound, which only floats have")
            if not _is_number(bound):
                raise self._wrong(field, "a number or None")
            # As the store gives it back, so that the same declaration is the same.
            object.__setattr__(self, field, float(bound))
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise self._wrong("upper", f"a number above `lower`, {self.lower:g}")

    @property
    def is_number(self) -> bool:
        """RETURNS (bool): Whether its values can be added up."""
        return self.kind in ("boolean", "float")

    @property
    def worst(self) -> float | None:
        """RETURNS (float | None): The worst value that there is; None where nothing bounds them."""
        if self.kind == "boolean":
            return 0.0 if self.optimize == "max" else 1.0
        return self.lower if self.optimize == "max" else self.upper

    def read(self, value: Any) -> Any:
        """Check a value, but for the spans of a demonstration, which depend on a text.

        RETURNS (Any): The value; a float for any number.
        RAISES (UserError): Where it is of another kind, or out of bounds.
        """
        if self.kind == "boolean" and isinstance(value, bool):
            return value
        if self.kind == "comment" and is_text(value):
            return value
        if self.kind == "demonstration" and not isinstance(value, str | Mapping | Real):
            return value
        if self.kind == "float" and _is_number(value):
            number = float(value)
            if (self.lower is None or number >= self.lower) and (self.upper is None or number <= self.upper):
                return number
        raise UserError(Errors.E805.format(metric=self.name, wanted=self._wanted(), value=value))

    def _wanted(self) -> str:
        if self.kind == "boolean":
            return "true or false"
        if self.kind == "comment":
            return TEXT
        if self.kind == "demonstration":
            return "a sequence of CharSpan(start, end, label), or of spaCy's spans of the same text"
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("of at least", self.lower), ("of at most", self.upper))
            if bound is not None
        ]
        return " ".join(["a number", " and ".join(bounds)]).strip()

    def _wrong(self, field: str, remedy: str) -> UserError:
        shown = repr(getattr(self, field))
        return UserError(Errors.E808.format(metric=self.name, field=field, value=shown, remedy=remedy))


# What there is without being declared.
SHIPPED = {
    metric.name: metric
    for metric in (
        Metric("exact_match", "boolean"),
        Metric("jaccard", "float", lower=0.0, upper=1.0),
        Metric("f1", "float", lower=0.0, upper=1.0),
        Metric("valid_output", "boolean"),
        Metric("comment", "comment"),
        Metric("demonstration", "demonstration"),
    )
}
