"""Each precision that a pipeline can compute in, and the one that `auto` takes on this machine.

    python benchmarks/precisions.py PIPELINE --corpus corpus/conll/test.spacy --output \\
        benchmarks/results/precisions-intel-xeon.json

The same trained pipeline is loaded once for each precision and once for `auto`, and reads the corpus from raw text,
turn about, another one first in each round. Ratios are taken within a round. The result file has the CPU with its
flags and what `spacy-ner-plus info` says: what was measured, and what was taken.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import spacy
import torch
from corpus_parts import count_words
from figures import median_ratio, words_per_second
from processes import machine
from results import save
from scoring import score

from spacy_ner_plus import info
from spacy_ner_plus.corpus import load_docs

COMPONENT = "transformer_ner"
AUTO, EXACT = "auto", "fp32"
PRECISIONS = (AUTO, EXACT, "bf16", "int8")


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    docs = load_docs(options.corpus, spacy.blank("en").vocab, options.few)
    texts = [doc.text for doc in docs]
    pipelines = {
        name: spacy.load(options.pipeline, config={f"components.{COMPONENT}.precision": name})
        for name in PRECISIONS
    }
    entities = {name: find(nlp, texts) for name, nlp in pipelines.items()}
    seconds: dict[str, list[float]] = {name: [] for name in pipelines}
    names = list(pipelines)
    for number in range(options.rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.perf_counter()
            find(pipelines[name], texts)
            seconds[name].append(round(time.perf_counter() - began, 4))
    result = {
        "machine": machine(options.threads),
        "corpus": options.corpus.name,
        "words": count_words(docs),
        "rounds": options.rounds,
        # But for the cache's place, which is of the one who ran this.
        "info": {key: value for key, value in info(pipelines[AUTO]).to_dict().items() if key != "cache"},
        "precisions": rows(docs, entities, seconds),
    }
    save(options.output, result)
    for name, row in result["precisions"].items():
        print(
            f"{name}: {row['words_per_second']:,} words a second, F1 {row['f1']:.4f}, {row['times_of_fp32']} of fp32"
        )
    return 0


def find(nlp: spacy.Language, texts: list[str]) -> list[list[tuple[int, int, str]]]:
    """RETURNS (list[list[tuple[int, int, str]]]): Entities of each text, by characters."""
    return [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in nlp.pipe(texts)]


def rows(docs: list[Any], entities: dict[str, list[Any]], seconds: dict[str, list[float]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Speed and scores of each precision; how many times as fast as fp32 and the fastest."""
    found = {}
    words = count_words(docs)
    named = {name: times for name, times in seconds.items() if name != AUTO}
    for name, times in seconds.items():
        best = [min(each) for each in zip(*named.values(), strict=True)]
        found[name] = {
            "seconds": times,
            "words_per_second": words_per_second(words, times),
            "times_of_fp32": median_ratio(seconds[EXACT], times),
            "times_of_the_fastest_named": median_ratio(best, times),
            **score(docs, entities[name]),
        }
    return found


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", type=Path, help="folder of a trained pipeline")
    parser.add_argument("--corpus", type=Path, required=True, help="a .spacy file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--few", type=int, default=0, help="only so many documents, to try whether all runs")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
