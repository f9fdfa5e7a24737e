"""A new label on a trained pipeline: what becomes of the labels that it knew, and how well it learns the new one.

    python benchmarks/new_labels.py --corpus corpus/conll --models training/benchmarks/new-labels \\
        --output benchmarks/results/new_labels.json

CoNLL++. A pipeline is trained on a quarter of the training documents, of which LOC and PER alone are marked.
It gets the label ORG, and is trained on with 200 other documents of which ORG alone is marked, while it
rehearses what it knew on the same texts. Beside it: the same without rehearsal and with the others taken for
O, which is what happens where nobody says which labels were annotated; and a pipeline trained from the encoder on
the same 200 documents with all labels marked. MISC is marked in that last one alone, and not scored anywhere.

Trainings from the encoder follow configs/transformer_ner.cfg but for --override. What is there in --models is
used again, and each finished run is written at once.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import spacy
import torch
from corpus_parts import describe, read_split, take_part
from peers.ours import CONFIG
from peers.spacy_training import load_for_tokens, read_config, train_from_config
from processes import machine
from results import SettingsChanged, find_run, open_results, save
from scoring import score
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.batchers import minibatch_by_words
from thinc.api import Adam, fix_random_seed, warmup_linear

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.corpus import bare_copy, to_vocab

COMPONENT = "transformer_ner"
OLD, NEW = ("LOC", "PER"), ("ORG",)
DOCUMENTS = 200
TITLES = {
    "before": "LOC and PER, before the new label",
    "grown": "with ORG: add_label, annotated_labels and rehearse",
    "naive": "with ORG: add_label alone, the other labels taken for O",
    "full": "the same 200 documents, all labels marked, from the encoder",
}
# What the pipeline is trained on with; the other rates are those of configs/transformer_ner.cfg.
RECIPE = {"epochs": 4, "batch_words": 600, "learn_rate": 1e-4, "warmup": 0.1, "dropout": 0.1}
# Which checkpoint is best is chosen on a part of dev.
DEV_PART = 0.125


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    docs = read_split(options.corpus, "train")
    first, second = take_part(docs, options.part), further_documents(docs, options.part, options.documents)
    dev, test = take_part(read_split(options.corpus, "dev"), DEV_PART), read_split(options.corpus, "test")
    test = test[: options.few or None]
    settings = {
        "corpus": {
            "name": options.corpus.name,
            "part": options.part,
            "first": {"annotated": OLD, **describe(mark(first, OLD))},
            "second": {"annotated": NEW, **describe(mark(second, NEW))},
            "second_with_all_labels": describe(second),
            "dev": describe(dev),
            "test": describe(test),
        },
        "tokens": "gold",
        "overrides": dict(options.override),
        "recipe": {**RECIPE, "epochs": options.epochs, "learn_rate": options.learn_rate},
        "max_steps": options.max_steps,
    }
    # As it will be read from the file.
    settings["corpus"]["first"]["annotated"], settings["corpus"]["second"]["annotated"] = list(OLD), list(NEW)
    stages = {
        "before": lambda folder, seed: train(mark(first, OLD), mark(dev, OLD), folder, seed, options),
        "grown": lambda folder, seed: grow(
            options.models / f"before-{seed}", mark(second, NEW), folder, seed, options, rehearse=True
        ),
        "naive": lambda folder, seed: grow(
            options.models / f"before-{seed}",
            unmark(mark(second, NEW)),
            folder,
            seed,
            options,
            rehearse=False,
        ),
        "full": lambda folder, seed: train(second, dev, folder, seed, options),
    }
    try:
        for seed in options.seeds:
            for name in options.stages:
                run(name, stages[name], seed, test, settings, options)
    except SettingsChanged as error:
        print(error)
        return 1
    return 0


def run(
    name: str,
    stage: Callable[[Path, int], None],
    seed: int,
    test: list[Doc],
    settings: dict[str, Any],
    options: argparse.Namespace,
) -> None:
    """Train and score one pipeline, unless that is done, and write the result."""
    results = open_results(options.output, settings)
    if find_run(results, name, seed):
        print(f"{TITLES[name]}, seed {seed}: done already", flush=True)
        return
    folder = options.models / f"{name}-{seed}"
    if not (folder / "model-best").is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        beside = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        began = time.perf_counter()
        stage(beside, seed)
        (beside / "seconds").write_text(f"{time.perf_counter() - began:.1f}", encoding="utf8")
        os.replace(beside, folder)
    row: dict[str, Any] = {
        "peer": name,
        "title": TITLES[name],
        "seed": seed,
        "seconds": float((folder / "seconds").read_text(encoding="utf8")),
        "machine": machine(options.threads),
    }
    row["test"] = score_labels(test, load_for_tokens(folder)(test))
    results = open_results(options.output, settings)
    results["runs"].append(row)
    results["summary"] = summary(results["runs"])
    save(options.output, results)
    old, new = row["test"]["old"]["f1"], row["test"]["new"]["f1"]
    print(f"{TITLES[name]}, seed {seed}: test F1 of LOC and PER {old}, of ORG {new}", flush=True)


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What is gained and lost on test, as the mean of the seeds that all stages have."""
    by = {(row["peer"], row["seed"]): row["test"] for row in runs}
    # The one where the others are taken for O is a sight beside the way, and dear.
    names = [name for name in TITLES if name in {peer for peer, _ in by}]
    seeds = sorted({seed for _, seed in by if all((name, seed) in by for name in names)})
    if not seeds or not {"before", "grown", "full"} <= set(names):
        return {}

    def mean(name: str, labels: str) -> float:
        return statistics.fmean(by[name, seed][labels]["f1"] for seed in seeds)

    return {
        "seeds": seeds,
        "old_f1": {name: round(mean(name, "old"), 4) for name in names},
        "new_f1": {name: round(mean(name, "new"), 4) for name in names},
        "old_f1_lost": {
            name: round(mean("before", "old") - mean(name, "old"), 4)
            for name in ("grown", "naive")
            if name in names
        },
        "new_f1_share_of_full": round(mean("grown", "new") / mean("full", "new"), 4),
    }


def further_documents(docs: list[Doc], part: float, count: int) -> list[Doc]:
    """RETURNS (list[Doc]): Documents that `take_part` leaves, spread over all of them and always the same."""
    taken = {id(doc) for doc in take_part(docs, part)}
    left = [doc for doc in docs if id(doc) not in taken]
    return take_part(left, min(1.0, (count + 1) / len(left)))[:count]


def mark(docs: Sequence[Doc], labels: Sequence[str]) -> list[Doc]:
    """RETURNS (list[Doc]): Copies on which these labels alone are marked, and which say so."""
    marked = []
    for doc in docs:
        copy = doc.copy()
        copy.set_ents([ent for ent in copy.ents if ent.label_ in labels], default="outside")
        set_annotated_labels(copy, labels)
        marked.append(copy)
    return marked


def unmark(docs: Sequence[Doc]) -> list[Doc]:
    """RETURNS (list[Doc]): The Docs, which no longer say that only some labels were annotated."""
    for doc in docs:
        doc.user_data.clear()
    return list(docs)


def train(docs: list[Doc], dev: list[Doc], folder: Path, seed: int, options: argparse.Namespace) -> None:
    """Train a pipeline by configs/transformer_ner.cfg."""
    config = read_config(CONFIG, docs, dev, folder, seed)
    for path, value in options.override:
        *parents, key = path.split(".")
        section = config
        for parent in parents:
            section = section[parent]
        section[key] = value
    train_from_config(config, folder, {"max_steps": options.max_steps})


def grow(
    trained: Path, docs: list[Doc], folder: Path, seed: int, options: argparse.Namespace, *, rehearse: bool
) -> None:
    """Train a pipeline on with a new label."""
    fix_random_seed(seed)
    nlp = spacy.load(trained / "model-best")
    docs = to_vocab(docs, nlp.vocab)
    steps = options.epochs * sum(1 for _ in batches(docs, random.Random(seed)))
    rates = warmup_linear(options.learn_rate, round(RECIPE["warmup"] * steps), steps + 1)
    sgd = nlp.resume_training(sgd=Adam(rates, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0))
    for label in NEW:
        nlp.get_pipe(COMPONENT).add_label(label)
    order, step = random.Random(seed), 0
    for epoch in range(options.epochs):
        losses: dict[str, float] = {}
        rehearsed: dict[str, float] = {}
        for batch in batches(docs, order):
            if options.max_steps and step >= options.max_steps:
                break
            examples = [Example(bare_copy(doc, nlp.vocab), doc) for doc in batch]
            nlp.update(examples, sgd=sgd, losses=losses, drop=RECIPE["dropout"])
            if rehearse:
                nlp.rehearse(examples, sgd=sgd, losses=rehearsed)
            sgd.step_schedules()
            step += 1
        print(f"epoch {epoch}: {losses} {rehearsed}", flush=True)
    nlp.to_disk(folder / "model-best")


def batches(docs: list[Doc], order: random.Random):
    """Batches of an epoch."""
    docs = list(docs)
    order.shuffle(docs)
    return minibatch_by_words(docs, RECIPE["batch_words"], tolerance=0.2, get_length=len)


def score_labels(
    golds: Sequence[Doc], predictions: Sequence[Sequence[tuple[int, int, str]]]
) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Strict scores of the old labels together, the new ones, and each."""
    scores = {}
    for name, labels in (("old", OLD), ("new", NEW), *((label, (label,)) for label in (*OLD, *NEW))):
        found = [[entity for entity in entities if entity[2] in labels] for entities in predictions]
        scores[name] = score(mark(golds, labels), found)
    return scores


def read_override(text: str) -> tuple[str, Any]:
    """RETURNS (tuple[str, Any]): The path in the config and the value of PATH=VALUE."""
    path, _, value = text.partition("=")
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--corpus", type=Path, required=True, help="folder with train.spacy, dev.spacy, test.spacy"
    )
    parser.add_argument(
        "--part", type=float, default=0.25, help="of the training documents, trained first (0.25)"
    )
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="with the new label (200)")
    parser.add_argument("--stages", nargs="+", choices=TITLES, default=list(TITLES), help="(all)")
    parser.add_argument(
        "--override", nargs="+", type=read_override, default=[], help="of the config, as vars.epochs=4"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=RECIPE["epochs"], help="with the new label (4)")
    parser.add_argument(
        "--learn-rate", type=float, default=RECIPE["learn_rate"], help="its highest rate (1e-4)"
    )
    parser.add_argument("--models", type=Path, required=True, help="where the trained pipelines are kept")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--max-steps", type=int, help="end each training so early, to try whether all runs")
    parser.add_argument("--few", type=int, default=0, help="score only so many documents, likewise")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
