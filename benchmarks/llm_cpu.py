"""CPU time that structured_llm_ner takes for a text of 3,600 characters with 40 mentions, apart from the server.

    python benchmarks/llm_cpu.py --output benchmarks/results/llm_cpu.json

`tokenise` is spaCy's tokenizer alone, `by_hand` is what one would write without this package (tokens, `json.loads`,
`str.find`, `Doc.char_span` and `doc.ents`), `align` is the reply parsed and its mentions aligned, without a request,
`replay` is the component with every reply in the store, and `asked` the component with a server (the tests', without
faults, a process of its own). CPU time is that of the process with all its threads; the parts take turns, round by
round, and the least time of each counts, since other work on a machine only adds to it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processes import machine
from results import save

ROOT = Path(__file__).parent.parent
LABELS = ["PER", "ORG", "LOC", "MISC"]
_NAMES = (
    "Anna Bela Carla Dario Elena Farid Greta Hugo Irina Berg Costa Dahl Evans Fischer Garcia Haas Oslo Paris Lisbon "
    "Vienna Dublin Athens Prague Warsaw Bonn Turin Bergen Osaka"
)
_FILLER = (
    "the report of the board was read again and, as it seemed to most of those who were there, it left open what the "
    "costs of the second year would be; nobody asked. "
    "on the next day a letter came with 12 pages of figures (some of them wrong), which were sent on at once."
)
NAMES, FILLER = _NAMES.split(), _FILLER.split()
LENGTH, MENTIONS = 3600, 40


def make_texts(count: int, *, is_ascii: bool = True) -> list[str]:
    """RETURNS (list[str]): Texts of 3,600 characters, no two alike, in which a capitalised word is a mention."""
    texts = []
    for number in range(count):
        words: list[str] = [f"text {number}:"]
        length = len(words[0])
        gap, at = LENGTH // MENTIONS, 0
        while length < LENGTH:
            if length >= at * gap and at < MENTIONS:
                word = NAMES[(number * 7 + at * 11) % len(NAMES)]
                at += 1
            else:
                word = FILLER[(number + len(words)) % len(FILLER)]
            words.append(word)
            length += len(word) + 1
        text = " ".join(words)[: LENGTH - 2]
        texts.append(text + (" ." if is_ascii else "\u2026 "))
    return texts


def ask_with(url: str, store: Path) -> Any:
    """RETURNS (Language): A blank pipeline with the component."""
    import spacy

    nlp = spacy.blank("en")
    model = {"base_url": url, "name": "m", "store": str(store), "max_concurrency": 64}
    nlp.add_pipe("structured_llm_ner", config={"labels": LABELS, "model": model})
    return nlp


def write_by_hand(nlp: Any, text: str, reply: str) -> None:
    """Find each mention's first occurrence that is free, as a script of thirty lines does."""
    doc = nlp.make_doc(text)
    spans, at = [], {}
    for label, mentions in json.loads(reply).items():
        for mention in mentions:
            start = text.find(mention, at.get(mention, 0))
            if start >= 0:
                at[mention] = start + 1
                span = doc.char_span(start, start + len(mention), label=label)
                if span is not None:
                    spans.append(span)
    doc.set_ents(spans)


def measure(options: argparse.Namespace, url: str, folder: Path, *, is_ascii: bool) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): CPU milliseconds a text of each part, the least of all rounds."""
    import spacy

    from spacy_ner_plus.alignment.align import align_mentions
    from spacy_ner_plus.llm.formats import get_format
    from tests.servers.known_answers import names_by_label

    texts = make_texts(options.texts, is_ascii=is_ascii)
    replies = [json.dumps(names_by_label(text, LABELS)) for text in texts]
    blank, label_lists = spacy.blank("en"), get_format("label_lists")
    pipeline = ask_with(url, folder / "replay.sqlite")
    docs = list(pipeline.pipe(texts))
    assert all(len(doc.ents) == MENTIONS for doc in docs), [len(doc.ents) for doc in docs][:5]

    def tokenise() -> None:
        for text in texts:
            blank.make_doc(text)

    def by_hand() -> None:
        for text, reply in zip(texts, replies, strict=True):
            write_by_hand(blank, text, reply)

    def align() -> None:
        for doc, text, reply in zip(docs, texts, replies, strict=True):
            found = label_lists.parse(reply, LABELS, text)
            align_mentions(doc, found, occurrences="all", text=text)

    def replay() -> None:
        for _ in pipeline.pipe(texts):
            pass

    def asked() -> None:
        asking = ask_with(url, folder / f"asked-{time.monotonic_ns()}.sqlite")
        for _ in asking.pipe(texts):
            pass
        asking.get_pipe("structured_llm_ner").client.close()

    parts = {"tokenise": tokenise, "by_hand": by_hand, "align": align, "replay": replay, "asked": asked}
    return {
        "characters": len(texts[0]),
        "mentions": MENTIONS,
        "cpu_ms_per_text": in_turns(parts, options.rounds, options.texts),
    }


def in_turns(parts: dict[str, Callable[[], None]], rounds: int, texts: int) -> dict[str, float]:
    """RETURNS (dict[str, float]): CPU milliseconds a text, the least of all rounds."""
    least: dict[str, float] = {}
    for _ in range(rounds):
        for name, part in parts.items():
            began = time.process_time()
            part()
            spent = (time.process_time() - began) / texts * 1000
            least[name] = min(spent, least.get(name, spent))
    return {name: round(spent, 3) for name, spent in least.items()}


@contextmanager
def server():
    """The tests' server in a process of its own. YIELDS (str): Its address."""
    command = [sys.executable, "-m", "tests.servers.fault_server"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.terminate()
        process.communicate()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, help="the result file")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(ROOT))
    with server() as url:
        runs = {}
        for name, is_ascii in (("ascii", True), ("unicode", False)):
            with tempfile.TemporaryDirectory() as folder:
                runs[name] = measure(options, url, Path(folder), is_ascii=is_ascii)
            print(name, json.dumps(runs[name]))
    if options.output:
        save(options.output, {"machine": machine(1), "rounds": options.rounds, "runs": runs})


if __name__ == "__main__":
    main()
