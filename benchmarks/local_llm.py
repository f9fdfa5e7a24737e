"""How fast a chat model within the process is: seconds to the first reply, then documents a second.

    python benchmarks/local_llm.py --output benchmarks/results/local_llm.json

Texts are those of the synthetic dev set of at most 25 words, asked about one request each, replies cut at 45 tokens;
what prompts have in common stays in the server's cache. Each round is a process of its own. Give the machine nothing
else to do.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from processes import machine
from results import save

ROOT = Path(__file__).parent.parent
MOST_WORDS, MOST_TOKENS = 25, 45
# What is claimed: seconds until the first reply at most, and documents a second at least.
GOALS = {"first_seconds": 10.0, "per_second": 1.0}


def texts(count: int) -> list[str]:
    """RETURNS (list[str]): Short texts, no two alike."""
    lines = (ROOT / "assets" / "synthetic" / "dev.json").read_text(encoding="utf8")
    found = dict.fromkeys(record["text"] for record in json.loads(lines))
    return [text for text in found if len(text.split()) <= MOST_WORDS][:count]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Ask about the first text alone, then about all others."""
    import spacy

    from spacy_ner_plus.llm.dialogues import ask_one
    from spacy_ner_plus.llm.requests import ChatReply, Question

    nlp = spacy.blank("en")
    model = {"local": options.local, "threads": options.threads, "max_tokens": MOST_TOKENS}
    config = {"labels": "synthetic", "model": model, "format": options.format}
    pipe = nlp.add_pipe("structured_llm_ner", config=config)
    chosen = texts(options.documents + 1)

    def hold(text: str) -> Any:
        (request,) = pipe.extractor.requests(nlp.make_doc(text))
        return pipe.client.hold(ask_one(Question(request, _reply, is_divisible=True)))

    began = time.perf_counter()
    hold(chosen[0]).result()
    first_seconds, before = time.perf_counter() - began, pipe.client.usage
    began, used = time.perf_counter(), time.process_time()
    outcomes = [future.result() for future in [hold(text) for text in chosen[1:]]]
    seconds, after = time.perf_counter() - began, pipe.client.usage
    replies: list[ChatReply] = [reply for outcome in outcomes for reply in outcome.replies]
    assert len(replies) == len(chosen) - 1
    return {
        "documents": len(replies),
        "first_seconds": round(first_seconds, 2),
        "seconds": round(seconds, 2),
        "per_second": round(len(replies) / seconds, 3),
        "cpu_seconds": round(time.process_time() - used, 2),
        "prompt_tokens": after.prompt_tokens - before.prompt_tokens,
        "cached_tokens": after.cached_tokens - before.cached_tokens,
        "completion_tokens": after.completion_tokens - before.completion_tokens,
        "cut": sum(reply.finish_reason == "length" for reply in replies),
    }


def _reply(reply: Any) -> Any:
    return reply


def main(options: argparse.Namespace) -> None:
    from importlib.metadata import version

    rounds = []
    for _ in range(options.rounds):
        given = ["--local", options.local, "--threads", options.threads, "--documents", options.documents]
        command = [sys.executable, __file__, "--part", *map(str, given), "--format", options.format]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rounds.append(json.loads(done.stdout.splitlines()[-1]))
        print(json.dumps(rounds[-1]), file=sys.stderr)
    results = {
        "machine": machine(options.threads),
        "versions": {name: version(name) for name in ("xllamacpp", "spacy")},
        "model": options.local,
        "format": options.format,
        "most_words": MOST_WORDS,
        "most_tokens": MOST_TOKENS,
        "goals": GOALS,
        "summary": {name: statistics.median(row[name] for row in rounds) for name in GOALS},
        "rounds": rounds,
    }
    if options.output:
        save(options.output, results)
    print(json.dumps(results["summary"], indent=2))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--local", default="smollm2", help="the model (smollm2)")
    parser.add_argument("--threads", type=int, default=2, help="of the model (2)")
    parser.add_argument("--documents", type=int, default=30, help="after the first (30)")
    parser.add_argument("--format", default="label_lists", help="of the replies (label_lists)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="the result file")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    chosen = parse()
    if chosen.part:
        print(json.dumps(measure(chosen)))
    else:
        main(chosen)
