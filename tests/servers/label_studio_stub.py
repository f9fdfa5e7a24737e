"""A server that answers as a real Label Studio did, for what reviews ask it; what it answers is held to a recording.

label_studio_answers.json has what version 1.23.2 answered to `ask_all`; with -m label_studio it is asked again.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx

TOKEN = "0123456789abcdef0123456789abcdef01234567"
ANSWERS = Path(__file__).with_name("label_studio_answers.json")
WHEN = "2026-11-26T19:56:32.547852Z"
PEOPLE = {1: "ann@example.com", 2: "bob@example.com"}
# Fields of which nothing is asked, as the recording has them.
PROJECT = {"description": "", "color": "#FFFFFF", "model_version": "", "show_overlap_first": False}
INTERFACE = (
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)


class Stub:
    """What the server holds, and how it misbehaves.

    cut_after (int): The connection is cut once so many batches were stored, before it is answered; -1 for never.
    """

    def __init__(self) -> None:
        self.projects: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.drafts: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.cut_after = -1
        self.busy = 0
        self.number = 0
        self.lock = threading.Lock()

    def next(self) -> int:
        self.number += 1
        return self.number

    def annotate(self, task: int, result: list[dict[str, Any]], by: int = 1, **about: Any) -> dict[str, Any]:
        """Submit an annotation, as the page does it."""
        made = {
            "id": self.next(),
            "result": result,
            "completed_by": by,
            "was_cancelled": False,
            "ground_truth": False,
            "created_at": WHEN,
            "updated_at": WHEN,
            "lead_time": None,
            "task": task,
            "parent_prediction": None,
            **about,
        }
        self.tasks[task]["annotations"].append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """RETURNS (tuple[int, Any]): Status and JSON."""
        for pattern, found in ROUTES.items():
            verb, _, pattern = pattern.partition(" ")
            if verb == method and (match := re.fullmatch(pattern, path)):
                return found(self, query, body, *map(int, match.groups()))
        return 404, None

    def list_projects(self, query: dict[str, str], _: Any) -> tuple[int, Any]:
        size, page = int(query.get("page_size", 30)), int(query.get("page", 1))
        every = [{"id": one["id"], "title": one["title"]} for one in self.projects.values()]
        more = "http://next" if len(every) > page * size else None
        shown = every[(page - 1) * size : page * size]
        return 200, {"count": len(every), "next": more, "previous": None, "results": shown}

    def make_project(self, _: dict[str, str], body: Any) -> tuple[int, Any]:
        if not 3 <= len(body["title"]) <= 50:
            message = "Ensure this field has no more than 50 characters."
            return error(400, "Validation error", {"title": [message]})
        number = self.next()
        made = {"id": number, **PROJECT, **body, "created_at": WHEN}
        made["parsed_label_config"] = parse(body["label_config"])
        self.projects[number] = made
        return 201, made

    def get_project(self, _: dict[str, str], __: Any, number: int) -> tuple[int, Any]:
        if number not in self.projects:
            return error(404, "No Project matches the given query.")
        return 200, self.projects[number]

    def patch_project(self, query: dict[str, str], body: Any, number: int) -> tuple[int, Any]:
        self.projects[number] |= body
        return self.get_project(query, None, number)

    def import_tasks(self, _: dict[str, str], body: Any, number: int) -> tuple[int, Any]:
        made = []
        for row in body:
            task = self.next()
            made.append(task)
            self.tasks[task] = {
                "id": task,
                "project": number,
                "data": row["data"],
                "meta": row.get("meta", {}),
                "annotations": [],
                "drafts": [],
                "predictions": [self.prediction(task, one) for one in row.get("predictions", ())],
                "overlap": 1,
            }
        return 201, {
            "task_count": len(body),
            "annotation_count": 0,
            "prediction_count": sum(len(row.get("predictions", ())) for row in body),
            "duration": 0.3,
            "file_upload_ids": [],
            "could_be_tasks_list": False,
            "found_formats": [],
            "data_columns": [],
            "task_ids": made,
        }

    def prediction(self, task: int, row: dict[str, Any]) -> dict[str, Any]:
        known = {"result": row["result"], "model_version": row.get("model_version", "undefined")}
        return {"id": self.next(), **known, "score": row.get("score"), "task": task}

    def list_tasks(self, query: dict[str, str], _: Any) -> tuple[int, Any]:
        number, page, size = (int(query[key]) for key in ("project", "page", "page_size"))
        if number not in self.projects:
            return error(404, "No Project matches the given query.")
        every = [task for task in self.tasks.values() if task["project"] == number]
        shown = every[(page - 1) * size : page * size]
        if not shown and page > 1:
            return error(404, "Invalid page.")
        return 200, {
            "total_annotations": sum(
                not one["was_cancelled"] for task in every for one in task["annotations"]
            ),
            "total_predictions": sum(len(task["predictions"]) for task in every),
            "total": len(every),
            "tasks": shown,
        }

    def get_task(self, _: dict[str, str], __: Any, number: int) -> tuple[int, Any]:
        if number not in self.tasks:
            return error(404, "No Task matches.")
        task = self.tasks[number]
        # Here users are described, and in lists they are numbers.
        annotations = [
            one | {"completed_by": {"id": one["completed_by"], "email": PEOPLE[one["completed_by"]]}}
            for one in task["annotations"]
        ]
        return 200, task | {"annotations": annotations}

    def patch_task(self, query: dict[str, str], body: Any, number: int) -> tuple[int, Any]:
        self.tasks[number] |= body
        status, found = self.get_task(query, None, number)
        return status, {key: value for key, value in found.items() if key != "drafts"}

    def annotate_task(self, _: dict[str, str], body: Any, number: int) -> tuple[int, Any]:
        return 201, self.annotate(number, **body)

    def draft_task(self, _: dict[str, str], body: Any, number: int) -> tuple[int, Any]:
        made = {"id": self.next(), "user": PEOPLE[1], "was_postponed": False, "task": number, **body}
        self.tasks[number]["drafts"].append(made)
        return 201, made

    def import_predictions(self, _: dict[str, str], body: Any, __: int) -> tuple[int, Any]:
        for row in body:
            self.tasks[row["task"]]["predictions"].append(self.prediction(row["task"], row))
        return 201, {"created": len(body)}

    def act(self, query: dict[str, str], body: Any) -> tuple[int, Any]:
        chosen = body["selectedItems"]["included"]
        if query["id"] == "delete_tasks":
            for number in chosen:
                del self.tasks[number]
            return 200, {
                "processed_items": len(chosen),
                "reload": False,
                "detail": f"Deleted {len(chosen)} tasks",
            }
        count = sum(len(self.tasks[number]["predictions"]) for number in chosen)
        for number in chosen:
            self.tasks[number]["predictions"] = []
        return 200, {"processed_items": count, "detail": f"Deleted {count} predictions"}

    def list_users(self, _: dict[str, str], __: Any) -> tuple[int, Any]:
        return 200, [{"id": number, "email": email} for number, email in PEOPLE.items()]


ROUTES = {
    r"GET /api/projects/": Stub.list_projects,
    r"POST /api/projects/": Stub.make_project,
    r"GET /api/projects/(\d+)/": Stub.get_project,
    r"PATCH /api/projects/(\d+)/": Stub.patch_project,
    r"POST /api/projects/(\d+)/import": Stub.import_tasks,
    r"POST /api/projects/(\d+)/import/predictions": Stub.import_predictions,
    r"GET /api/tasks/": Stub.list_tasks,
    r"GET /api/tasks/(\d+)/": Stub.get_task,
    r"PATCH /api/tasks/(\d+)/": Stub.patch_task,
    r"POST /api/tasks/(\d+)/annotations/": Stub.annotate_task,
    r"POST /api/tasks/(\d+)/drafts": Stub.draft_task,
    r"POST /api/dm/actions": Stub.act,
    r"GET /api/users/": Stub.list_users,
}


def error(status: int, detail: str, validation: Any = None) -> tuple[int, Any]:
    said = {"id": "0", "status_code": status, "version": "1.23.2", "detail": detail, "exc_info": None}
    return status, said | ({"validation_errors": validation} if validation else {})


def parse(config: str) -> dict[str, Any]:
    """Describe a labelling interface as the server does."""
    root = ElementTree.fromstring(config)
    objects = {one.get("name"): one for one in root.iter() if one.tag == "Text"}
    found = {}
    for tag in root.iter():
        if tag.get("toName"):
            values = {one.get("value"): dict(one.attrib) for one in tag}
            text = objects[tag.get("toName")]
            inputs = [{"type": "Text", "valueType": None, "value": text.get("value").removeprefix("$")}]
            known = {"type": tag.tag, "to_name": [tag.get("toName")], "inputs": inputs}
            found[tag.get("name")] = known | {"labels": list(values), "labels_attrs": values}
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def respond(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        with self.stub.lock:
            self.stub.calls.append(f"{self.command} {parts.path}")
            if self.stub.busy:
                self.stub.busy -= 1
                status, answer = 503, None
            elif not self.headers.get("Authorization"):
                status, answer = error(401, "Authentication credentials were not provided.")
            elif self.headers["Authorization"] not in (f"Token {TOKEN}", "Bearer short"):
                status, answer = error(401, "Invalid token.")
            else:
                status, answer = self.stub.answer(self.command, parts.path, query, body)
            if parts.path.endswith("/import") and self.stub.cut_after >= 0:
                self.stub.cut_after -= 1
                if self.stub.cut_after < 0:
                    self.close_connection = True
                    self.connection.close()
                    return
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = respond

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def label_studio_stub() -> Iterator[tuple[Stub, str]]:
    """Run a server.

    YIELDS (tuple[Stub, str]): What it holds, and its address.
    """
    stub = Stub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("StubHandler", (Handler,), {"stub": stub}))
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def ask_all(url: str) -> dict[str, Any]:
    """Ask a server, real or not, for all that reviews ask.

    RETURNS (dict[str, Any]): Status and JSON of each answer, by what was asked.
    """
    http = httpx.Client(base_url=url, headers={"Authorization": f"Token {TOKEN}"}, timeout=60)
    found: dict[str, Any] = {}

    def ask(name: str, method: str, path: str, value: Any = None, **more: Any) -> Any:
        reply = http.request(method, path, json=value, **more)
        found[name] = {
            "status": reply.status_code,
            "json": reply.json() if reply.content[:1] in b"[{" else None,
        }
        return found[name]["json"]

    region = {
        "id": "p0",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]},
        "score": 0.5,
    }
    guess = {"model_version": "m1", "score": 0.25, "result": [region]}
    about = {"maximum_annotations": 2, "overlap_cohort_percentage": 50, "sampling": "Sequential sampling"}
    ask("wrong token", "GET", "/api/projects/", headers={"Authorization": f"Token {'f' * 40}"})
    ask("long title", "POST", "/api/projects/", {"title": "x" * 51, "label_config": INTERFACE})
    project = ask(
        "make project", "POST", "/api/projects/", {"title": "abc", "label_config": INTERFACE, **about}
    )["id"]
    ask("list projects", "GET", "/api/projects/?page=1&page_size=100&include=id,title")
    ask("get project", "GET", f"/api/projects/{project}/")
    ask("no project", "GET", "/api/projects/9999/")
    ask("patch project", "PATCH", f"/api/projects/{project}/", {"overlap_cohort_percentage": 30})
    rows = [{"data": {"text": "Ann left.", "spacy_ner_plus_id": "d-1"}, "predictions": [guess]}]
    rows += [{"data": {"text": "It rains."}, "predictions": [{"result": []}]}, {"data": {"text": "None."}}]
    tasks = ask("import", "POST", f"/api/projects/{project}/import?return_task_ids=true", rows)["task_ids"]
    ask("annotate", "POST", f"/api/tasks/{tasks[0]}/annotations/", {"result": [region], "lead_time": 2.5})
    ask("skip", "POST", f"/api/tasks/{tasks[1]}/annotations/", {"result": [], "was_cancelled": True})
    ask(
        "draft",
        "POST",
        f"/api/tasks/{tasks[2]}/drafts?project={project}",
        {"result": [region], "lead_time": 1},
    )
    paging = f"project={project}&page_size=2&fields=all&resolve_uri=false"
    for page in (1, 2, 3):
        ask(f"list tasks, page {page}", "GET", f"/api/tasks/?{paging}&page={page}")
    ask("list tasks of no project", "GET", "/api/tasks/?project=9999&page_size=2&fields=all&page=1")
    ask("get task", "GET", f"/api/tasks/{tasks[2]}/")
    ask("patch task", "PATCH", f"/api/tasks/{tasks[2]}/", {"data": {"text": "Some."}})
    chosen = {"selectedItems": {"all": False, "included": [tasks[0]]}}
    actions = f"/api/dm/actions?project={project}&id="
    ask("delete predictions", "POST", f"{actions}delete_tasks_predictions", chosen)
    path = f"/api/projects/{project}/import/predictions"
    ask("import predictions", "POST", path, [{"task": tasks[0], **guess}])
    ask("get task again", "GET", f"/api/tasks/{tasks[0]}/")
    ask("delete tasks", "POST", f"{actions}delete_tasks", chosen)
    ask("users", "GET", "/api/users/")
    return found
