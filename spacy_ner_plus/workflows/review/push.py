"""A corpus to a review tool, with its entities as predictions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.progress import Progress, no_progress
from spacy_ner_plus.workflows.review.opened import open_project, sent_docs

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.annotation.review.tasks import Task
    from spacy_ner_plus.labels import LabelSet

NO_TEXT = "document without text, not sent"
LABEL_NOT_SENT = "predicted span with a label that isn't one of those to review, not sent"


@dataclass
class Pushed:
    """What a push did.

    project (str): Where to.
    sent (int): New tasks.
    replaced (int): Tasks that nobody had touched, and whose predictions are new.
    same (int): Tasks that were there as they are.
    left (int): Tasks that a person has annotated or begun: left as they are.
    changed (int): Those of `left` whose text is another one in the corpus now.
    removed (int): Tasks that were there twice, untouched.
    others (int): Tasks there that are not of this corpus.
    issues (IssueLog): What wasn't sent.
    notes (list[str]): What the user should know.
    """

    project: str
    sent: int = 0
    replaced: int = 0
    same: int = 0
    left: int = 0
    changed: int = 0
    removed: int = 0
    others: int = 0
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)


def review_push(
    corpus: "str | Path | Iterable[Doc]",
    project: str,
    *,
    tool: str,
    labels: "LabelSet | str | Path | Sequence[str] | Mapping[str, Any] | None" = None,
    twice: float = 0.0,
    people: int = 2,
    limit: int = 0,
    options: Mapping[str, Any] | None = None,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> Pushed:
    """Send a corpus to a review tool, its entities as predictions, the most doubtful first.

    What is there is listed before anything is sent. A push that was cut off is run again, and doubles nothing; a
    later one gives new predictions to tasks that nobody has touched, and leaves all others.

    corpus (str | Path | Iterable[Doc]): A .spacy file, a folder of them, or Docs.
    project (str): Its name in the tool, where it is made if there is none; for a tool of files, the file.
    tool (str): One of `review_tools()`.
    labels (LabelSet | str | Path | Sequence[str] | Mapping): What people mark, as `structured_llm_ner` takes it;
        definitions become guidelines. Default: the labels of the corpus's entities.
    twice (float): Share of the tasks that several people get, from 0 to 1. Default: 0.
    people (int): How many get each of these. Default: 2.
    limit (int): Send only so many tasks, the most doubtful ones. Default: 0 for all.
    options (Mapping[str, Any]): The tool's own, such as `url`.
    issues (IssueLog): Where is counted what isn't sent; it outlives a failure.
    notes (list[str]): Likewise for what the user should know.
    progress (Progress): Wraps the batches that are sent. Default: none.
    RAISES (UserError): What the user can mend. Run it again then: what is stored already isn't sent twice.
    """
    from spacy.vocab import Vocab

    from spacy_ner_plus.annotation.review.push import plan_push
    from spacy_ner_plus.annotation.review.tasks import make_tasks, most_doubtful_first, task_text
    from spacy_ner_plus.annotation.review.tool import ProjectPlan
    from spacy_ner_plus.settings import check_settings

    at_least("limit", limit, 0)
    pushed = Pushed(
        project, issues=IssueLog() if issues is None else issues, notes=[] if notes is None else notes
    )
    docs = sent_docs(corpus, Vocab())
    for number, doc in enumerate(docs, start=1):
        if not doc.text.strip():
            pushed.issues.add(NO_TEXT, repr(doc.text[:60]), f"document {number}")
    tasks = list(make_tasks(docs))
    plan = ProjectPlan(labels=_labels(labels, tasks), twice=twice, people=people)
    check_settings(plan, Errors.E743)
    tasks = most_doubtful_first([_with_labels(task, plan.labels.names, pushed.issues) for task in tasks])
    with open_project(project, tool, options) as there:
        there.set_up(plan, pushed.notes)
        found = plan_push(tasks[: limit or None], there.tasks(), tasks, there.kept)
        pushed.same, pushed.left = len(found.same), len(found.left)
        pushed.changed, pushed.others = len(found.changed), len(found.others)
        if found.doubled:
            pushed.removed = len(there.remove(found.doubled))
            # Somebody has begun the others since they were listed.
            pushed.left += len(found.doubled) - pushed.removed
        if found.replaced:
            passed_over = {stored.key: task_text(stored.text) != task.text for stored, task in found.replaced}
            for done in progress(there.replace(found.replaced), "Replacing predictions", None):
                pushed.replaced += len(done)
                for stored in done:
                    del passed_over[stored.key]
            pushed.left += len(passed_over)
            pushed.changed += sum(passed_over.values())
        if found.new:
            for count in progress(there.add(found.new), "Sending tasks", None):
                pushed.sent += count
    return pushed


def _labels(
    labels: "LabelSet | str | Path | Sequence[str] | Mapping[str, Any] | None", tasks: "Sequence[Task]"
) -> "LabelSet":
    from spacy_ner_plus.labels import LabelSet, load_labels

    if labels is not None:
        return load_labels(labels)
    found = sorted({span.label for task in tasks for span in task.predictions or ()})
    if not found:
        raise UserError(Errors.E744)
    return LabelSet(tuple(found))


def _with_labels(task: "Task", names: Sequence[str], issues: IssueLog) -> "Task":
    if task.predictions is None:
        return task
    kept = tuple(span for span in task.predictions if span.label in names)
    for span in task.predictions:
        if span not in kept:
            shown = f"{span.label} {task.text[span.start : span.end][:60]!r}"
            issues.add(LABEL_NOT_SENT, shown, f"task {task.id}")
    return replace(task, predictions=kept)
