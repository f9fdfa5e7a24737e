from dataclasses import replace

from spacy_ner_plus.annotation.review.push import plan_push
from spacy_ner_plus.annotation.review.tasks import StoredTask, Task, TaskSpan

SPANS = (TaskSpan(0, 3, "PER", 0.51239),)
TASKS = [Task(name, f"Ann {name}", SPANS) for name in "abcde"]


def stored(task, key="", **about):
    return StoredTask(key or task.id, task.id, about.pop("text", task.text), task.predictions, **about)


def test_push_sends_only_what_is_not_there():
    plan = plan_push(TASKS, [stored(TASKS[3]), StoredTask("9", "", "Another's.")])
    assert plan.new == [TASKS[0], TASKS[1], TASKS[2], TASKS[4]]
    assert [one.key for one in plan.same] == ["d"]
    assert [one.key for one in plan.others] == ["9"]
    # All of it stored, and the connection cut before that was known.
    assert not plan_push(TASKS, map(stored, TASKS)).new


def test_push_of_a_part_knows_the_others_of_its_corpus():
    plan = plan_push(TASKS[:2], [stored(TASKS[3]), stored(Task("x", "Else"))], corpus=TASKS)
    assert [one.id for one in plan.others] == ["x"]
    assert [one.id for one in plan.passed_over] == ["d"]


def test_push_replaces_what_nobody_has_touched_and_leaves_the_rest():
    news = [replace(task, predictions=()) for task in TASKS]
    there = [
        stored(TASKS[0]),
        stored(TASKS[1], annotations=1),
        stored(TASKS[2], drafts=1),
        stored(TASKS[3], text="Another text", annotations=1),
        stored(news[4]),
    ]
    plan = plan_push(news, there)
    assert plan.replaced == [(there[0], news[0])]
    assert plan.left == there[1:4]
    assert plan.changed == [there[3]]
    assert plan.same == [there[4]]
    assert not plan.new


def test_push_knows_equal_predictions_in_any_order_and_with_rounded_scores():
    two = replace(TASKS[0], predictions=(*SPANS, TaskSpan(4, 5, "LOC")))
    there = stored(replace(two, predictions=(TaskSpan(4, 5, "LOC"), SPANS[0]._replace(score=0.5124))))
    assert plan_push([two], [there]).same == [there]
    assert plan_push([replace(two, predictions=None)], [there]).replaced


def test_push_removes_untouched_doubles():
    one = TASKS[0]
    twice = [stored(one, "1"), stored(one, "2"), stored(one, "3")]
    plan = plan_push([one], twice)
    assert (plan.same, plan.doubled) == (twice[:1], twice[1:])
    touched = [twice[0], replace(twice[1], annotations=1), replace(twice[2], drafts=1)]
    plan = plan_push([one], touched)
    assert (plan.left, plan.doubled) == (touched[1:], touched[:1])


def test_push_knows_texts_whose_ids_have_moved():
    """Ids of which each is the number of its row: a batch that begins anew, or a row put before."""
    there = [stored(Task("1", "Ann."), annotations=1), stored(Task("2", "Bob.", SPANS))]
    moved = [Task("1", "New."), Task("2", "Ann."), Task("3", "Bob.")]
    plan = plan_push(moved, there)
    assert [task.text for task in plan.new] == ["New."]
    # The tool has another task of that id.
    assert plan.new[0].id not in {"1", "2", "3"}
    assert (plan.left, plan.changed, plan.others) == (there[:1], [], [])
    assert plan.replaced == [(there[1], Task("2", "Bob."))]
    # With what is stored then, nothing is to be done any more.
    after = [there[0], stored(Task("2", "Bob.")), stored(plan.new[0])]
    again = plan_push(moved, after)
    assert (again.new, again.replaced, again.left, again.changed) == ([], [], there[:1], [])
    # A part alone.
    part = plan_push(moved[2:], after, corpus=moved)
    assert (len(part.same), len(part.passed_over), part.others) == (1, 2, [])


def test_push_leaves_two_tasks_of_one_text_apart():
    tasks = [Task("1", "Ann."), Task("2", "Ann.")]
    plan = plan_push(tasks[:1], [stored(tasks[1])], corpus=tasks)
    assert (plan.new, len(plan.passed_over)) == (tasks[:1], 1)
    again = plan_push(tasks, [stored(task, key=str(i)) for i, task in enumerate(tasks)])
    assert (len(again.same), again.doubled, again.others) == (2, [], [])
