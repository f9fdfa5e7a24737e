"""What grammars of texts (`text_grammar`) give a small model, and what they cost.

    python benchmarks/text_grammar.py assets/synthetic --model SmolLM2-135M-Instruct.Q4_1.gguf \\
        --output benchmarks/results/text_grammar.json

Each format is asked for about the dev texts, with 5 training examples and without, held by its schema (or by the prompt
alone, for formats without one) and held to the text. `f1` is strict; a text without a valid reply has no entities.
Seconds are those of the wall clock, one request at a time, and of the CPU, with the server's. `grammars` are times of
the grammar alone, for texts of so many words: `write` in Python, `read` and `token` of CPU in the server, beyond what
it takes without one. A broken run goes on at the document where it broke.
"""

import argparse
import json
import random
import resource
import time
import urllib.request
import warnings
from pathlib import Path
from typing import Any

import spacy
from processes import machine
from results import open_results, save

from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.llm.formats import FORMATS, get_format
from spacy_ner_plus.llm.formats.text_grammars.text_walk import MOST_PIECES
from tests.servers.llama_server import llama_server

WORDS = (20, 100, 400, 2000)
CONTEXT = 4096
# How often the CPU seconds of a request are taken: other work on the machine only adds to them.
TIMES = 5


def main(options: argparse.Namespace) -> None:
    nlp = spacy.blank("en")
    docs = load_docs(options.corpus / "dev.spacy", nlp.vocab, options.limit)
    labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
    settings = {
        "model": options.model.name,
        "corpus": {"name": options.corpus.name, "texts": len(docs), "gold": expressible(docs)},
        "max_tokens": options.max_tokens,
        "examples": options.choose,
    }
    results = open_results(options.output, settings)
    results["machine"] = machine(1)
    with llama_server(model=options.model, slots=options.slots, context_length=CONTEXT) as url:
        keys = [(n, e, held) for e in options.examples for n in options.formats for held in (False, True)]
        asked = [Asked(url, options, labels, results, *key) for key in keys]
        # Text by text, so that what is compared is about the same texts whenever it ends.
        for number, doc in enumerate(docs):
            for each in asked:
                most = options.few if not each.run["examples"] else len(docs)
                if len(each.run["documents"]) == number < most:
                    each.ask(doc)
                    save(options.output, results)
        for name in options.grammars:
            if not any(row["format"] == name for row in results.setdefault("grammars", [])):
                results["grammars"] += times_of(url, name)
                save(options.output, results)


def expressible(docs: list) -> dict[str, int]:
    """RETURNS (dict): How many gold entities a grammar can't say, of how many."""
    nlp = spacy.blank("en")
    entities = [(nlp.make_doc(doc.text), ent) for doc in docs for ent in doc.ents]
    spans = [text.char_span(ent.start_char, ent.end_char) for text, ent in entities]
    return {
        "entities": len(spans),
        "within_a_token": sum(span is None for span in spans),
        "too_long": sum(span is not None and len(span) > MOST_PIECES for span in spans),
    }


class Asked:
    """One way of asking, with what came of it so far."""

    def __init__(
        self,
        url: str,
        options: argparse.Namespace,
        labels: list[str],
        results: dict,
        name: str,
        examples: int,
        held: bool,
    ):
        key = {"format": name, "examples": examples, "text_grammar": held}
        run = next((run for run in results["runs"] if key.items() <= run.items()), None)
        if run is None:
            run = {**key, "documents": []}
            results["runs"].append(run)
        self.run = run
        model = {
            "base_url": url,
            "name": options.model.stem,
            "max_tokens": options.max_tokens,
            "context_length": CONTEXT,
            "timeout": 600,
            "deadline": 3000,
            "text_grammar": held,
        }
        config: dict[str, Any] = {"labels": labels, "format": name, "model": model, "progress": False}
        if examples:
            config |= {"examples": str(options.corpus / "train.spacy"), "n_examples": examples}
            config["choose_examples"] = options.choose
        self._nlp = spacy.blank("en")
        self._pipe = self._nlp.add_pipe("structured_llm_ner", config=config)
        warnings.simplefilter("ignore")

    def ask(self, doc: Any) -> None:
        before, began, cpu = self._pipe.extractor_of().model.usage, time.monotonic(), cpu_seconds()
        (found,) = self._nlp.pipe([doc.text])
        usage = self._pipe.extractor_of().model.usage
        gold = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
        said = {(ent.start_char, ent.end_char, ent.label_) for ent in found.ents}
        self.run["documents"].append(
            {
                "gold": len(gold),
                "said": len(said),
                "right": len(gold & said),
                "invalid": bool(found._.ner_failure),
                "requests": usage.replies - before.replies,
                "tokens_in": usage.prompt_tokens - before.prompt_tokens,
                "tokens_out": usage.completion_tokens - before.completion_tokens,
                "seconds": round(time.monotonic() - began, 2),
                "cpu": round(cpu_seconds() - cpu, 2),
            }
        )
        self.run |= totals(self.run["documents"])


def cpu_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def totals(rows: list[dict[str, Any]]) -> dict[str, Any]:
    sums = {name: sum(row[name] for row in rows) for name in rows[-1]}
    right, said, gold = sums["right"], sums["said"], sums["gold"]
    return {
        "f1": round(2 * right / max(said + gold, 1), 3),
        "precision": round(right / max(said, 1), 3),
        "recall": round(right / max(gold, 1), 3),
        "texts": len(rows),
        "invalid": sums["invalid"],
        "requests": sums["requests"],
        "seconds_a_document": round(sums["seconds"] / len(rows), 2),
        "cpu_seconds_a_document": round(sums["cpu"] / len(rows), 2),
        "tokens_in_a_document": round(sums["tokens_in"] / len(rows), 1),
        "tokens_out_a_document": round(sums["tokens_out"] / len(rows), 1),
    }


def times_of(url: str, name: str) -> list[dict[str, Any]]:
    """RETURNS (list[dict]): What a format's grammars take, for each length of a text."""
    nlp, rows, labels = spacy.blank("en"), [], ["PER", "LOC", "ORG"][: 1 if name == "per_type" else 3]
    for count in WORDS:
        text = text_of(count)
        pieces = [(token.idx, token.idx + len(token)) for token in nlp.make_doc(text)]
        began = time.perf_counter()
        grammar = get_format(name).text_grammar(labels, text, pieces)
        write = time.perf_counter() - began
        cpu_of(url, None, 2)
        plain, one, many = cpu_of(url, None, 33), cpu_of(url, grammar, 1), cpu_of(url, grammar, 33)
        token = (plain[0] - cpu_of(url, None, 1)[0]) / 32
        rows.append(
            {
                "format": name,
                "words": count,
                "tokens": len(pieces),
                "characters": len(grammar or ""),
                "write_ms": round(1000 * write, 1),
                "read_ms": round(1000 * (one[0] - cpu_of(url, None, 1)[0]), 1),
                "token_ms": round(1000 * ((many[0] - one[0]) / max(many[1] - 1, 1) - token), 2),
            }
        )
    return rows


def cpu_of(url: str, grammar: str | None, most: int) -> tuple[float, int]:
    """RETURNS (tuple[float, int]): CPU seconds of the process for a short prompt, the least of a few times, and the
    tokens of the reply."""
    return min(_cpu_of(url, grammar, most) for _ in range(TIMES))


def _cpu_of(url: str, grammar: str | None, most: int) -> tuple[float, int]:
    body = {"messages": [{"role": "user", "content": "List names."}], "max_tokens": most, "temperature": 0}
    body |= {} if grammar is None else {"grammar": f"%llguidance {{}}\n{grammar}"}
    # No end, so that there is always something to write.
    body |= {} if grammar else {"ignore_eos": True}
    data = json.dumps(body).encode()
    began = cpu_seconds()
    # Of a form, which it is taken for otherwise, the server reads 1 MiB at most.
    request = urllib.request.Request(
        f"{url}/chat/completions", data, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=600) as reply:
        tokens = json.load(reply)["usage"]["completion_tokens"]
    return cpu_seconds() - began, tokens


def text_of(count: int) -> str:
    rng = random.Random(count)
    names = ["Ann", "Lee", "Rome", "Paris", "Acme", "Oslo", "M\u00fcller", "O'Neil"]
    common = ["the", "of", "and", "to", "in", "a", "is", "was", "for", "on", "with", "as", "by", "at", "from"]
    letters = "abcdefghijklmnopqrstuvwxyz"

    def word() -> str:
        share = rng.random()
        if share < 0.6:
            return rng.choice(names if share < 0.2 else common)
        return "".join(rng.choice(letters) for _ in range(rng.randint(3, 9)))

    return " ".join(word() for _ in range(count))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, help="a folder with train.spacy and dev.spacy")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=["label_lists", "bio_lines"])
    parser.add_argument("--grammars", nargs="*", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--examples", nargs="+", type=int, default=[5, 0])
    parser.add_argument("--choose", choices=["similar", "fixed"], default="similar")
    parser.add_argument("--few", type=int, default=50, help="how many texts to ask about without examples")
    parser.add_argument("--slots", type=int, default=4, help="one for each beginning of prompts")
    parser.add_argument("--limit", type=int, default=0, help="only the first texts")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse())
