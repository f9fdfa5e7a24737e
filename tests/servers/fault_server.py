"""An OpenAI-compatible server that does what servers do wrong, and says in its log what it did.

    python -m tests.servers.fault_server --port 0 --delay 0.2 --fault-rate 0.3 --seed 1 --log requests.jsonl

It prints its port. A request's fault depends on the seed, its messages and which attempt it is, not on
the order of arrival. What is right for a text is in known_answers.py.
"""

import argparse
import asyncio
import hashlib
import json
import random
import ssl
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.servers.behaviour import STATUS_FAULTS, Behaviour, ramble, spoil
from tests.servers.known_answers import answer, answer_about_one, asked_text, form_of
from tests.servers.known_records import write_records

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass
class FaultServer:
    """A server in a thread of this process.

    behaviour (Behaviour): How it behaves.
    log (Path | None): A file that gets each request as a line of JSON.
    port (int): Its port; 0 takes a free one.
    tls (ssl.SSLContext | None): With its certificate, to speak HTTPS.
    """

    behaviour: Behaviour = field(default_factory=Behaviour)
    log: Path | None = None
    port: int = 0
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.attempts: Counter[str] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        self.connections: set[asyncio.Transport] = set()
        self.waiting: deque[tuple[asyncio.Transport, float, Callable[[], None]]] = deque()
        self.busy = 0
        self._window = (-1e9, 0)
        self._file = self.log.open("a", buffering=1, encoding="utf8") if self.log else None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> "FaultServer":
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self.listen(self._loop))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._loop.close()
        if self._file:
            self._file.close()

    def _stop(self) -> None:
        self._server.close()
        for transport in self.connections:
            transport.abort()
        self._loop.call_soon(self._loop.stop)

    async def listen(self, loop: asyncio.AbstractEventLoop) -> asyncio.Server:
        """Begin to listen; `port` is the port then."""
        server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, backlog=512, ssl=self.tls
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    def seconds_over_limit(self) -> float:
        """Count a request. RETURNS (float): Seconds until the next one is answered; 0 for this one."""
        now, window = time.time(), self.behaviour.window
        began, count = self._window
        self._window = (now, 1) if now - began > window else (began, count + 1)
        return self._window[0] + window - now if self._window[1] > self.behaviour.limit else 0.0

    def work(self, transport: asyncio.Transport, seconds: float, answer: Callable[[], None]) -> None:
        """Answer after some seconds, in a slot if there are any. Whoever has gone gets no slot."""
        loop = asyncio.get_running_loop()
        if not self.behaviour.slots:
            loop.call_later(seconds, answer)
            return
        self.waiting.append((transport, seconds, answer))
        self._fill_slots(loop)

    def _fill_slots(self, loop: asyncio.AbstractEventLoop) -> None:
        while self.waiting and self.busy < self.behaviour.slots:
            transport, seconds, answer = self.waiting.popleft()
            if transport.is_closing():
                self.in_flight -= 1
                continue
            self.busy += 1
            loop.call_later(seconds, self._free_slot, loop, answer)

    def _free_slot(self, loop: asyncio.AbstractEventLoop, answer: Callable[[], None]) -> None:
        self.busy -= 1
        answer()
        self._fill_slots(loop)

    def note(self, entry: dict[str, Any]) -> None:
        """Write down a request when it is answered."""
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
        else:
            self.requests.append(entry)


class _Connection(asyncio.Protocol):
    def __init__(self, server: FaultServer):
        self._server = server
        self._behaviour = server.behaviour
        self._buffer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._server.connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        # Whole URLs come from clients that take it for a proxy.
        self._take(urlsplit(lines[0].split(" ")[1]).path, headers, rest[:length])

    def _take(self, path: str, headers: dict[str, str], data: bytes) -> None:
        server, behaviour = self._server, self._behaviour
        body = json.loads(data) if data else {}
        messages = body.get("messages", [])
        digest = digest_of(messages)
        attempt = server.attempts[digest]
        server.attempts[digest] += 1
        number = server.attempts.total() - 1 if behaviour.first else 0
        chance = random.Random(f"{behaviour.seed} {digest} {attempt}")
        fault = chance.choice(behaviour.faults) if chance.random() < behaviour.fault_rate else ""
        if number < len(behaviour.first):
            fault = behaviour.first[number]
        entry = {
            "time": time.time(),
            "digest": digest,
            "attempt": attempt,
            "fault": fault,
            "mode": _mode(body),
        }
        server.in_flight += 1
        server.most_in_flight = max(server.most_in_flight, server.in_flight)
        delay = behaviour.delay + (chance.random() * behaviour.jitter if behaviour.jitter else 0)
        if fault == "hang":
            delay = behaviour.hang
        status, reply, more = self._answer(path, headers, body, messages, fault)
        entry["status"] = status
        entry["answer"] = reply["choices"][0]["message"] if status == 200 else None
        server.work(self._transport, delay, lambda: self._send(entry, status, reply, more))

    def _answer(
        self, path: str, headers: dict[str, str], body: dict[str, Any], messages: list, fault: str
    ) -> tuple[int, dict[str, Any], str]:
        behaviour = self._behaviour
        if behaviour.api_key and headers.get("authorization") != f"Bearer {behaviour.api_key}":
            # As some servers do, which put the key that they got into the message.
            return 401, _error(f"Incorrect API key: {headers.get('authorization', '')}", "api_key"), ""
        if not path.startswith("/v1/chat/completions"):
            return 404, _error("not found", None), ""
        if behaviour.model and body.get("model") != behaviour.model:
            return 404, _error(f"The model '{body.get('model')}' does not exist", "model"), ""
        if body and any(word in asked_text(messages) for word in behaviour.refuse_texts):
            return behaviour.refuse_status, _error(behaviour.refuse_message, None), ""
        if "system" in behaviour.refuse and messages and messages[0]["role"] == "system":
            return 400, _error("System role not supported", None), ""
        for name in _fields(body):
            if name in behaviour.refuse:
                named = name if name in body else "response_format"
                instead = ". Use 'max_completion_tokens' instead" if name == "max_tokens" else ""
                return (
                    400,
                    _error(
                        f"'{named}' of type {name} is not supported{instead}",
                        named if behaviour.refuse_param else None,
                    ),
                    "",
                )
        if fault in STATUS_FAULTS:
            wait = behaviour.retry_after
            more = {
                "429": f"Retry-After: {wait}",
                "429-date": f"Retry-After: {formatdate(time.time(), usegmt=True)}",
            }
            return int(fault[:3]), _error("try again", None), more.get(fault, "")
        if behaviour.limit and (seconds := self._server.seconds_over_limit()):
            return 429, *_limit(seconds, behaviour.limit_header)
        as_json = _mode(body) == "json_object" and "json_object" not in behaviour.ignore
        content = (
            answer_about_one(messages)
            or write_records(messages)
            or answer(asked_text(messages), self._schema(body), as_json=as_json, form=form_of(messages))
        )
        content = ramble(behaviour.ramble) if behaviour.ramble else content
        most = 4 * int(body.get("max_tokens") or 0)
        if behaviour.cuts and 0 < most < len(content):
            content, fault = content[:most], fault or "cut-at-limit"
        return 200, self._completion(body, messages, spoil(content, fault), fault), ""

    def _schema(self, body: dict[str, Any]) -> dict[str, Any] | None:
        kind = (body.get("response_format") or {}).get("type")
        if kind == "json_schema" and kind not in self._behaviour.ignore:
            return body["response_format"]["json_schema"]["schema"]
        if body.get("tools") and "tools" not in self._behaviour.ignore:
            return body["tools"][0]["function"]["parameters"]
        return None

    def _completion(self, body: dict[str, Any], messages: list, content: str, fault: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if body.get("tools") and "tools" not in self._behaviour.ignore:
            call = {"name": body["tools"][0]["function"]["name"], "arguments": content}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"type": "function", "function": call}],
            }
        finish = {"length": "length", "cut-at-limit": "length", "upstream": "error"}.get(fault, "stop")
        finish = self._behaviour.finish_reason or finish
        choice = {"index": 0, "message": message, "finish_reason": finish}
        if body.get("logprobs"):
            pieces = [content[i : i + 4] for i in range(0, len(content), 4)]
            choice["logprobs"] = {"content": [{"token": piece, "logprob": -0.25} for piece in pieces]}
        reply = {"id": "1", "object": "chat.completion", "model": body.get("model"), "choices": [choice]}
        if self._behaviour.usage:
            prompt = sum(len(message["content"]) for message in messages) // 4
            prompt = min(prompt, self._behaviour.reads or prompt)
            reply["usage"] = {
                "prompt_tokens": prompt,
                "completion_tokens": len(content) // 4,
                "prompt_tokens_details": {"cached_tokens": prompt // 2},
            }
        return reply

    def _send(self, entry: dict[str, Any], status: int, reply: dict[str, Any], more: str) -> None:
        server, fault = self._server, entry["fault"]
        server.in_flight -= 1
        entry["sent"] = not self._transport.is_closing() and fault not in ("drop", "drop-midway", "hang")
        server.note(entry)
        body = json.dumps(reply).encode()
        kind = "application/json"
        if fault == "html":
            body, kind = b"<html><body>Bad gateway</body></html>", "text/html"
        elif fault == "error-in-200":
            body = json.dumps(_error("the upstream is overloaded", None)).encode()
        elif fault == "cut-body":
            body = body[: len(body) // 2]
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}", f"Content-Type: {kind}"]
        lines += [f"Content-Length: {len(body)}", *([more] if more else [])]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        if fault in ("drop", "hang"):
            self._transport.abort()
        elif fault == "drop-midway":
            self._transport.write(head + body[: len(body) // 2])
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write(head + body)


def digest_of(messages: Any) -> str:
    """RETURNS (str): What the log knows messages by."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def _mode(body: dict[str, Any]) -> str:
    return (body.get("response_format") or {}).get("type") or ("tool" if body.get("tools") else "off")


def _fields(body: dict[str, Any]) -> list[str]:
    return [(body.get("response_format") or {}).get("type") or "", *body]


def _error(message: str, param: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}


def _limit(seconds: float, header: str) -> tuple[dict[str, Any], str]:
    """The body and the header by which a server tells of its limit."""
    whole = int(seconds) + 1
    headers = {
        "retry-after": f"Retry-After: {whole}",
        "retry-after-date": f"Retry-After: {formatdate(time.time() + whole, usegmt=True)}",
        "retry-after-ms": f"retry-after-ms: {seconds * 1000:.0f}",
        "x-ratelimit-reset-requests": f"x-ratelimit-reset-requests: {seconds * 1000:.0f}ms",
    }
    words = f" Please try again in {seconds:.3f}s." if header == "words" else ""
    return _error(f"Rate limit reached.{words}", None), headers.get(header, "")


def main(arguments: list[str] | None = None) -> None:
    """Serve until the process is ended, or its standard input where that is a pipe."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    for name, default in vars(Behaviour()).items():
        kind = str if isinstance(default, tuple) else type(default)
        if isinstance(default, bool):
            parser.add_argument(f"--no-{name}", dest=name, action="store_false")
        else:
            shown = ",".join(default) if isinstance(default, tuple) else default
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=shown)
    options = vars(parser.parse_args(arguments))
    port, log = options.pop("port"), options.pop("log")
    for name, default in vars(Behaviour()).items():
        if isinstance(default, tuple):
            options[name] = tuple(options[name].split(",")) if options[name] else ()
    server = FaultServer(Behaviour(**options), log, port)

    async def serve() -> None:
        async with await server.listen(asyncio.get_running_loop()) as listening:
            sys.stdout.write(f"{server.port}\n")
            sys.stdout.flush()
            await listening.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
