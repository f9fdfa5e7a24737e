"""A server of files and batches, as OpenAI documents them: https://platform.openai.com/docs/api-reference/batch

It answers when a test says so, with the rule of known_answers.py, and goes wrong as it is told to.
"""

import email.parser
import email.policy
import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.known_answers import answer, answer_about_one, asked_text

_PAGE = 2


@dataclass
class BatchServer:
    """A server in threads of this process.

    api_key (str): What has to be given as a bearer; '' for none.
    faults (dict[str, list]): By 'POST /v1/batches' and the like, what the next calls get: a status, 'drop' for no
        answer and nothing done, 'lost' for no answer although it is done, 'half' for half an answer, '' for what is
        right.
    spoil (Callable): From the text of a request to the message of its reply, or to an error line; None for what
        is right.
    has_list (bool): Whether it lists its batches.
    is_late (int): How often it doesn't know a file yet.
    """

    purpose = "batch"
    api_key: str = ""
    faults: dict[str, list[Any]] = field(default_factory=dict)
    spoil: Callable[[str], dict[str, Any] | None] = lambda text: None
    has_list: bool = True
    is_late: int = 0

    def __post_init__(self) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> "BatchServer":
        handler = type("Handler", (_Handler,), {"state": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    def requests(self, id: str) -> list[dict[str, Any]]:
        """RETURNS (list[dict[str, Any]]): The lines of a batch's input file."""
        return [json.loads(line) for line in self.files[self.batches[id]["input_file_id"]][1].splitlines()]

    def end(
        self, status: str = "completed", *, most: int | None = None, extra: tuple[bytes, ...] = ()
    ) -> None:
        """Answer all batches.

        most (int | None): How many requests are answered before a batch expires or is cancelled.
        extra (tuple[bytes]): Further lines of the output file.
        """
        for id, batch in self.batches.items():
            if batch["status"] != "in_progress":
                continue
            output, errors = [], []
            for number, request in enumerate(self.requests(id)):
                done = most is None or number < most
                line = self._line(request, status) if done else _waiting(request, status)
                (errors if line["error"] or line["response"]["status_code"] != 200 else output).append(line)
            # In no order, as is documented.
            random.Random(0).shuffle(output)
            batch["status"] = status
            batch["request_counts"] |= {
                "total": len(output) + len(errors),
                "completed": len(output),
                "failed": len(errors),
            }
            lines = [json.dumps(line).encode() for line in output] + list(extra)
            batch["output_file_id"] = self._add_file("output", lines)
            batch["error_file_id"] = self._add_file("errors", [json.dumps(line).encode() for line in errors])

    def _line(self, request: dict[str, Any], status: str) -> dict[str, Any]:
        body = request["body"]
        spoiled = self.spoil(asked_text(body["messages"])) or {}
        if "error" in spoiled:
            response = {
                "status_code": spoiled.get("status", 400),
                "request_id": "r",
                "body": {"error": spoiled["error"]},
            }
            return {
                "id": "batch_req_1",
                "custom_id": request["custom_id"],
                "response": response,
                "error": None,
            }
        schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
        content = answer_about_one(body["messages"]) or answer(asked_text(body["messages"]), schema)
        message = {"role": "assistant", "content": spoiled.get("content", content)}
        if "refusal" in spoiled:
            message["refusal"] = spoiled["refusal"]
        choice = {"index": 0, "message": message, "finish_reason": spoiled.get("finish_reason", "stop")}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        completion = {
            "object": "chat.completion",
            "model": body["model"],
            "choices": [choice],
            "usage": usage,
        }
        response = {"status_code": 200, "request_id": "r", "body": completion}
        return {"id": "batch_req_1", "custom_id": request["custom_id"], "response": response, "error": None}

    def _add_file(self, name: str, lines: list[bytes]) -> str | None:
        if not lines:
            return None
        id = f"file-{len(self.files)}"
        self.files[id] = (name, b"".join(line + b"\n" for line in lines))
        return id

    def upload(self, name: str, content: bytes, purpose: str) -> tuple[int, dict[str, Any]]:
        if purpose != self.purpose:
            return 400, error(f"purpose {purpose}")
        id = f"file-{len(self.files)}"
        self.files[id] = (name, content)
        return 200, {"id": id, "object": "file", "bytes": len(content), "filename": name, "purpose": purpose}

    def answer_others(self, call: tuple[str, ...], query: dict[str, list[str]], body: bytes) -> Any:
        """RETURNS (tuple[int, Any]): Status and answer to what is neither about files nor about batches."""
        return 404, error("no such thing")

    def create(self, wanted: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.is_late -= 1
        if wanted["input_file_id"] not in self.files or self.is_late >= 0:
            return 400, error(f"Cannot find file {wanted['input_file_id']}")
        id = f"batch_{len(self.batches)}"
        self.batches[id] = {
            "id": id,
            "object": "batch",
            "status": "in_progress",
            "errors": None,
            "output_file_id": None,
            "error_file_id": None,
            "created_at": int(time.time()),
            "expires_at": int(time.time()) + 86_400,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            **wanted,
        }
        return 200, self.batches[id]

    def list(self, after: str) -> dict[str, Any]:
        newest = list(self.batches.values())[::-1]
        begin = next((number + 1 for number, batch in enumerate(newest) if batch["id"] == after), 0)
        page = newest[begin : begin + _PAGE]
        return {"object": "list", "data": page, "has_more": begin + _PAGE < len(newest)}


class _Handler(BaseHTTPRequestHandler):
    state: BatchServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._take(b"")

    def do_POST(self) -> None:
        self._take(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *arguments: Any) -> None:
        pass

    def _take(self, body: bytes) -> None:
        state, url = self.state, urlsplit(self.path)
        with state.lock:
            call = f"{self.command} {url.path}"
            state.calls.append(call)
            state.keys.append(self.headers.get("Authorization", ""))
            waiting = state.faults.get(call) or state.faults.get(self.command)
            fault = waiting.pop(0) if waiting else ""
            if isinstance(fault, int):
                self._answer(fault, json.dumps(error("try again")).encode(), "Retry-After: 0")
                return
            if fault == "drop":
                self.close_connection = True
                return
            status, content = self._content(url.path, parse_qs(url.query), body)
        if fault == "lost":
            self.close_connection = True
        else:
            more = f"Location: {content.decode()}" if status == 302 else ""
            self._answer(status, content, more, half=fault == "half")

    def _content(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, bytes]:
        state = self.state
        if state.api_key and self.headers.get("Authorization") != f"Bearer {state.api_key}":
            return 401, json.dumps(error(f"Incorrect key: {self.headers.get('Authorization')}")).encode()
        parts = deque(path.removeprefix("/v1/").split("/"))
        match (self.command, *parts):
            case ("POST", "files"):
                status, reply = state.upload(*_form(self.headers["Content-Type"], body))
            case ("GET", "files", id, "content") if id in state.files:
                return 302 if state.files[id][0] == "elsewhere" else 200, state.files[id][1]
            case ("POST", "batches"):
                status, reply = state.create(json.loads(body))
            case ("GET", "batches") if state.has_list:
                status, reply = 200, state.list(query.get("after", [""])[0])
            case ("GET", "batches", id) if id in state.batches:
                status, reply = 200, state.batches[id]
            case call:
                status, reply = state.answer_others(tuple(call), query, body)
        return status, json.dumps(reply).encode()

    def _answer(self, status: int, content: bytes, more: str = "", *, half: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if more:
            self.send_header(*more.split(": "))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if half else content)
        self.close_connection = half


def _form(kind: str, body: bytes) -> tuple[str, bytes, str]:
    """RETURNS (tuple[str, bytes, str]): The name and content of the file in a form, and what it is for."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    purpose = parts["purpose"].get_payload().strip()
    return parts["file"].get_filename(), parts["file"].get_payload(decode=True), purpose


def _waiting(request: dict[str, Any], status: str) -> dict[str, Any]:
    error = {"code": f"batch_{status}", "message": "This request could not be executed before that."}
    return {"id": "batch_req_2", "custom_id": request["custom_id"], "response": None, "error": error}


def error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
