"""What a push sends: found out by what is there, before anything is sent.

A task that is there is never sent again, whoever's connection was cut before it was known to be stored. Tasks that
nobody has touched get new predictions; all others stay as they are.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from spacy_ner_plus.annotation.review.tasks import StoredTask, Task, TaskSpan, task_text


@dataclass
class PushPlan:
    """What is to be done.

    new (list[Task]): To be sent, in this order.
    replaced (list[tuple[StoredTask, Task]]): There already, untouched, and with other predictions or another text.
    same (list[StoredTask]): There already, as they would be sent, and untouched.
    left (list[StoredTask]): There already, and a person has annotated or begun them.
    changed (list[StoredTask]): Those of `left` whose text is another one in the corpus now.
    doubled (list[StoredTask]): Untouched, and a second time there: to be removed.
    passed_over (list[StoredTask]): There already, and of this corpus, of which only a part is sent now.
    others (list[StoredTask]): There already, and not of this corpus.
    """

    new: list[Task] = field(default_factory=list)
    replaced: list[tuple[StoredTask, Task]] = field(default_factory=list)
    same: list[StoredTask] = field(default_factory=list)
    left: list[StoredTask] = field(default_factory=list)
    changed: list[StoredTask] = field(default_factory=list)
    doubled: list[StoredTask] = field(default_factory=list)
    passed_over: list[StoredTask] = field(default_factory=list)
    others: list[StoredTask] = field(default_factory=list)


def plan_push(
    tasks: Sequence[Task],
    stored: Iterable[StoredTask],
    corpus: Collection[str] = (),
    kept_of: Callable[[Task], tuple[TaskSpan, ...] | None] | None = None,
) -> PushPlan:
    """Compare tasks to send with those that are there.

    tasks (Sequence[Task]): All with different ids, in the order in which they are to be sent.
    stored (Iterable[StoredTask]): All that the project has.
    corpus (Collection[str]): The ids of the whole corpus, where only a part of it is sent.
    kept_of (Callable): Gives a task's predictions as the tool keeps them. Default: None for as they are sent.
    """
    plan = PushPlan()
    known = {task.id for task in tasks}
    there: dict[str, list[StoredTask]] = {}
    for one in stored:
        if one.id in known:
            there.setdefault(one.id, []).append(one)
        else:
            (plan.passed_over if one.id in corpus else plan.others).append(one)
    for task in tasks:
        found = there.get(task.id, [])
        if not found:
            plan.new.append(task)
            continue
        touched = [one for one in found if one.touched]
        untouched = [one for one in found if not one.touched]
        plan.left += touched
        plan.changed += [one for one in touched if task_text(one.text) != task.text]
        if not touched:
            kept = untouched.pop(0)
            if _is_as(kept, task if kept_of is None else replace(task, predictions=kept_of(task))):
                plan.same.append(kept)
            else:
                plan.replaced.append((kept, task))
        plan.doubled += untouched
    return plan


def _is_as(stored: StoredTask, task: Task) -> bool:
    return task_text(stored.text) == task.text and _spans(stored) == _spans(task)


def _spans(task: StoredTask | Task) -> list[tuple[object, ...]] | None:
    if task.predictions is None:
        return None
    # Tools round scores, each in its way.
    rows = [
        (span.start, span.end, span.label, None if span.score is None else round(span.score, 4))
        for span in task.predictions
    ]
    return sorted(rows, key=repr)
