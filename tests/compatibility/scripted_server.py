"""A server whose replies are written down by model and text: what models do to mentions, in all reply formats."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXTS = {
    "twice": "Anna Berg met John Smith in Oslo. Smith works for Acme Corp, and John Smith likes Oslo.",
    "slip": "Call Jon Smith now .",
    "unicode": "The U.S.-based firm “Globex” hired Zoë Müller.",
    "nested": "New York Times opened in New York.",
    "nowhere": "Nobody came.",
    "invalid": "In Paris , nobody met Maria Lopez .",
    "asked-again": "Maria Lopez flew from Oslo to Paris .",
}
PROSE = "There are some names in this text."
# The model's name says its format. What is invalid at first and at last is a list, by attempt.
REPLIES = {
    "label_lists": {
        "twice": {"PER": ["Anna Berg", "Jon Smith"], "ORG": ["ACME Corp."], "LOC": ["Oslo"]},
        "slip": {"PER": ["John Smith"], "ORG": [], "LOC": []},
        "unicode": {"PER": ["Zoe Müller"], "ORG": ['"Globex"'], "LOC": ["U.S."]},
        "nested": {"PER": [], "ORG": ["New York Times"], "LOC": ["New York"]},
        "nowhere": {"PER": ["Xylophonia"], "ORG": [], "LOC": []},
        "invalid": [PROSE, PROSE],
        "asked-again": [PROSE, {"PER": ["Maria Lopez"], "ORG": [], "LOC": ["Oslo", "Paris"]}],
    },
    "entity_list": {
        "twice": {
            "entities": [
                {"text": "Anna Berg", "label": "PER", "occurrence": 1},
                {"text": "John Smith", "label": "PER", "occurrence": 2},
                {"text": "Smith", "label": "PER", "occurrence": 2},
                {"text": "acme corp", "label": "ORG", "occurrence": 1},
            ]
        },
        "slip": {"entities": [{"text": "John Smith", "label": "PER", "occurrence": 1}]},
        "unicode": {"entities": [{"text": "Globex", "label": "ORG", "occurrence": 3}]},
        "nested": {
            "entities": [
                {"text": "New York Times", "label": "ORG", "occurrence": 1},
                {"text": "New York", "label": "LOC", "occurrence": 2},
            ]
        },
        "nowhere": {"entities": []},
        "invalid": [PROSE, {"entities": [{"text": "Paris", "label": "CITY", "occurrence": 1}]}],
        "asked-again": [PROSE, {"entities": [{"text": "Maria Lopez", "label": "PER", "occurrence": 1}]}],
    },
    "inline_tags": {
        "twice": "<PER>Anna Berg</PER> met <PER>John Smith</PER> in <LOC>Oslo</LOC>. <PER>Smith</PER> works for "
        "<ORG>Acme Corp</ORG>, and John Smith likes Oslo.",
        "slip": "Call <PER>John Smith</PER> now.",
        "unicode": 'The <LOC>U.S.</LOC>-based firm "<ORG>Globex</ORG>" hired <PER>Zoë Müller</PER>.',
        "nested": "<ORG><LOC>New York</LOC> Times</ORG> opened in <LOC>New York</LOC>.",
        "nowhere": "Nobody came.",
        "invalid": ["<LOC>Paris</LOC>", "<CITY>Paris</CITY>"],
        "asked-again": ["<PER>Maria</PER>", "<PER>Maria Lopez</PER> flew from <LOC>Oslo</LOC> to Paris ."],
    },
    "bio_lines": {
        "twice": "Anna: B-PER\nBerg: I-PER\nJohn: B-PER\nSmith: I-PER\nOslo: B-LOC\nSmith: B-PER\nAcme: B-ORG\n"
        "Corp: I-ORG",
        "slip": "Jon: B-PER\nSmith: I-PER",
        "unicode": "U.S.: B-LOC\nGlobex: B-ORG\nZoë: B-PER\nMüller: I-PER",
        "nested": "New: B-ORG\nYork: I-ORG\nTimes: I-ORG\nNew: B-LOC\nYork: I-LOC",
        "nowhere": "NONE",
        "invalid": [PROSE, "Paris: B-CITY"],
        "asked-again": [PROSE, "Maria: B-PER\nLopez: I-PER"],
    },
}
_NAMES = {text: name for name, text in TEXTS.items()}


@contextmanager
def scripted_server(port: int) -> Iterator[str]:
    """Serve the replies. YIELDS (str): The `base_url`."""
    attempts: Counter[tuple[str, str]] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            turns = [turn["content"] for turn in body["messages"] if turn["role"] == "user"]
            text = next(turn for turn in reversed(turns) if turn in _NAMES)
            place = (body["model"], _NAMES[text])
            reply = REPLIES[place[0]][place[1]]
            if isinstance(reply, list):
                reply = reply[min(attempts[place], len(reply) - 1)]
            attempts[place] += 1
            content = reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)
            choice = {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content},
            }
            usage = {"prompt_tokens": 100, "completion_tokens": len(content) // 4}
            data = json.dumps(
                {"id": "1", "model": body["model"], "choices": [choice], "usage": usage}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
