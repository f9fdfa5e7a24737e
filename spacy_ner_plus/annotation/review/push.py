"""What a push sends: found out by what is there, before anything is sent.

A task that is there is never sent again, whoever's connection was cut before it was known to be stored. Tasks that
nobody has touched get new predictions; all others stay as they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from spacy_ner_plus.annotation.review.tasks import (
    StoredTask,
    Task,
    TaskSpan,
    made_id,
    match_texts,
    task_text,
)


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
    corpus: Sequence[Task] = (),
    kept_of: Callable[[Task], tuple[TaskSpan, ...] | None] | None = None,
) -> PushPlan:
    """Compare tasks to send with those that are there.

    Ids may be numbers of rows, which begin anew in a second batch: what is there is the task that has its id and its
    text; else the one that has its text; else, where its text is in the corpus no more, the one that has its id.

    tasks (Sequence[Task]): All with different ids, in the order in which they are to be sent.
    stored (Iterable[StoredTask]): All that the project has.
    corpus (Sequence[Task]): The tasks of the whole corpus, where only a part of it is sent.
    kept_of (Callable): Gives a task's predictions as the tool keeps them. Default: None for as they are sent.
    """
    plan = PushPlan()
    stored = list(stored)
    there = _matched(corpus or tasks, stored)
    sent = {task.id for task in tasks}
    matched = {id(one) for found in there.values() for one in found}
    plan.others = [one for one in stored if id(one) not in matched]
    plan.passed_over = [one for name, found in there.items() if name not in sent for one in found]
    used = {one.id for one in stored}
    for task in tasks:
        found = there.get(task.id, [])
        if not found:
            # A tool may have an id but once.
            plan.new.append(replace(task, id=made_id(task.id, task.text)) if task.id in used else task)
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
                plan.replaced.append((kept, replace(task, id=kept.id)))
        plan.doubled += untouched
    return plan


def _matched(tasks: Sequence[Task], stored: Sequence[StoredTask]) -> dict[str, list[StoredTask]]:
    """RETURNS (dict[str, list[StoredTask]]): What is there of each task, by its id."""
    texts = {task.id: task.text for task in tasks}
    known = set(texts.values())
    pairs = [(one.id, task_text(one.text)) for one in stored]
    found = match_texts(texts, pairs)
    own: dict[str, list[StoredTask]] = {}
    others: dict[str, list[StoredTask]] = {}
    for one, pair in zip(stored, pairs, strict=True):
        # A second one of a text that the corpus has is none of another text's.
        name = found.get(pair, "" if pair[1] in known else one.id)
        if name in texts:
            there = own if pair == (name, texts[name]) else others
            there.setdefault(name, []).append(one)
    return {name: own.get(name, []) + others.get(name, []) for name in texts if name in own or name in others}


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
