"""How far a review is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.workflows.review.opened import open_project


@dataclass(frozen=True)
class ReviewStatus:
    """How far a review is.

    project (str): Where.
    labels (tuple[str, ...] | None): Those that people can choose; None where the tool doesn't say.
    tasks (int): How many there are.
    submitted (int): How many of them somebody has submitted or skipped.
    begun (int): How many are begun, and not submitted by anyone.
    others (int): How many of them no push made.
    """

    project: str
    labels: tuple[str, ...] | None
    tasks: int
    submitted: int
    begun: int
    others: int


def review_status(project: str, *, tool: str, options: Mapping[str, Any] | None = None) -> ReviewStatus:
    """Count the tasks of a project; nothing is changed.

    project (str): Its name in the tool.
    tool (str): One of `review_tools()`.
    options (Mapping[str, Any]): The tool's own, such as `url`.
    RAISES (UserError): Where the tool can't be reached, or has no such project.
    """
    with open_project(project, tool, options) as there:
        labels = there.labels()
        tasks = list(there.tasks())
    return ReviewStatus(
        project,
        labels,
        len(tasks),
        sum(task.annotations > 0 for task in tasks),
        sum(task.drafts > 0 and not task.annotations for task in tasks),
        sum(not task.id for task in tasks),
    )
