"""What a run of structured_llm_ner loses, and how long it takes, at servers in the trouble that servers have.

    python benchmarks/llm_trouble.py --output benchmarks/results/llm-trouble.json

Each part is a process of its own with a server of its own (tests/servers/fault_server.py), one after the other, with
the settings that docs/structured_llm_ner.md shows as defaults where a part doesn't say otherwise. `ideal_seconds` is
what a client would take that knew the server: for a rate limit the whole windows that must pass before the last
document is asked, for slots the documents after each other. It takes about half an hour.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

from processes import machine
from results import save

ROOT = Path(__file__).parent.parent
HEADERS = ("none", "retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "words")


def texts_of(documents: int) -> list[str]:
    """RETURNS (list[str]): Short texts with names, no two alike."""
    return [f"Anna Berg met Bob Costa in Oslo on day {number}." for number in range(documents)]


def run(server: Any, documents: int, meanwhile: Callable[[], None] | None = None, **settings: Any) -> dict:
    """Annotate texts at a server.

    meanwhile (Callable | None): What is done to the server in another thread.
    RETURNS (dict): What was lost, how long it took and what the server saw.
    """
    import spacy

    nlp = spacy.blank("en")
    model = {"base_url": server.url, "name": "tiny", "structured": "off", **settings}
    pipe = nlp.add_pipe(
        "structured_llm_ner", config={"labels": ["PER", "ORG", "LOC", "MISC"], "model": model}
    )
    thread = threading.Thread(target=meanwhile, daemon=True) if meanwhile else None
    docs, error, began, failures = 0, "", time.monotonic(), Counter()
    if thread:
        thread.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for doc in nlp.pipe(texts_of(documents)):
                docs += 1
                if doc._.ner_failure:
                    failures[doc._.ner_failure] += 1
        except Exception as raised:  # noqa: BLE001 - that a run stops is a result
            error = str(raised)
    seconds = time.monotonic() - began
    usage = pipe.usage_report()
    return {
        "documents": documents,
        "seconds": round(seconds, 1),
        "answered": docs - failures.total(),
        "lost": failures.total(),
        "reasons": dict(failures),
        "stopped_with": error,
        "requests": usage["requests"],
        "statuses": dict(Counter(str(entry["status"]) for entry in server.requests)),
    }


def rate(options: argparse.Namespace, header: str) -> dict:
    """60 requests a minute, 200 documents."""
    from tests.servers.behaviour import Behaviour
    from tests.servers.fault_server import FaultServer

    per_window, window, documents = 60, 60.0 * options.scale, 200
    behaviour = Behaviour(
        delay=0.05, limit=per_window, window=window, limit_header=header.replace("none", "")
    )
    with FaultServer(behaviour) as server:
        result = run(server, documents)
    return {**result, "ideal_seconds": round((ceil(documents / per_window) - 1) * window, 1)}


def one_slot(options: argparse.Namespace) -> dict:
    """A local server that answers one request at a time, in 5 s."""
    from tests.servers.behaviour import Behaviour
    from tests.servers.fault_server import FaultServer

    seconds, documents = 5.0 * options.scale, 30
    with FaultServer(Behaviour(delay=seconds, slots=1)) as server:
        result = run(server, documents, timeout=60 * options.scale, deadline=300 * options.scale)
    return {**result, "ideal_seconds": seconds * documents}


def restart(options: argparse.Namespace) -> dict:
    """A server that is gone for 40 s in the middle of a run."""
    from tests.servers.behaviour import Behaviour
    from tests.servers.fault_server import FaultServer

    gone, delay, documents = 40.0 * options.scale, 0.2, 400
    server = FaultServer(Behaviour(delay=delay))

    def meanwhile() -> None:
        time.sleep(2)
        server.__exit__()
        time.sleep(gone)
        server.__enter__()

    with server:
        result = run(server, documents, meanwhile)
    return {**result, "ideal_seconds": round(gone + documents / 16 * delay, 1)}


def gone(options: argparse.Namespace) -> dict:
    """A server that goes in the middle of a run and doesn't come back."""
    from tests.servers.behaviour import Behaviour
    from tests.servers.fault_server import FaultServer

    server = FaultServer(Behaviour(delay=0.2))

    def meanwhile() -> None:
        time.sleep(2)
        server.__exit__()

    server.__enter__()
    result = run(server, 400, meanwhile)
    return {**result, "seconds_after_it_went": round(result["seconds"] - 2, 1)}


def daily(options: argparse.Namespace) -> dict:
    """A limit of a day that is reached after 20 documents, and isn't told."""
    from tests.servers.behaviour import Behaviour
    from tests.servers.fault_server import FaultServer

    with FaultServer(Behaviour(delay=0.05, limit=20, window=86_400.0)) as server:
        return run(server, 200)


def refused(options: argparse.Namespace) -> dict:
    """One document that the server refuses with 'restricted'."""
    from tests.servers.behaviour import Behaviour
    from tests.servers.fault_server import FaultServer

    behaviour = Behaviour(
        delay=0.05, refuse_texts=("day 7.",), refuse_status=403, refuse_message="restricted"
    )
    with FaultServer(behaviour) as server:
        return run(server, 60)


PARTS: dict[str, Callable[[argparse.Namespace], dict]] = {
    **{f"rate limit, {header}": lambda options, header=header: rate(options, header) for header in HEADERS},
    "one slot": one_slot,
    "restart": restart,
    "gone for good": gone,
    "daily limit": daily,
    "one document refused": refused,
}


def main(options: argparse.Namespace) -> None:
    results: dict[str, Any] = {"machine": machine(1), "scale": options.scale, "parts": {}}
    for part in options.parts or PARTS:
        load = os.getloadavg()[0]
        command = [sys.executable, __file__, "--part", part, "--scale", str(options.scale)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        result = {**json.loads(done.stdout.splitlines()[-1]), "load_before": round(load, 1)}
        if "ideal_seconds" in result:
            result["times_ideal"] = round(result["seconds"] / result["ideal_seconds"], 2)
        results["parts"][part] = result
        print(part, json.dumps(result), file=sys.stderr, flush=True)
        if options.output:
            save(options.output, results)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of the servers' times; 0.1 for a try (1)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="which (all)")
    parser.add_argument("--output", type=Path, help="the result file")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    chosen = parse()
    if chosen.part:
        sys.path.insert(0, str(ROOT))
        print(json.dumps(PARTS[chosen.part](chosen)))
    else:
        main(chosen)
