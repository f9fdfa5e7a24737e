"""Reviews against a server that answers as the recorded real one did."""

import pytest

from spacy_ner_plus.annotation.review.label_studio import label_studio
from spacy_ner_plus.annotation.review.pull import CHANGED_TEXT, OTHER_LABEL
from spacy_ner_plus.annotation.review.tasks import ID_KEY
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.pull import review_pull
from spacy_ner_plus.workflows.review.push import review_push
from spacy_ner_plus.workflows.review.status import review_status
from tests.annotation.review.docs import EMOJI, NONE, PEOPLE, corpus, ents, make_doc

LABELS = ["PER", "LOC", "ORG"]


def pushed(url, docs=None, **about):
    options = {"url": url, **about.pop("options", {})}
    about.setdefault("labels", LABELS)
    docs = corpus() if docs is None else docs
    return review_push(docs, about.pop("project", "news"), tool="label-studio", options=options, **about)


def pulled(url, docs=None, **about):
    docs = corpus() if docs is None else docs
    return review_pull(docs, "news", tool="label-studio", options={"url": url}, resamples=0, **about)


def numbers(stub):
    """RETURNS (dict[str, int]): The server's number of each task, by its text."""
    return {task["data"]["text"]: number for number, task in stub.tasks.items()}


def region(text, mention, label, **value):
    start = text.index(mention)
    value = {"start": start, "end": start + len(mention), "text": mention, "labels": [label], **value}
    return {"id": "r", "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def test_label_studio_push_makes_the_project_and_sends_predictions(label_studio_server):
    stub, url = label_studio_server
    labels = {"PER": "Names of people.", "LOC": "", "ORG": ""}
    done = pushed(url, labels=labels, twice=0.3)
    assert (done.sent, done.replaced, done.left) == (3, 0, 0)
    (project,) = stub.projects.values()
    assert "Names of people." in project["expert_instruction"]
    assert (project["maximum_annotations"], project["overlap_cohort_percentage"]) == (2, 30)
    task = stub.tasks[numbers(stub)[EMOJI]]
    assert task["data"][ID_KEY] == "d-2"
    assert [one["value"]["text"] for one in task["predictions"][0]["result"]] == ["Rosa Quint", "Lund"]


def test_label_studio_push_cut_after_a_batch_was_stored_doubles_nothing(label_studio_server):
    stub, url = label_studio_server
    docs = [make_doc(f"Ann {number} left.", ("Ann", "PER"), id=str(number)) for number in range(7)]
    stub.cut_after = 1
    with pytest.raises(UserError, match=r"E751.*again"):
        pushed(url, docs, options={"batch": 2})
    # The second batch is stored, and nobody was told.
    assert len(stub.tasks) == 4
    done = pushed(url, docs, options={"batch": 2})
    assert (done.sent, done.same) == (3, 4)
    assert sorted(task["data"][ID_KEY] for task in stub.tasks.values()) == [str(i) for i in range(7)]


def test_label_studio_second_push_replaces_untouched_predictions_and_leaves_the_rest(label_studio_server):
    stub, url = label_studio_server
    pushed(url)
    there = numbers(stub)
    stub.annotate(there[PEOPLE], [region(PEOPLE, "Bob", "PER")])
    news = [*corpus()[:2], make_doc(NONE, ("places", "LOC"))]
    news[0] = make_doc(PEOPLE, ("Bob", "LOC"), id="d-1")
    done = pushed(url, news)
    assert (done.sent, done.replaced, done.same, done.left) == (0, 1, 1, 1)
    assert len(stub.tasks[there[PEOPLE]]["predictions"][0]["result"]) == 3
    (prediction,) = stub.tasks[there[NONE]]["predictions"]
    assert [one["value"]["text"] for one in prediction["result"]] == ["places"]
    # A draft is somebody's work, too.
    stub.draft_task({}, {"result": []}, there[EMOJI])
    emptied = make_doc(EMOJI, id="d-2")
    assert pushed(url, [emptied]).left == 1


def test_label_studio_push_of_a_changed_text(label_studio_server):
    stub, url = label_studio_server
    pushed(url)
    there = numbers(stub)
    stub.annotate(there[PEOPLE], [])
    news = [
        make_doc(text.replace("moved", "came").replace("met", "saw"), id=name)
        for text, name in ((PEOPLE, "d-1"), (EMOJI, "d-2"))
    ]
    done = pushed(url, news)
    assert (done.replaced, done.left, done.changed, done.others) == (1, 1, 1, 1)
    assert stub.tasks[there[EMOJI]]["data"]["text"] == news[1].text
    assert stub.tasks[there[PEOPLE]]["data"]["text"] == PEOPLE


def test_label_studio_push_removes_doubles_that_nobody_touched(label_studio_server):
    stub, url = label_studio_server
    pushed(url)
    number = next(iter(stub.projects))
    double = stub.tasks[numbers(stub)[PEOPLE]]
    stub.import_tasks({}, [{"data": double["data"], "predictions": double["predictions"]}], number)
    assert pushed(url).removed == 1
    assert len(stub.tasks) == 3


def test_label_studio_pull_takes_what_was_submitted_and_nothing_else(label_studio_server):
    stub, url = label_studio_server
    pushed(url)
    there = numbers(stub)
    stub.annotate(
        there[EMOJI], [region(EMOJI, "Rosa Quint", "PER"), region(EMOJI, "Lund", "ORG")], lead_time=7.5
    )
    stub.annotate(there[PEOPLE], [region(PEOPLE, "Bob", "PER")], was_cancelled=True)
    stub.draft_task({}, {"result": [region(PEOPLE, "Bob", "PER")]}, there[PEOPLE])
    found = pulled(url)
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs] == [False, True, False]
    assert ents(found.docs[1]) == [("Rosa Quint", "PER"), ("Lund", "ORG")]
    assert found.docs[1].user_data["record"]["meta"]["review"] == {
        "id": "d-2",
        "annotator": "ann@example.com",
        "submitted": "2026-11-26T19:56:32.547852Z",
        "seconds": 7.5,
    }
    assert found.issues[label_studio.SKIPPED] == 1
    assert found.report["labels"]["LOC"]["rate"] == 0
    status = review_status("news", tool="label-studio", options={"url": url})
    assert (status.tasks, status.submitted, status.begun, status.others) == (3, 2, 0, 0)


def test_label_studio_pull_takes_no_result_for_no_answer(label_studio_server):
    """And not for one that there is nothing: as in label-studio-sdk#662."""
    stub, url = label_studio_server
    pushed(url)
    there = numbers(stub)
    stub.annotate(there[EMOJI], [])
    stub.annotate(there[PEOPLE], None)
    found = pulled(url)
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs] == [False, True, False]
    assert found.issues[label_studio.NO_RESULT] == 1


def test_label_studio_pull_takes_the_ground_truth_where_there_is_one(label_studio_server):
    stub, url = label_studio_server
    pushed(url)
    number = numbers(stub)[PEOPLE]
    stub.annotate(number, [region(PEOPLE, "Bob", "PER")])
    stub.annotate(number, [region(PEOPLE, "Bob", "ORG")], by=2, ground_truth=True)
    found = pulled(url)
    assert ents(found.docs[0]) == [("Bob", "ORG")]
    assert [row["name"] for row in found.report["annotators"]] == ["ann@example.com"]


def test_label_studio_pull_compares_with_what_people_began_with(label_studio_server):
    """And not with what a later model predicts."""
    stub, url = label_studio_server
    pushed(url)
    number = numbers(stub)[EMOJI]
    stub.annotate(number, stub.tasks[number]["predictions"][0]["result"])
    news = [*corpus()[::2], make_doc(EMOJI, id="d-2")]
    pushed(url, news)
    found = pulled(url, news)
    assert found.report["labels"]["PER"] == {"predicted": 1, "accepted": 1, "rate": 1.0, "after": 1}
    assert found.report["changes"]["total"] == 0


def test_label_studio_pull_of_two_who_disagree(label_studio_server):
    stub, url = label_studio_server
    pushed(url)
    number = numbers(stub)[PEOPLE]
    stub.annotate(number, [region(PEOPLE, "Ann Lee", "PER"), region(PEOPLE, "Bob", "PER")])
    stub.annotate(number, [region(PEOPLE, "Ann Lee", "PER"), region(PEOPLE, "Bob", "ORG")], by=2)
    found = pulled(url)
    assert ents(found.docs[0]) == [("Ann Lee", "PER")]
    assert [token.text for token in found.docs[0] if token.ent_iob == 0] == ["Bob"]
    (pair,) = found.report["agreement"]["pairs"]
    assert (pair["annotators"], pair["f1"]) == (["ann@example.com", "bob@example.com"], 0.5)


def test_label_studio_pull_checks_labels_offsets_and_texts(label_studio_server):
    stub, url = label_studio_server
    pushed(url)
    there = numbers(stub)
    good = region(PEOPLE, "Ann Lee", "PER")
    wrong = [region(PEOPLE, "Bob", "ANIMAL"), region(PEOPLE, "Oslo", "LOC", end=900)]
    stub.annotate(there[PEOPLE], [good, *wrong])
    stub.tasks[there[EMOJI]]["data"]["text"] = "Somebody changed this."
    stub.annotate(there[EMOJI], [])
    found = pulled(url)
    assert ents(found.docs[0]) == [("Ann Lee", "PER")]
    assert [found.issues[kind] for kind in (OTHER_LABEL, "misaligned span", CHANGED_TEXT)] == [1, 1, 1]
    assert not found.docs[1].has_annotation("ENT_IOB")


def test_label_studio_errors_are_one_message(label_studio_server, monkeypatch):
    stub, url = label_studio_server
    with pytest.raises(UserError, match=r"E759.*news"):
        pulled(url)
    pushed(url, labels=["PER"], docs=[make_doc(PEOPLE, ("Bob", "PER"), id="d-1")])
    with pytest.raises(UserError, match=r"E755.*lacks LOC, ORG, and has PER"):
        pushed(url)
    assert len(stub.tasks) == 1
    stub.make_project(
        {}, {"title": "news", "label_config": next(iter(stub.projects.values()))["label_config"]}
    )
    with pytest.raises(UserError, match=r"E758.*id:1, id:\d+"):
        pushed(url)
    assert pushed(url, labels=["PER"], project="id:1").sent == 2
    choices = (
        '<View><Choices name="c" toName="t"><Choice value="x"/></Choices><Text name="t" value="$t"/></View>'
    )
    stub.make_project({}, {"title": "other", "label_config": choices})
    with pytest.raises(UserError, match="E757"):
        pushed(url, project="other")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "f" * 40)
    with pytest.raises(UserError, match=r"E753.*LABEL_STUDIO_API_KEY: Invalid token"):
        pushed(url)


def test_label_studio_that_stores_less_than_was_sent_is_told(label_studio_server, monkeypatch):
    stub, url = label_studio_server
    real = stub.answer
    monkeypatch.setattr(
        stub,
        "answer",
        lambda method, path, query, body: real(
            method, path, query, body[:1] if path.endswith("import") else body
        ),
    )
    with pytest.raises(UserError, match=r"E756.*Of 3 tasks.*1 were"):
        pushed(url)
    monkeypatch.undo()


def test_label_studio_reads_pages_until_their_end(label_studio_server, monkeypatch):
    stub, url = label_studio_server
    monkeypatch.setattr(label_studio, "PAGE", 2)
    docs = [make_doc(f"Ann {number} left.", ("Ann", "PER"), id=str(number)) for number in range(5)]
    pushed(url, docs)
    assert pushed(url, docs).same == 5
    assert sum(call == "GET /api/tasks/" for call in stub.calls) == 1 + 3


@pytest.mark.parametrize("news", [PEOPLE, PEOPLE.replace("met", "saw")])
def test_label_studio_push_leaves_and_tells_what_somebody_began_meanwhile(
    label_studio_server, monkeypatch, news
):
    stub, url = label_studio_server
    pushed(url)
    begun = numbers(stub)[PEOPLE]
    listed = label_studio.LabelStudioProject.tasks

    def tasks(project):
        yield from list(listed(project))
        stub.draft_task({}, {"result": []}, begun)

    before = stub.tasks[begun]["predictions"], stub.tasks[begun]["data"]
    monkeypatch.setattr(label_studio.LabelStudioProject, "tasks", tasks)
    done = pushed(url, [make_doc(news, ("Bob", "PER"), id="d-1"), make_doc(EMOJI, id="d-2")])
    assert (stub.tasks[begun]["predictions"], stub.tasks[begun]["data"]) == before
    assert (done.replaced, done.left, done.changed) == (1, 1, int(news != PEOPLE))


def test_label_studio_push_removes_no_double_that_somebody_began_meanwhile(label_studio_server, monkeypatch):
    stub, url = label_studio_server
    pushed(url)
    number = next(iter(stub.projects))
    double = stub.tasks[numbers(stub)[PEOPLE]]
    stub.import_tasks({}, [{"data": double["data"], "predictions": double["predictions"]}], number)
    listed = label_studio.LabelStudioProject.tasks

    def tasks(project):
        yield from list(listed(project))
        stub.draft_task({}, {"result": []}, max(stub.tasks))

    monkeypatch.setattr(label_studio.LabelStudioProject, "tasks", tasks)
    done = pushed(url)
    assert (len(stub.tasks), done.removed, done.left) == (4, 0, 1)


def test_label_studio_says_that_something_else_answers(label_studio_server, monkeypatch):
    stub, url = label_studio_server
    answers = [{}, [], None, {"results": None}, {"results": [3]}, {"results": [{}]}]
    monkeypatch.setattr(stub, "answer", lambda *_: (200, answers[0]))
    while answers:
        with pytest.raises(UserError, match="E752"):
            pushed(url)
        answers.pop(0)


def test_label_studio_finds_projects_whose_name_has_blanks_around_it(label_studio_server):
    stub, url = label_studio_server
    pushed(url, project=" news ")
    assert pushed(url, project="news ").same == 3
    assert [one["title"] for one in stub.projects.values()] == ["news"]
