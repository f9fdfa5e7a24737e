"""A server that answers as a real Argilla did, for what reviews ask it; what it answers is held to a recording.

argilla_answers.json has what version 2.8.0 answered to `ask_all`; where ARGILLA_SERVER names one, it is asked again.
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
from uuid import uuid4

import httpx

from tests.servers.real_argilla import KEY

ANSWERS = Path(__file__).with_name("argilla_answers.json")
WHEN = "2026-11-26T20:28:00.169397"
OWNER = "6f647d5e-cfba-4042-a07c-117dd93955e0"
ID = "([0-9a-f-]{36})"
NOWHERE = "00000000-0000-4000-8000-000000000000"


class ArgillaStub:
    """What the server holds, and how it misbehaves.

    cut_after (int): The connection is cut once so many batches were stored, before it is answered; -1 for never.
    """

    def __init__(self) -> None:
        self.users = {OWNER: "argilla"}
        self.workspaces = [{"id": str(uuid4()), "name": "argilla"}]
        self.datasets: dict[str, dict[str, Any]] = {}
        self.questions: dict[str, list[dict[str, Any]]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.cut_after = -1

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """RETURNS (tuple[int, Any]): Status and JSON."""
        for pattern, found in ROUTES.items():
            verb, _, pattern = pattern.partition(" ")
            if verb == method and (match := re.fullmatch(f"/api/v1{pattern}", path)):
                return found(self, query, body, *match.groups())
        return 404, {"detail": "Not Found"}

    def respond(
        self, record: str, spans: Any, status: str = "submitted", user: str = OWNER
    ) -> dict[str, Any]:
        """Answer the span question, as the page does it."""
        values = {"spans": {"value": spans}} if spans is not None else {}
        made = {
            "id": str(uuid4()),
            "values": values,
            "status": status,
            "record_id": record,
            "user_id": user,
            **times(),
        }
        self.records[record]["responses"].append(made)
        return made

    def list_datasets(self, _: Any, __: Any) -> tuple[int, Any]:
        return 200, {"items": list(self.datasets.values())}

    def list_workspaces(self, _: Any, __: Any) -> tuple[int, Any]:
        return 200, {"items": self.workspaces}

    def list_users(self, _: Any, __: Any) -> tuple[int, Any]:
        return 200, {"items": [{"id": user, "username": name} for user, name in self.users.items()]}

    def make_dataset(self, _: Any, body: Any) -> tuple[int, Any]:
        if any(one["name"] == body["name"] for one in self.datasets.values()):
            return 409, {"detail": f"Dataset with name `{body['name']}` already exists for workspace"}
        made = {"id": str(uuid4()), "status": "draft", "metadata": None, **body, **times()}
        self.datasets[made["id"]], self.questions[made["id"]] = made, []
        return 201, made

    def make_field(self, _: Any, body: Any, dataset: str) -> tuple[int, Any]:
        return 201, {"id": str(uuid4()), **body, "dataset_id": dataset}

    def make_question(self, _: Any, body: Any, dataset: str) -> tuple[int, Any]:
        made = {"id": str(uuid4()), "description": None, **body, "dataset_id": dataset}
        self.questions[dataset].append(made)
        return 201, made

    def publish(self, _: Any, __: Any, dataset: str) -> tuple[int, Any]:
        if not any(question["required"] for question in self.questions[dataset]):
            return 422, {"detail": "Dataset cannot be published without required questions"}
        self.datasets[dataset]["status"] = "ready"
        return 200, self.datasets[dataset]

    def delete_dataset(self, _: Any, __: Any, dataset: str) -> tuple[int, Any]:
        return 200, self.datasets.pop(dataset)

    def list_questions(self, _: Any, __: Any, dataset: str) -> tuple[int, Any]:
        if dataset not in self.datasets:
            return 404, {"detail": f"Dataset with id `{dataset}` not found"}
        return 200, {"items": self.questions[dataset]}

    def list_records(self, query: dict[str, str], _: Any, dataset: str) -> tuple[int, Any]:
        every = [one for one in self.records.values() if one["dataset_id"] == dataset]
        begin = int(query["offset"])
        return 200, {"items": every[begin : begin + int(query["limit"])], "total": len(every)}

    def get_record(self, _: Any, __: Any, record: str) -> tuple[int, Any]:
        return 200, self.records[record]

    def store(self, _: Any, body: Any, dataset: str) -> tuple[int, Any]:
        """Make records, or change those that have the same external id; suggestions that aren't sent stay."""
        stored = []
        for row in body["items"]:
            by_name = {
                one["external_id"]: one for one in self.records.values() if one["dataset_id"] == dataset
            }
            made = by_name.get(row["external_id"])
            if made is None:
                made = {
                    "id": str(uuid4()),
                    "status": "pending",
                    "dataset_id": dataset,
                    "responses": [],
                    **times(),
                }
                made |= {"external_id": row["external_id"], "suggestions": []}
                self.records[made["id"]] = made
            made["fields"], made["metadata"] = row["fields"], row.get("metadata") or {}
            for suggestion in row.get("suggestions") or ():
                others = [
                    one for one in made["suggestions"] if one["question_id"] != suggestion["question_id"]
                ]
                made["suggestions"] = [*others, {"id": str(uuid4()), "score": None, **suggestion, **times()}]
            stored.append(made)
        return 200, {"items": stored}

    def delete_records(self, query: dict[str, str], _: Any, __: str) -> tuple[int, Any]:
        for record in query["ids"].split(","):
            del self.records[record]
        return 204, None

    def delete_suggestions(self, query: dict[str, str], _: Any, record: str) -> tuple[int, Any]:
        gone = query["ids"].split(",")
        there = self.records[record]["suggestions"]
        self.records[record]["suggestions"] = [one for one in there if one["id"] not in gone]
        return 204, None

    def make_response(self, _: Any, body: Any, record: str) -> tuple[int, Any]:
        return 201, self.respond(record, (body["values"].get("spans") or {}).get("value"), body["status"])


ROUTES = {
    "GET /me/datasets": ArgillaStub.list_datasets,
    "GET /me/workspaces": ArgillaStub.list_workspaces,
    "GET /users": ArgillaStub.list_users,
    "POST /datasets": ArgillaStub.make_dataset,
    f"DELETE /datasets/{ID}": ArgillaStub.delete_dataset,
    f"POST /datasets/{ID}/fields": ArgillaStub.make_field,
    f"POST /datasets/{ID}/questions": ArgillaStub.make_question,
    f"GET /datasets/{ID}/questions": ArgillaStub.list_questions,
    f"PUT /datasets/{ID}/publish": ArgillaStub.publish,
    f"GET /datasets/{ID}/records": ArgillaStub.list_records,
    f"PUT /datasets/{ID}/records/bulk": ArgillaStub.store,
    f"DELETE /datasets/{ID}/records": ArgillaStub.delete_records,
    f"GET /records/{ID}": ArgillaStub.get_record,
    f"POST /records/{ID}/responses": ArgillaStub.make_response,
    f"DELETE /records/{ID}/suggestions": ArgillaStub.delete_suggestions,
}


def times() -> dict[str, str]:
    return {"inserted_at": WHEN, "updated_at": WHEN}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: ArgillaStub

    def respond(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        self.stub.calls.append(f"{self.command} {parts.path}")
        if self.headers.get("X-Argilla-Api-Key") == KEY:
            status, answer = self.stub.answer(self.command, parts.path, query, body)
        else:
            params = {"detail": "Could not validate credentials"}
            status, answer = (
                401,
                {"detail": {"code": "argilla.api.errors::UnauthorizedError", "params": params}},
            )
        if parts.path.endswith("/bulk") and self.stub.cut_after >= 0:
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

    do_GET = do_POST = do_PUT = do_DELETE = respond

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def argilla_stub() -> Iterator[tuple[ArgillaStub, str]]:
    """Run a server.

    YIELDS (tuple[ArgillaStub, str]): What it holds, and its address.
    """
    stub = ArgillaStub()
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
    http = httpx.Client(base_url=f"{url}/api/v1", headers={"X-Argilla-Api-Key": KEY}, timeout=60)
    found: dict[str, Any] = {}

    def ask(name: str, method: str, path: str, value: Any = None, **more: Any) -> Any:
        reply = http.request(method, path, json=value, **more)
        found[name] = {"status": reply.status_code, "json": reply.json() if reply.content else None}
        return found[name]["json"]

    ask("wrong key", "GET", "/me/datasets", headers={"X-Argilla-Api-Key": "x"})
    workspace = ask("workspaces", "GET", "/me/workspaces")["items"][0]["id"]
    ask("users", "GET", "/users")
    about = {"name": "news", "guidelines": None, "allow_extra_metadata": True, "workspace_id": workspace}
    about |= {"distribution": {"strategy": "overlap", "min_submitted": 1}}
    dataset = ask("make dataset", "POST", "/datasets", about)["id"]
    ask("make it twice", "POST", "/datasets", about)
    text = {
        "name": "text",
        "title": "Text",
        "required": True,
        "settings": {"type": "text", "use_markdown": False},
    }
    ask("make field", "POST", f"/datasets/{dataset}/fields", text)
    ask("publish too early", "PUT", f"/datasets/{dataset}/publish")
    option = {"value": "PER", "text": "PER", "description": None}
    spans = {"type": "span", "field": "text", "options": [option]}
    spans |= {"allow_overlapping": True, "allow_character_annotation": True}
    question = {"name": "spans", "title": "Mark", "required": True, "settings": spans}
    question = ask("make question", "POST", f"/datasets/{dataset}/questions", question)["id"]
    ask("publish", "PUT", f"/datasets/{dataset}/publish")
    ask("datasets", "GET", "/me/datasets")
    ask("questions", "GET", f"/datasets/{dataset}/questions")
    ask("no dataset", "GET", f"/datasets/{NOWHERE}/questions")
    span = {"start": 0, "end": 3, "label": "PER"}
    guess = {"question_id": question, "value": [span], "score": [0.5], "type": "model", "agent": "m"}
    rows = [
        {
            "external_id": "a",
            "fields": {"text": "Ann left."},
            "metadata": {"uncertainty": 0.5},
            "suggestions": [guess],
        },
        {
            "external_id": "b",
            "fields": {"text": "It rains."},
            "suggestions": [{"question_id": question, "value": []}],
        },
        {"external_id": "c", "fields": {"text": "Nothing."}},
    ]
    bulk = f"/datasets/{dataset}/records/bulk"
    records = [one["id"] for one in ask("store", "PUT", bulk, {"items": rows})["items"]]
    every = f"/datasets/{dataset}/records?include=responses&include=suggestions&limit=2&offset="
    ask(
        "answer",
        "POST",
        f"/records/{records[0]}/responses",
        {"status": "submitted", "values": {"spans": {"value": [span]}}},
    )
    ask("discard", "POST", f"/records/{records[1]}/responses", {"status": "discarded", "values": {}})
    ask("records", "GET", f"{every}0")
    ask("last records", "GET", f"{every}2")
    # The same again changes what is there: nothing is twice in a dataset, and a suggestion that isn't sent stays.
    ask("store again", "PUT", bulk, {"items": [{**rows[0], "suggestions": []}]})
    old = ask("record", "GET", f"/records/{records[0]}")["suggestions"][0]["id"]
    ask("no suggestion", "DELETE", f"/records/{records[0]}/suggestions?ids={old}")
    ask("removed", "DELETE", f"/datasets/{dataset}/records?ids={records[1]},{records[2]}")
    ask("what is left", "GET", f"{every}0")
    ask("delete dataset", "DELETE", f"/datasets/{dataset}")
    return found
