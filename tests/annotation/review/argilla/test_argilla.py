"""Reviews against a server that answers as the recorded real one did, and against a real one where there is one."""

import os

import httpx
import pytest
from spacy.tokens import Span

from spacy_ner_plus.annotation.review.argilla import argilla
from spacy_ner_plus.annotation.review.tasks import ID_KEY
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.pull import review_pull
from spacy_ner_plus.workflows.review.push import review_push
from spacy_ner_plus.workflows.review.status import review_status
from tests.annotation.review.docs import EMOJI, NONE, PEOPLE, corpus, ents, make_doc
from tests.servers.argilla_stub import ROUTES, argilla_stub
from tests.servers.real_argilla import KEY, real_argilla

LABELS = ["PER", "LOC", "ORG"]
ANN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("ARGILLA_API_KEY", KEY)
    with argilla_stub() as found:
        yield found


def pushed(url, docs=None, **about):
    options = {"url": url, **about.pop("options", {})}
    about.setdefault("labels", LABELS)
    docs = corpus() if docs is None else docs
    return review_push(docs, about.pop("project", "news"), tool="argilla", options=options, **about)


def pulled(url, docs=None, **about):
    docs = corpus() if docs is None else docs
    return review_pull(docs, "news", tool="argilla", options={"url": url}, resamples=0, **about)


def keys(stub):
    """RETURNS (dict[str, str]): The server's id of each record, by its text."""
    return {record["fields"]["text"]: key for key, record in stub.records.items()}


def span(text, mention, label):
    start = text.index(mention)
    return {"start": start, "end": start + len(mention), "label": label}


def test_argilla_push_makes_the_dataset_and_sends_suggestions(server):
    stub, url = server
    labels = {"PER": "Names of people.", "LOC": "", "ORG": ""}
    done = pushed(url, labels=labels, twice=1, people=3)
    assert (done.sent, done.replaced, done.left) == (3, 0, 0)
    ((number, dataset),) = stub.datasets.items()
    assert (dataset["status"], dataset["distribution"]["min_submitted"]) == ("ready", 3)
    assert dataset["guidelines"] == "- **PER**: Names of people."
    (question,) = stub.questions[number]
    assert [option["value"] for option in question["settings"]["options"]] == LABELS
    record = stub.records[keys(stub)[EMOJI]]
    assert record["external_id"] == record["metadata"][ID_KEY] == "d-2"
    value = record["suggestions"][0]["value"]
    assert [EMOJI[one["start"] : one["end"]] for one in value] == ["Rosa Quint", "Lund"]
    assert any(number in note for note in done.notes)


def test_argilla_push_says_that_no_part_goes_to_several(server):
    _, url = server
    done = pushed(url, twice=0.3)
    assert "each goes to one" in done.notes[-1]
    again = pushed(url, twice=1)
    assert "several people take a new one" in again.notes[-1]


def test_argilla_push_cut_after_a_batch_was_stored_doubles_nothing(server):
    stub, url = server
    docs = [make_doc(f"Ann {number} left.", ("Ann", "PER"), id=str(number)) for number in range(7)]
    stub.cut_after = 1
    with pytest.raises(UserError, match=r"E751.*again"):
        pushed(url, docs, options={"batch": 2})
    # The second batch is stored, and nobody was told.
    assert len(stub.records) == 4
    done = pushed(url, docs, options={"batch": 2})
    assert (done.sent, done.same) == (3, 4)
    assert sorted(record["external_id"] for record in stub.records.values()) == [str(i) for i in range(7)]


def test_argilla_second_push_replaces_what_nobody_touched_and_leaves_the_rest(server):
    stub, url = server
    pushed(url)
    there = keys(stub)
    stub.respond(there[PEOPLE], [span(PEOPLE, "Bob", "PER")])
    stub.respond(there[EMOJI], [], status="draft")
    news = [
        make_doc(PEOPLE, ("Bob", "LOC"), id="d-1"),
        make_doc(EMOJI, id="d-2"),
        make_doc(NONE, ("places", "LOC")),
    ]
    done = pushed(url, news)
    assert (done.sent, done.replaced, done.same, done.left) == (0, 1, 0, 2)
    assert len(stub.records[there[PEOPLE]]["suggestions"][0]["value"]) == 3
    (suggestion,) = stub.records[there[NONE]]["suggestions"]
    assert [NONE[one["start"] : one["end"]] for one in suggestion["value"]] == ["places"]


def test_argilla_push_takes_suggestions_away_where_nothing_is_predicted_now(server):
    stub, url = server
    pushed(url)
    bare = make_doc(PEOPLE, id="d-1")
    bare.set_ents([], default="missing")
    pushed(url, [bare, *corpus()[1:]])
    assert stub.records[keys(stub)[PEOPLE]]["suggestions"] == []


def test_argilla_push_changes_nothing_under_the_hands_of_who_began_meanwhile(server, monkeypatch):
    stub, url = server
    pushed(url)
    record = keys(stub)[NONE]
    listed = argilla.ArgillaProject.tasks

    def tasks(project):
        yield from list(listed(project))
        stub.respond(record, [], status="draft")

    monkeypatch.setattr(argilla.ArgillaProject, "tasks", tasks)
    before = stub.records[record]["suggestions"]
    done = pushed(url, [*corpus()[:2], make_doc(NONE, ("places", "LOC"))])
    assert stub.records[record]["suggestions"] == before
    assert (done.replaced, done.same, done.left) == (0, 2, 1)


def test_argilla_pull_takes_what_was_submitted_and_nothing_else(server):
    stub, url = server
    pushed(url)
    there = keys(stub)
    stub.users[ANN] = "ann"
    stub.respond(there[EMOJI], [span(EMOJI, "Lund", "ORG")], user=ANN)
    stub.respond(there[PEOPLE], [span(PEOPLE, "Bob", "PER")], status="draft")
    stub.respond(there[NONE], None, status="discarded")
    stub.respond(there[NONE], None)
    found = pulled(url)
    assert [ents(doc) for doc in found.docs] == [[], [("Lund", "ORG")], []]
    assert found.reviewed == 1
    assert found.report["annotators"][0]["name"] == "ann"
    assert found.issues[argilla.SKIPPED] == found.issues[argilla.OTHER_QUESTION] == 1
    assert any("argilla#5729" in note for note in found.notes)


@pytest.mark.parametrize("value", [{"value": None}, {}, []])
def test_argilla_pull_takes_an_answer_without_spans_for_none(server, value):
    stub, url = server
    pushed(url)
    there = keys(stub)
    stub.respond(there[EMOJI], [])
    stub.respond(there[PEOPLE], [])["values"]["spans"] = value
    found = pulled(url)
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs] == [False, True, False]
    assert found.issues[argilla.NO_ANSWER] == 1


def test_argilla_pull_reads_all_pages(server, monkeypatch):
    stub, url = server
    monkeypatch.setattr(argilla, "PAGE", 2)
    docs = [make_doc(f"Ann {number} left.", ("Ann", "PER"), id=str(number)) for number in range(5)]
    pushed(url, docs)
    for key in stub.records:
        stub.respond(key, [])
    assert pulled(url, docs).reviewed == 5


def test_argilla_refuses_what_does_not_fit(server, monkeypatch):
    stub, url = server
    pushed(url)
    with pytest.raises(UserError, match=r"E755.*lacks DRUG"):
        pushed(url, labels=["PER", "DRUG"])
    with pytest.raises(UserError, match="E759"):
        review_status("other", tool="argilla", options={"url": url})
    with pytest.raises(UserError, match=r"E769.*question.*spans"):
        pushed(url, options={"question": "colour"})
    stub.workspaces.append({"id": ANN, "name": "second"})
    with pytest.raises(UserError, match=r"E769.*workspace.*argilla, second"):
        pushed(url, project="letters")
    with pytest.raises(UserError, match="E759"):
        review_status("news", tool="argilla", options={"url": url, "workspace": "second"})
    (dataset,) = stub.datasets.values()
    dataset["status"] = "draft"
    with pytest.raises(UserError, match="E768"):
        pushed(url)
    monkeypatch.setenv("ARGILLA_API_KEY", "wrong")
    with pytest.raises(UserError, match=r"E753.*: Could not validate credentials\. "):
        review_status("news", tool="argilla", options={"url": url})


def test_argilla_leaves_no_draft_where_a_dataset_cannot_be_made(server, monkeypatch):
    stub, url = server
    route = next(key for key in ROUTES if key.startswith("POST") and key.endswith("/questions"))
    monkeypatch.setitem(ROUTES, route, lambda *_: (422, {"detail": "no"}))
    with pytest.raises(UserError, match=r"E754.*422: no"):
        pushed(url)
    assert stub.datasets == {}


def test_argilla_real_server_stores_once_and_gives_back_the_correction(monkeypatch):
    python = os.environ.get("ARGILLA_SERVER")
    if not python:
        pytest.skip("name the Python of an environment with argilla-server as ARGILLA_SERVER")
    monkeypatch.setenv("ARGILLA_API_KEY", KEY)
    with real_argilla(python) as url:
        assert (pushed(url).sent, pushed(url).same) == (3, 3)
        http = httpx.Client(base_url=f"{url}/api/v1", headers={"X-Argilla-Api-Key": KEY})
        (dataset,) = http.get("/me/datasets").json()["items"]
        records = http.get(f"/datasets/{dataset['id']}/records").json()["items"]
        record = next(one for one in records if one["fields"]["text"] == EMOJI)
        answer = {"status": "submitted", "values": {"spans": {"value": [span(EMOJI, "Lund", "ORG")]}}}
        assert http.post(f"/records/{record['id']}/responses", json=answer).status_code == 201
        changed = [make_doc(PEOPLE, ("Bob", "LOC"), id="d-1"), *corpus()[1:]]
        done = pushed(url, changed)
        assert (done.replaced, done.left, done.same) == (1, 1, 1)
        assert [ents(doc) for doc in pulled(url).docs] == [[], [("Lund", "ORG")], []]


@pytest.mark.parametrize("overlapping", [True, False])
def test_argilla_push_again_replaces_nothing_where_it_has_no_place_for_scores_or_overlaps(
    server, overlapping
):
    stub, url = server
    doc = make_doc(PEOPLE, ("Ann Lee", "PER"), id="d-1")
    doc.spans["sc"] = [Span(doc, 0, 1, "PER"), Span(doc, 0, 2, "PER")]
    doc.spans["sc"].attrs["scores"] = [0.9, float("nan")]
    pushed(url, [make_doc(NONE, id="d-0")])
    (question,) = next(iter(stub.questions.values()))
    question["settings"]["allow_overlapping"] = overlapping
    assert pushed(url, [doc]).sent == 1
    done = pushed(url, [doc])
    assert (done.replaced, done.same) == (0, 1)


def test_argilla_guidelines_show_definitions_as_they_are(server):
    stub, url = server
    pushed(
        url,
        labels={"A_B": "Like <Ann> & *not* [x](y)\n# or `<img onerror=z>`", "PER": "", "LOC": "", "ORG": ""},
    )
    (dataset,) = stub.datasets.values()
    assert dataset["guidelines"] == (
        r"- **A\_B**: Like &lt;Ann&gt; &amp; \*not\* \[x\](y) # or \`&lt;img onerror=z&gt;\`"
    )


def test_argilla_says_that_something_else_answers(server, monkeypatch):
    stub, url = server
    answers = [{}, [], None, {"items": None}, {"items": [3]}, {"items": [{}]}]
    monkeypatch.setattr(stub, "answer", lambda *_: (200, answers[0]))
    while answers:
        with pytest.raises(UserError, match="E752"):
            pushed(url)
        answers.pop(0)
