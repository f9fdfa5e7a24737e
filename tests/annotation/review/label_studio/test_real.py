"""A real Label Studio and a person at its page: what is corrected there is what comes back; with -m label_studio."""

from itertools import islice

import pytest
from spacy.tokens import Doc, Span

from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.data.records.record import Record, mark_record
from spacy_ner_plus.spans import doc_to_tags
from spacy_ner_plus.workflows.convert import convert
from spacy_ner_plus.workflows.review.gold_review import gold_review
from spacy_ner_plus.workflows.review.pull import review_pull
from spacy_ner_plus.workflows.review.push import review_push
from spacy_ner_plus.workflows.review.status import review_status
from tests.annotation.review.docs import ents, make_doc
from tests.servers.label_studio import EMAIL, PASSWORD, TOKEN
from tests.servers.label_studio_page import label_studio_page

pytestmark = pytest.mark.label_studio
# Of several code points, of two UTF-16 units, and line ends of one character and of two.
EMOJI = "🚀🚀 Rosa Quint moved\nto Lund 😀 with Bob\r\nLee. 👩‍👩‍👧 Eve left."
LABELS = {"PER": "Names of people.", "LOC": "Places.", "ORG": "Companies & such.", "MISC": "All other names."}
OPTIONS = {"token_env": "TEST_LABEL_STUDIO_TOKEN"}


@pytest.fixture
def url(label_studio_running, monkeypatch):
    monkeypatch.setenv(OPTIONS["token_env"], TOKEN)
    return str(label_studio_running.http.base_url).rstrip("/")


def predicted(gold: Doc, number: int) -> Doc:
    """A prediction that is right but for the first document's first entity, which has another label and loses a
    token, if it has two."""
    spans = list(gold.ents)
    if number == 0:
        wrong = spans[0]
        end = wrong.end - 1 if len(wrong) > 1 else wrong.end
        spans[0] = Span(gold, wrong.start, end, "MISC" if wrong.label_ != "MISC" else "ORG")
    doc = Doc(
        gold.vocab, words=[token.text for token in gold], spaces=[bool(token.whitespace_) for token in gold]
    )
    doc.set_ents([Span(doc, span.start, span.end, span.label) for span in spans], default="outside")
    return mark_record(Record(doc, "conllpp", f"test-{number}"), None).doc


def test_review_of_100_documents_in_the_real_page(label_studio_running, url, data_dir, chromium):
    golds = list(islice(convert(data_dir / "conllpp" / "test.txt").parts[""], 100))
    docs = [predicted(gold, number) for number, gold in enumerate(golds)]
    docs.append(make_doc(EMOJI, ("Rosa", "LOC"), ("Lund", "LOC"), id="emoji"))
    about = {"tool": "label-studio", "options": {"url": url, **OPTIONS}}
    pushed = review_push(docs, "CoNLL++", labels=LABELS, **about)
    assert pushed.sent == 101
    assert review_push(docs, "CoNLL++", labels=LABELS, **about).same == 101
    http = label_studio_running.http
    (project,) = [one for one in http.get("/api/projects/").json()["results"] if one["title"] == "CoNLL++"]
    listed = http.get("/api/tasks/", params={"project": project["id"], "page_size": 200, "fields": "all"})
    numbers = {task["data"]["spacy_ner_plus_id"]: task["id"] for task in listed.json()["tasks"]}
    right, wrong = golds[0].ents[0], docs[0].ents[0]
    keys = {"PER": "p", "LOC": "l", "ORG": "o", "MISC": "m"}

    def submitted(name):
        return lambda: bool(http.get(f"/api/tasks/{numbers[name]}/").json()["annotations"])

    with label_studio_page(chromium, url, EMAIL, PASSWORD) as page:
        page.open(project["id"], numbers["test-0"], wrong.text)
        page.remove(wrong.text)
        page.mark(keys[right.label_], right[0].text, right[-1].text)
        page.submit(submitted("test-0"))
        page.open(project["id"], numbers["emoji"], "Rosa")
        page.remove("Rosa")
        page.mark("p", "Rosa", "Quint")
        page.mark("p", "Bob", "Lee")
        page.mark("p", "Eve", "Eve")
        page.submit(submitted("emoji"))
    assert review_push(docs, "CoNLL++", labels=LABELS, **about).left == 2
    found = review_pull(docs, "CoNLL++", resamples=0, **about)
    assert not len(found.issues)
    assert found.reviewed == 2
    assert doc_to_tags(found.docs[0]) == doc_to_tags(golds[0])
    assert ents(found.docs[-1]) == [
        ("Rosa Quint", "PER"),
        ("Lund", "LOC"),
        ("Bob\r\nLee", "PER"),
        ("Eve", "PER"),
    ]
    assert all(not doc.has_annotation("ENT_IOB") for doc in found.docs[1:-1])
    review = found.docs[-1].user_data["record"]["meta"]["review"]
    assert review["annotator"] == EMAIL
    assert review["seconds"] > 0
    assert review["submitted"].startswith("20")
    status = review_status("CoNLL++", **about)
    assert (status.tasks, status.submitted, status.labels) == (101, 2, tuple(LABELS))


def test_review_of_tasks_for_two_people_with_drafts_and_skipped_ones(label_studio_running, url):
    docs = [make_doc(f"Ann {number} left Oslo.", ("Ann", "PER"), id=str(number)) for number in range(10)]
    about = {"tool": "label-studio", "options": {"url": url, **OPTIONS}}
    review_push(docs, "Two of them", labels=LABELS, twice=0.3, **about)
    http = label_studio_running.http
    (project,) = [
        one for one in http.get("/api/projects/").json()["results"] if one["title"] == "Two of them"
    ]
    tasks = http.get(
        "/api/tasks/", params={"project": project["id"], "page_size": 50, "fields": "all"}
    ).json()["tasks"]
    assert sorted(task["overlap"] for task in tasks) == [1] * 7 + [2] * 3
    assert [task["data"]["spacy_ner_plus_id"] for task in tasks] == [str(number) for number in range(10)]
    numbers = [task["id"] for task in tasks]
    server = label_studio_running
    server.post(f"/api/tasks/{numbers[0]}/annotations/", {"result": [], "was_cancelled": True})
    server.post(f"/api/tasks/{numbers[1]}/drafts?project={project['id']}", {"result": [], "lead_time": 1})
    server.post(f"/api/tasks/{numbers[2]}/annotations/", {"result": [], "lead_time": 2})
    again = [make_doc(doc.text, ("Oslo", "LOC"), id=str(i)) for i, doc in enumerate(docs)]
    done = review_push(again, "Two of them", labels=LABELS, **about)
    assert (done.replaced, done.left) == (7, 3)
    again[5] = make_doc("Another text.", id="5")
    assert review_push(again, "Two of them", labels=LABELS, **about).replaced == 1
    done = review_push(again, "Two of them", labels=LABELS, **about)
    assert (done.same, done.left, done.sent) == (7, 3, 0)
    found = review_pull(docs, "Two of them", resamples=0, **about)
    assert [doc.has_annotation("ENT_IOB") for doc in found.docs[:4]] == [False, False, True, False]
    assert found.docs[2].user_data["record"]["meta"]["review"]["seconds"] == 2


def test_gold_stands_for_a_person(label_studio_running, url, tmp_path):
    predicted, gold = tmp_path / "predicted.spacy", tmp_path / "gold.spacy"
    save_docs([make_doc(EMOJI, ("Rosa", "LOC")), make_doc("Bob left.")], predicted)
    save_docs([make_doc(EMOJI, ("Rosa Quint", "PER")), make_doc("Bob left.", ("Bob", "PER"))], gold)
    found = gold_review(
        predicted,
        gold,
        tmp_path / "reviewed.spacy",
        reviewer="label-studio",
        labels=LABELS,
        options={"url": url, **OPTIONS},
    )
    assert [ents(doc) for doc in found.docs] == [[("Rosa Quint", "PER")], [("Bob", "PER")]]


def test_review_with_a_personal_access_token(label_studio_running, url, monkeypatch):
    token = label_studio_running.post("/api/token/", {})["token"]
    monkeypatch.setenv(OPTIONS["token_env"], token)
    about = {"tool": "label-studio", "options": {"url": url, **OPTIONS}}
    assert review_push([make_doc("Ann left.", ("Ann", "PER"))], "Personal", **about).sent == 1
