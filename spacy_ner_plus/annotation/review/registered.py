"""The review tools that are installed: ours, and those of other packages, by their entry points."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from spacy_ner_plus.annotation.review.tool import ReviewTool
from spacy_ner_plus.data.formats.options import options_for
from spacy_ner_plus.errors import Errors, UserError

GROUP = "spacy_ner_plus_review_tools"


@cache
def tool_points() -> dict[str, EntryPoint]:
    """RETURNS (dict[str, EntryPoint]): By name; where two packages have one name, ours counts."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.value.startswith("spacy_ner_plus."))
    return {point.name: point for point in sorted(found, key=lambda point: point.name)}


def get_tool(name: str) -> ReviewTool:
    """Load a review tool.

    RAISES (UserError): Where there is none of this name, or what its entry point names isn't one.
    """
    if name not in tool_points():
        raise UserError(Errors.E740.format(tool=name, tools=", ".join(tool_points())))
    point = tool_points()[name]
    try:
        found = point.load()
    except Exception as error:  # Another package's module may fail with anything.
        reason = str(error).split("\n")[0] or type(error).__name__
        raise UserError(Errors.E741.format(tool=name, value=point.value, reason=reason)) from error
    if isinstance(found, type) or not isinstance(found, ReviewTool):
        reason = "it has not what spacy_ner_plus.annotation.review.tool.ReviewTool lists"
        raise UserError(Errors.E741.format(tool=name, value=point.value, reason=reason))
    return found


def tool_options(tool: ReviewTool, given: Mapping[str, Any]) -> Any:
    """Make a tool's options of what the user gave.

    given (Mapping[str, Any]): By name; strings are read as the option's type.
    RETURNS (Any): An instance of `tool.options`.
    RAISES (UserError): A name that the tool doesn't have, or a value that doesn't fit.
    """
    known = [field.name for field in fields(tool.options)]
    for name in given:
        if name not in known:
            raise UserError(
                Errors.E746.format(option=name, tool=tool.name, options=", ".join(known) or "none")
            )
    return options_for(tool, given)
