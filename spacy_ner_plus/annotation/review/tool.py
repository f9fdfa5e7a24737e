"""What a review tool is: one object, found by its entry point, that opens a project of a tool in which people annotate.

A package adds one by an entry point of the group `spacy_ner_plus_review_tools`, whose name is the tool's and whose
value is such an object. `push.py` and `pull.py` say what is sent and taken; a tool only says how.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from spacy_ner_plus.annotation.review.tasks import StoredTask, Submission, Task, TaskSpan
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.settings import setting, settings


@settings
class ProjectPlan:
    """How a project is set up."""

    labels: LabelSet = setting("What people mark, with definitions for their guidelines.")
    twice: float = setting(
        "Share of the tasks, from 0 to 1, that several people annotate, so that their agreement is known.",
        0.0,
        at_least=0,
        at_most=1,
    )
    people: int = setting("How many annotate each of these.", 2, at_least=2)


@runtime_checkable
class ReviewProject(Protocol):
    """A project of a tool, opened; a context manager, which closes what it opened.

    name (str): What people know it by, for messages.
    """

    name: str

    def __enter__(self) -> "ReviewProject": ...

    def __exit__(self, *error: object) -> None: ...

    def set_up(self, plan: ProjectPlan, notes: list[str]) -> None:
        """Make the project where there is none; where there is, check that it has the plan's labels.

        notes (list[str]): Where is written what the user should know: that it was made, what it lacks.
        RAISES (UserError): Where a project of this name has other labels.
        """

    def labels(self) -> tuple[str, ...] | None:
        """RETURNS (tuple[str, ...] | None): The labels that people can choose there; None where the tool doesn't say.

        RAISES (UserError): Where there is no such project.
        """

    def tasks(self) -> Iterable[StoredTask]:
        """List what is there, tasks that no push made among them.

        RAISES (UserError): Where there is no such project.
        """

    def kept(self, task: Task) -> tuple[TaskSpan, ...] | None:
        """RETURNS (tuple[TaskSpan, ...] | None): A task's predictions as the tool gives them back: without what it
        has no place for, such as scores or overlaps."""

    def add(self, tasks: Sequence[Task]) -> Iterable[int]:
        """Send new tasks, in this order, with their predictions.

        YIELDS (int): How many tasks of each batch were sent, once they are stored.
        RAISES (UserError): Where the tool refuses them or is gone: what was yielded is stored, what follows may be.
        """

    def replace(self, pairs: Sequence[tuple[StoredTask, Task]]) -> Iterable[Sequence[StoredTask]]:
        """Give tasks that nobody has touched the text and the predictions of others, and nothing else.

        Whether somebody has begun one since it was listed is looked up right before.

        YIELDS (Sequence[StoredTask]): Those of each batch that are replaced; the others are left, as begun.
        """

    def remove(self, tasks: Sequence[StoredTask]) -> Sequence[StoredTask]:
        """Delete tasks that nobody has touched, as `replace` looks it up.

        RETURNS (Sequence[StoredTask]): Those that are deleted; the others are left.
        """

    def submissions(self, issues: IssueLog, notes: list[str]) -> Iterable[Submission]:
        """Read what people submitted: no drafts, no predictions, nothing that was skipped.

        issues (IssueLog): Where is counted what is left out.
        notes (list[str]): Where is written what was found out.
        RAISES (UserError): Where there is no such project.
        """


@runtime_checkable
class TakesAnnotations(Protocol):
    """What a project is, too, whose tool takes annotations from a program, as if a person had submitted them."""

    def reach(self) -> None:
        """Find out whether the tool answers, and takes our key; nothing is changed.

        RAISES (UserError): Where it doesn't.
        """

    def annotate(self, task: StoredTask, spans: Sequence[TaskSpan]) -> None:
        """Submit an annotation of a task.

        RAISES (UserError): Where the tool refuses it.
        """


@runtime_checkable
class ReviewTool(Protocol):
    """A tool in which people annotate texts.

    name (str): As the command line takes it, such as 'label-studio'.
    about (str): What it is, in a line.
    options (type): A class of settings (`settings.py`), all with defaults: where the tool is, and how it is used.
    requirements (tuple[str, ...]): What `review install` installs, as pip takes it; () where there is nothing to
        install.
    start (Callable[[Path], list[str]]): Says how to start what was installed in a folder; may be left out.
    """

    name: str
    about: str
    options: type
    requirements: tuple[str, ...]

    def open(self, project: str, options: Any) -> ReviewProject:
        """Open a project, which needn't be there yet.

        project (str): Its name; of a tool of files, the file or folder.
        options (Any): An instance of `options`.
        RAISES (UserError): Where the tool can't be reached, or refuses us.
        """
