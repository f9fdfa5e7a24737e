"""How much memory a long stream takes: words that were never seen, through `nlp.pipe`, zone by zone.

    python benchmarks/memory.py PIPELINE --output benchmarks/results/memory.json

Documents of 5 to 400 random words, so that no word is met twice and every length comes up, in
`nlp.memory_zone()`s of 100 documents. Memory is what the process holds (RSS), read ten times;
growth is from the first reading to the last. Before it, in a process of its own, the same stream
goes through spaCy's tokenizer alone, whose vocabulary grows although zones are over.
"""

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import spacy
import torch
from processes import machine
from results import save
from spacy.language import Language

LETTERS = "abcdefghijklmnopqrstuvwxyz"
READINGS = 10
BLANK = "blank:en"


def main(options: argparse.Namespace) -> int:
    alone = run_apart(BLANK, options)
    found = run_apart(options.pipeline, options)
    result = {
        "machine": machine(options.threads),
        "precision": precision_of(options.pipeline),
        "words": options.words,
        **found,
        "tokenizer_alone": alone,
    }
    save(options.output, result)
    for name, part in (("The tokenizer alone", alone), (options.pipeline, found)):
        readings = part["readings"]
        print(f"{name}: from {readings[0]['mib']} to {readings[-1]['mib']} MiB, {part['growth']:+.1%}")
    return 0


def precision_of(pipeline: str) -> str:
    """RETURNS (str): The precision that a pipeline is to predict in, as its config has it."""
    config = spacy.load(pipeline).config["components"]
    return next(part["precision"] for part in config.values() if "precision" in part)


def run_apart(pipeline: str, options: argparse.Namespace) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): `readings` and `growth` of a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        job = pool.submit(run, pipeline, options.words, options.seed, options.threads)
        readings = job.result()
    return {"readings": readings, "growth": round(readings[-1]["mib"] / readings[0]["mib"] - 1, 4)}


def run(pipeline: str, words: int, seed: int, threads: int) -> list[dict[str, float]]:
    """RETURNS (list[dict[str, float]]): The readings."""
    torch.set_num_threads(threads)
    nlp = spacy.blank("en") if pipeline == BLANK else spacy.load(pipeline)
    return list(stream(nlp, words, seed))


def stream(nlp: Language, words: int, seed: int) -> Iterator[dict[str, float]]:
    """Run texts through a pipeline.

    nlp (Language): The pipeline.
    words (int): How many words in all.
    seed (int): Of the texts.
    YIELDS (dict[str, float]): Words read so far, memory in MiB and seconds, ten times.
    """
    rng = random.Random(seed)
    began = time.perf_counter()
    done, reading = 0, 1
    while done < words:
        texts = [make_text(rng) for _ in range(100)]
        with nlp.memory_zone():
            for doc in nlp.pipe(texts):
                done += len(doc)
        if done >= words * reading / READINGS:
            yield {"words": done, "mib": rss_mib(), "seconds": round(time.perf_counter() - began, 1)}
            reading = done * READINGS // words + 1


def make_text(rng: random.Random) -> str:
    """RETURNS (str): Words of random letters, now and then with a capital."""
    words = ("".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(rng.randint(5, 400)))
    return " ".join(word.capitalize() if rng.random() < 0.2 else word for word in words)


def rss_mib() -> int:
    """RETURNS (int): What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", help="folder or package of a pipeline with transformer_ner")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
