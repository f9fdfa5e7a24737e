"""How much memory a long stream takes: words that were never seen, through `nlp.pipe`, zone by zone.

    python benchmarks/memory.py PIPELINE --output benchmarks/results/memory.json

Documents of 5 to 400 random words, so that no word is met twice and every length comes up, in
`nlp.memory_zone()`s of 100 documents. Memory is what the process holds (RSS), read every
100,000 words; growth is from the first such reading to the last.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import spacy
import torch
from processes import machine
from results import save
from spacy.language import Language

LETTERS = "abcdefghijklmnopqrstuvwxyz"
READINGS = 10


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    nlp = spacy.load(options.pipeline)
    readings = list(stream(nlp, options.words, options.seed))
    first, last = readings[0]["mib"], readings[-1]["mib"]
    result = {
        "machine": machine(options.threads),
        "words": options.words,
        "readings": readings,
        "growth": round(last / first - 1, 4),
    }
    save(options.output, result)
    print(f"From {first} to {last} MiB: {result['growth']:+.1%}", flush=True)
    return 0


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
