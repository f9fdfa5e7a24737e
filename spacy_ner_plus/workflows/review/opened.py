"""A project of a review tool, opened by what a user gives."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_ner_plus.annotation.review.tool import ReviewProject


def review_tools() -> list[str]:
    """RETURNS (list[str]): The names of the review tools that are installed, sorted."""
    from spacy_ner_plus.annotation.review.registered import tool_points

    return list(tool_points())


def open_project(project: str, tool: str, options: Mapping[str, Any] | None) -> "ReviewProject":
    """Open a project.

    project (str): Its name; for a tool of files, the file.
    tool (str): One of `review_tools()`.
    options (Mapping[str, Any]): The tool's own, by name; strings are read as the option's type.
    RAISES (UserError): Where there is no such tool or option, or the tool can't be reached.
    """
    from spacy_ner_plus.annotation.review.registered import get_tool, tool_options

    found = get_tool(tool)
    return found.open(project, tool_options(found, options or {}))
