"""Demonstrations from the store: what a small chat model gains by its own good answers, and by corrected ones.

    python benchmarks/store_demonstrations.py --corpus corpus/synthetic --model SmolLM2-135M-Instruct.Q4_1.gguf \\
        --work training/benchmarks/store --output benchmarks/results/store_demonstrations.json

A GGUF model in llama.cpp's server (xllamacpp), greedy, label_lists held to the text (`text_grammar`). For each seed the
model annotates texts drawn from the training documents, as a service would; their gold is given as feedback. Then it
annotates dev, as a dry run:

without: no examples.
good: `examples` are its own answers that are an exact match, from the store.
corrected: the right answers that feedback holds, beside these.

Scores are strict, by character; intervals of differences are by documents and seeds. What is there in --work isn't
asked again.
"""

import argparse
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import spacy
from corpus_parts import describe, read_split
from peers.sentences import doc_entities
from processes import machine
from results import SettingsChanged, find_run, open_results, save
from scoring import count_table, score
from spacy.tokens import Doc

from spacy_ner_plus.corpus import bare_copy
from spacy_ner_plus.evaluation.statistics.significance import compare_pair
from spacy_ner_plus.learning.give_feedback import give_feedback
from spacy_ner_plus.llm.store.store import Store
from tests.servers.llama_server import llama_server

TITLES = {
    "without": "no examples",
    "good": "its own answers that were an exact match",
    "corrected": "these, and the right answers of the others",
}
EXAMPLES: dict[str, Any] = {
    "without": None,
    "good": {"store": {"metric": "exact_match", "least": 1.0}},
    "corrected": "store",
}
Entities = list[list[tuple[int, int, str]]]


def main(options: argparse.Namespace) -> int:
    train = read_split(options.corpus, "train")
    dev = read_split(options.corpus, "dev")[: options.few or None]
    labels = sorted({ent.label_ for doc in train for ent in doc.ents})
    settings = {
        "corpus": {"name": options.corpus.name, "train": describe(train), "dev": describe(dev)},
        "model": options.model.name,
        "texts": options.texts,
        "n_examples": options.n_examples,
        "max_tokens": options.max_tokens,
        "text_grammar": True,
    }
    options.work.mkdir(parents=True, exist_ok=True)
    # One at a time, since replies of llama.cpp may hang on what else is in a batch.
    with llama_server(model=options.model, slots=1, context_length=4096) as url:
        chat = {
            "base_url": url,
            "endpoint_name": "llama.cpp",
            "name": options.model.stem,
            "text_grammar": True,
            "max_tokens": options.max_tokens,
            "max_concurrency": 1,
            "timeout": 600.0,
            "deadline": 3600.0,
        }
        try:
            for seed in options.seeds:
                path = options.work / f"seed-{seed}.sqlite"
                given = random.Random(seed).sample(train, options.texts)
                run_seed(chat | {"store": str(path)}, labels, given, dev, seed, settings, options)
        except SettingsChanged as error:
            print(error)
            return 1
    return 0


def run_seed(
    chat: dict[str, Any],
    labels: list[str],
    texts: list[Doc],
    dev: list[Doc],
    seed: int,
    settings: dict[str, Any],
    options: argparse.Namespace,
) -> None:
    """Fill a store, and annotate dev with what it holds."""
    config = {"labels": labels, "format": "label_lists", "model": chat, "n_examples": options.n_examples}
    annotate(config, texts)
    for name, examples in EXAMPLES.items():
        results = open_results(options.output, settings)
        # Without examples nothing hangs on the seed, as replies are greedy.
        if name == "without" and seed != options.seeds[0]:
            continue
        if find_run(results, name, seed):
            print(f"{TITLES[name]}, seed {seed}: done already", flush=True)
            continue
        with Store(chat["store"]) as store:
            given = give_feedback(store, texts, demonstrations=name == "corrected")
            right = sum(bool(one.value) for one in store.feedback.latest("exact_match").values())
        if name == "good" and not right:
            # The same prompts as without examples.
            same = next(run for run in results["runs"] if run["peer"] == "without")
            results["runs"].append(
                {**same, "peer": name, "title": TITLES[name], "seed": seed, "seconds": None}
            )
            results["summary"] = summary(results["runs"])
            save(options.output, results)
            print(f"{TITLES[name]}, seed {seed}: there are none, so as without", flush=True)
            continue
        began = time.perf_counter()
        found, usage = annotate(config | {"examples": examples, "dryrun": True}, dev)
        row = {
            "peer": name,
            "title": TITLES[name],
            "seed": seed,
            "exact_matches_in_store": right,
            "answers_in_store": given.found,
            "seconds": round(time.perf_counter() - began, 1),
            "requests": usage["requests"],
            "invalid": usage["invalid"],
            "machine": machine(1),
            "test": score(dev, found),
            "counts": count_table(dev, found).tolist(),
        }
        results["runs"].append(row)
        results["summary"] = summary(results["runs"])
        save(options.output, results)
        print(f"{TITLES[name]}, seed {seed}: F1 {row['test']['f1']} ({right} exact matches)", flush=True)


def annotate(config: dict[str, Any], docs: list[Doc]) -> tuple[Entities, dict[str, Any]]:
    """RETURNS (tuple[Entities, dict]): What the model finds, and what that took."""
    nlp = spacy.blank("en")
    component = nlp.add_pipe("structured_llm_ner", config=config)
    found = [doc_entities(doc) for doc in nlp.pipe(bare_copy(doc, nlp.vocab) for doc in docs)]
    usage = component.usage_report()
    component.client.close()
    return found, usage


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Mean F1, and what examples bring, with 95 % intervals."""
    import numpy as np

    tables: dict[str, list[Any]] = {}
    for row in runs:
        tables.setdefault(row["peer"], []).append(np.array(row["counts"]))
    mean = {
        name: round(sum(row["test"]["f1"] for row in runs if row["peer"] == name) / len(tables[name]), 4)
        for name in tables
    }
    differences = {}
    for name in ("good", "corrected"):
        if name in tables:
            found = compare_pair(tables[name], tables["without"] * len(tables[name]))
            interval = found["interval"]
            differences[f"{name} - without"] = {
                "difference": round(found["difference"], 4),
                "interval": None if interval is None else [round(end, 4) for end in interval],
            }
    return {"mean_f1": mean, "differences": differences}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train and dev.spacy")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--texts", type=int, default=25, help="annotated before, for the store (25)")
    parser.add_argument("--n-examples", type=int, default=5, help="(5)")
    parser.add_argument("--max-tokens", type=int, default=80, help="of a reply (80)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="(0 1 2)")
    parser.add_argument("--work", type=Path, required=True, help="where stores are kept")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument(
        "--few", type=int, default=0, help="only so many documents of dev, to try whether all runs"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
