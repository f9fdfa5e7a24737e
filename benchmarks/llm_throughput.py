"""Documents per second through a server that takes 200 ms a reply, beside spacy-llm's own OpenAI model.

    python benchmarks/llm_throughput.py --output benchmarks/results/llm_throughput.json

The server (tests/servers/fault_server.py, without faults) and each measurement are processes of their
own; every measurement asks about sentences that are all different. `bare` is plain
sockets in one event loop, without a library: what this machine and the server allow. `client` is ChatModel alone,
`component` is structured_llm_ner in a pipeline, `rerun` is that again with every reply in the store,
and `spacy_llm` is its component with its OpenAI model, whose check of the key at OpenAI is switched off.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processes import machine
from results import save

ROOT = Path(__file__).parent.parent
LABELS = ["PER", "ORG", "LOC", "MISC"]
FIRST = ["Anna", "Bela", "Carla", "Dario", "Elena", "Farid", "Greta", "Hugo", "Irina"]
LAST = ["Berg", "Costa", "Dahl", "Evans", "Fischer", "Garcia", "Haas"]
PLACE = ["Oslo", "Paris", "Lisbon", "Vienna", "Dublin", "Athens", "Prague", "Warsaw"]
TOTAL = ("bare", "client", "component")


def sentences(count: int) -> list[str]:
    """RETURNS (list[str]): Short texts with names, no two alike."""
    return [
        f"{FIRST[i % 9]} {LAST[i % 7]} of {LAST[i * 5 % 7]} Corp met {FIRST[i * 7 % 9]} {LAST[i * 3 % 7]} "
        f"in {PLACE[i % 8]} on day {i}."
        for i in range(count)
    ]


def timed(answers: Iterable[Any]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): How many there were, seconds until the first and the last, and CPU time."""
    began, used, first, count = time.perf_counter(), time.process_time(), None, 0
    for _ in answers:
        count += 1
        first = first or time.perf_counter() - began
    seconds = time.perf_counter() - began
    return {
        "documents": count,
        "seconds": round(seconds, 3),
        "first_seconds": round(first or 0.0, 3),
        "per_second": round(count / seconds, 1),
        "cpu_ms_per_document": round((time.process_time() - used) / count * 1000, 3),
    }


def bare(options: argparse.Namespace) -> dict[str, Any]:
    """Requests of the client's size over as many plain connections, without a thread or a library."""
    host, port = options.url.removeprefix("http://").removesuffix("/v1").split(":")
    texts = deque(sentences(options.documents))
    instructions = "Find all names. " * 60

    async def work(answers: list[int]) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while texts:
            messages = [
                {"role": "system", "content": instructions},
                {"role": "user", "content": texts.popleft()},
            ]
            body = json.dumps({"model": "m", "messages": messages}).encode()
            head = (
                f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            header = await reader.readuntil(b"\r\n\r\n")
            length = int(header.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answers.append(len(await reader.readexactly(length)))
        writer.close()

    async def run(answers: list[int]) -> None:
        await asyncio.gather(*(work(answers) for _ in range(options.in_flight)))

    def ask() -> Iterable[int]:
        answers: list[int] = []
        asyncio.run(run(answers))
        yield from answers

    return timed(ask())


def client(options: argparse.Namespace) -> dict[str, Any]:
    """ChatModel alone, with a window over the texts and a store."""
    from spacy_ner_plus.llm.client.chat_model import ChatModel
    from spacy_ner_plus.llm.client.settings import ChatSettings
    from spacy_ner_plus.llm.requests import ChatRequest

    lists = {label: {"type": "array", "items": {"type": "string"}} for label in LABELS}
    schema = {"type": "object", "properties": lists, "required": LABELS, "additionalProperties": False}
    instructions = {"role": "system", "content": "Find all names. " * 60}

    def ask(model: ChatModel) -> Iterable[Any]:
        held: deque[Any] = deque()
        for text in sentences(options.documents):
            request = ChatRequest([instructions, {"role": "user", "content": text}], schema=schema)
            held.append(model.submit(request, lambda reply: json.loads(reply.content)))
            if len(held) >= 4 * options.in_flight:
                yield held.popleft().result()
        while held:
            yield held.popleft().result()

    settings = ChatSettings(
        base_url=options.url, name="m", max_concurrency=options.in_flight, store=options.store
    )
    with ChatModel(settings) as model:
        return {**timed(ask(model)), "requests": model.usage.requests}


def component(options: argparse.Namespace) -> dict[str, Any]:
    """structured_llm_ner in a blank pipeline, from texts to Docs."""
    import spacy

    nlp = spacy.blank("en")
    model = {
        "base_url": options.url,
        "name": "m",
        "max_concurrency": options.in_flight,
        "store": str(options.store),
    }
    pipe = nlp.add_pipe("structured_llm_ner", config={"labels": LABELS, "model": model})
    texts = sentences(options.documents)
    result = timed(nlp.pipe(texts))
    usage = pipe.usage_report()
    return {**result, "requests": usage["requests"], "failed": usage["failed"], "invalid": usage["invalid"]}


def spacy_llm(options: argparse.Namespace) -> dict[str, Any]:
    """spacy-llm's component with its own OpenAI model on the same server."""
    import spacy
    from spacy_llm.models.rest.openai import OpenAI

    os.environ["OPENAI_API_KEY"] = "none"
    # It asks api.openai.com for its models, whatever the endpoint is.
    OpenAI._verify_auth = lambda self: None
    model = {
        "@llm_models": "spacy.GPT-4.v3",
        "name": "gpt-4",
        "endpoint": f"{options.url}/chat/completions",
    }
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "llm",
        config={"task": {"@llm_tasks": "spacy.NER.v3", "labels": LABELS}, "model": model},
    )
    return timed(nlp.pipe(sentences(options.documents)))


PARTS = {"bare": bare, "client": client, "component": component, "rerun": component, "spacy_llm": spacy_llm}


@contextmanager
def server(delay: float, log: Path):
    """The server in a process of its own. YIELDS (str): Its address."""
    command = [sys.executable, "-m", "tests.servers.fault_server", "--delay", str(delay), "--log", str(log)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.terminate()
        process.communicate()


def run_part(part: str, documents: int, url: str, store: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure in a fresh process, as a user's first call is."""
    command = [sys.executable, __file__, "--part", part, "--documents", str(documents), "--url", url]
    command += ["--store", str(store), "--in-flight", str(options.in_flight)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    rounds: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    log = folder / "requests.jsonl"
    log.touch()
    with server(options.delay, log) as url:
        for number in range(options.rounds):
            store = folder / f"component-{number}.sqlite"
            for part in (*TOTAL, "rerun"):
                asked = len(log.read_bytes().splitlines())
                path = store if part in ("component", "rerun") else folder / f"{part}-{number}.sqlite"
                result = run_part(part, options.documents, url, path, options)
                result["requests_seen_by_server"] = len(log.read_bytes().splitlines()) - asked
                rounds[part].append(result)
                print(part, json.dumps(result), file=sys.stderr)
        result = run_part("spacy_llm", options.peer_documents, url, folder / "none", options)
        rounds["spacy_llm"].append(result)
        print("spacy_llm", json.dumps(result), file=sys.stderr)
    return rounds


def summarize(rounds: dict[str, Any], ideal: float) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Medians over rounds, and what the goals are stated in."""
    speed = {part: statistics.median(row["per_second"] for row in rows) for part, rows in rounds.items()}
    return {
        "ideal_per_second": ideal,
        "per_second": speed,
        "share_of_ideal": {part: round(speed[part] / ideal, 3) for part in TOTAL},
        "share_of_bare": {part: round(speed[part] / speed["bare"], 3) for part in TOTAL[1:]},
        "times_spacy_llm": round(speed["component"] / speed["spacy_llm"], 1),
        "first_doc_seconds": statistics.median(row["first_seconds"] for row in rounds["component"]),
        "rerun_requests": max(row["requests_seen_by_server"] for row in rounds["rerun"]),
    }


def main(options: argparse.Namespace) -> None:
    from importlib.metadata import version

    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(options, Path(folder))
    packages = ("httpx", "httpcore", "spacy", "spacy-llm")
    results = {
        "machine": machine(1),
        "versions": {name: version(name) for name in packages},
        "seconds_per_reply": options.delay,
        "in_flight": options.in_flight,
        "summary": summarize(rounds, options.in_flight / options.delay),
        "rounds": rounds,
    }
    if options.output:
        save(options.output, results)
    print(json.dumps(results["summary"], indent=2))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--peer-documents", type=int, default=100, help="of them, for spacy-llm (100)")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds a reply takes (0.2)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="the result file")
    for name in ("--part", "--url"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    chosen = parse()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part](chosen)))
    else:
        main(chosen)
