"""An OpenAI-compatible server that knows gold, and makes mistakes at stated rates: a simulation of a chat model.

Its mistakes hang on the seed, the model's name, the text and the entity, so that the same question is answered alike.
"""

import json
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.servers.known_answers import asked_text


@dataclass(frozen=True)
class Mistakes:
    """How often a reply is wrong.

    missed (float): Share of the entities that are left out.
    wrong_label (float): Share of those named that get another label.
    spurious (float): For each entity, how probable it is that a word is named that is none.
    """

    missed: float = 0.0
    wrong_label: float = 0.0
    spurious: float = 0.0


class GoldServer:
    """A server in a thread of this process.

    gold (Mapping[str, Sequence[tuple[str, str]]]): For each text its entities in order, as text and label.
    labels (Sequence[str]): All labels.
    mistakes (Mapping[str, Mistakes]): By the name of the model that is asked for.
    seed (int): Of the mistakes.
    """

    def __init__(
        self,
        gold: Mapping[str, Sequence[tuple[str, str]]],
        labels: Sequence[str],
        mistakes: Mapping[str, Mistakes],
        seed: int = 0,
    ):
        self._gold = gold
        self._labels = list(labels)
        self._mistakes = mistakes
        self._seed = seed
        self.requests = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Else a kept connection waits 40 ms for each answer.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(outer.reply(request)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """RETURNS (dict): A chat completion of label lists; a text that it doesn't know has no entities."""
        with self._lock:
            self.requests += 1
        name = request["model"]
        named: dict[str, list[str]] = {label: [] for label in self._labels}
        for mention, label in self.answer(name, asked_text(request["messages"])):
            named[label].append(mention)
        content = json.dumps(named, ensure_ascii=False)
        return {
            "model": name,
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
            ],
            "usage": {
                "prompt_tokens": len(str(request["messages"])) // 4,
                "completion_tokens": len(content) // 4,
            },
        }

    def answer(self, name: str, text: str) -> list[tuple[str, str]]:
        """RETURNS (list[tuple[str, str]]): What a model says of a text, mistakes included."""
        rates, found = self._mistakes[name], []
        chance = random.Random(f"{self._seed} {name} {text}")
        for mention, label in self._gold.get(text, ()):
            if chance.random() < rates.spurious:
                found.append((chance.choice(text.split()), chance.choice(self._labels)))
            if chance.random() < rates.missed:
                continue
            if chance.random() < rates.wrong_label:
                label = chance.choice([other for other in self._labels if other != label])
            found.append((mention, label))
        return found
