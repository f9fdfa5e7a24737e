"""Training by an adapter beside full training, and what changes by other losses and rates: strict F1, trained
parameters, seconds.

    python benchmarks/lora.py --corpus corpus/synthetic --models training/benchmarks/lora-synthetic \\
        --output benchmarks/results/lora-synthetic.json
    python benchmarks/lora.py --corpus corpus/conll --part 0.25 --models training/benchmarks/lora-quarter \\
        --peers full lora --output benchmarks/results/lora-quarter.json

All are configs/transformer_ner.cfg with the few settings that `PEERS` names. Of a training's checkpoints the best on
dev is scored on test, on gold tokens. Trained parameters are all that the optimizer is given: head and added embeddings
count, and the share is of all parameters that full training has.

Each finished training and score is kept in --models and --output; started again, it goes on with those that are
missing. A folder PEER-SEED with a trained pipeline as `model-best` is taken as it is.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import spacy
import torch
from corpus_parts import describe, read_split, take_part
from peers.ours import CONFIG
from peers.spacy_training import load_for_tokens
from processes import machine
from results import SettingsChanged, find_run, open_results, save
from scoring import score
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from thinc.api import Config

from spacy_ner_plus.corpus import save_docs

LORA = {"model": {"lora": {"r": 8}}}
# What is set under [components.transformer_ner], by the name of the row.
PEERS: dict[str, tuple[str, dict[str, Any]]] = {
    "full": ("full training", {}),
    "lora": ("LoRA, r = 8", LORA),
    "rate_decay": (
        "full training, rates by layer 0.8",
        {"model": {"layer_rates": {"@misc": "spacy_ner_plus.layer_rate_decay.v1", "decay": 0.8}}},
    ),
    "unfreezing": (
        "full training, a layer more every 15 steps",
        {"model": {"layer_rates": {"@misc": "spacy_ner_plus.gradual_unfreezing.v1", "steps": 15}}},
    ),
    "focal": ("full training, focal loss", {"loss": {"@losses": "spacy_ner_plus.focal_loss.v1"}}),
    "weighted": (
        "full training, tokens outside of entities count half",
        {"loss": {"@losses": "spacy_ner_plus.weighted_cross_entropy.v1", "outside": 0.5}},
    ),
    "smoothing": (
        "full training, labels smoothed by 0.1",
        {"loss": {"@losses": "spacy_ner_plus.smoothed_cross_entropy.v1"}},
    ),
}


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    splits = {split: read_split(options.corpus, split, options.few) for split in ("train", "dev", "test")}
    splits["train"] = take_part(splits["train"], options.part)
    settings = {
        "corpus": {
            "name": options.corpus.name,
            "part": options.part,
            **{split: describe(docs) for split, docs in splits.items()},
        },
        "tokens": "gold",
        "overrides": dict(options.override),
    }
    try:
        open_results(options.output, settings)
    except SettingsChanged as error:
        print(error)
        return 1
    corpora = options.models / "corpora"
    corpora.mkdir(parents=True, exist_ok=True)
    for split, docs in splits.items():
        save_docs(docs, corpora / f"{split}.spacy")
    for seed in options.seeds:
        for peer in options.peers:
            results = open_results(options.output, settings)
            if find_run(results, peer, seed):
                print(f"{PEERS[peer][0]}, seed {seed}: done already", flush=True)
                continue
            folder = train(peer, seed, options)
            row = {
                "peer": peer,
                "title": PEERS[peer][0],
                "seed": seed,
                **read_report(folder),
                "machine": machine(options.threads),
                **{
                    split: score(splits[split], load_for_tokens(folder)(splits[split]))
                    for split in ("dev", "test")
                },
            }
            results = open_results(options.output, settings)
            results["runs"].append(row)
            results["summary"] = summary(results["runs"])
            save(options.output, results)
            print(f"{row['title']}, seed {seed}: test F1 {row['test']['f1']}", flush=True)
    return 0


def train(peer: str, seed: int, options: argparse.Namespace) -> Path:
    """Train by the config, unless that is done.

    RETURNS (Path): The folder, with `model-best` and `report.json`.
    """
    folder = options.models / f"{peer}-{seed}"
    if (folder / "model-best").is_dir():
        return folder
    beside = folder.with_name(f".{folder.name}.part")
    for path in (folder, beside):
        shutil.rmtree(path, ignore_errors=True)
    beside.mkdir(parents=True)
    overrides = {
        "paths.train": str(options.models / "corpora" / "train.spacy"),
        "paths.dev": str(options.models / "corpora" / "dev.spacy"),
        "paths.log": str(beside / "log.jsonl"),
        "system.seed": seed,
        **dict(options.override),
    }
    config = spacy.util.load_config(CONFIG, overrides=overrides, interpolate=False)
    config["components"]["transformer_ner"] = Config(config["components"]["transformer_ner"]).merge(
        PEERS[peer][1]
    )
    nlp = init_nlp(config, use_gpu=-1)
    report = count_parameters(nlp)
    began, used = time.perf_counter(), time.process_time()
    train_nlp(nlp, beside, use_gpu=-1, stdout=sys.stdout, stderr=sys.stderr)
    report["seconds"] = round(time.perf_counter() - began, 1)
    report["cpu_seconds"] = round(time.process_time() - used, 1)
    (beside / "report.json").write_text(json.dumps(report), encoding="utf8")
    shutil.rmtree(beside / "model-last", ignore_errors=True)
    os.replace(beside, folder)
    return folder


def count_parameters(nlp: spacy.Language) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): How many parameters are trained, and their share of what full training trains."""
    network = nlp.get_pipe("transformer_ner").token_scorer.tagger.network
    trained = sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
    whole = sum(weight.numel() for weight in network.plain_state().values() if weight.is_floating_point())
    return {"trained_parameters": trained, "share": round(trained / whole, 5)}


def read_report(folder: Path) -> dict[str, Any]:
    path = folder / "report.json"
    return json.loads(path.read_text(encoding="utf8")) if path.exists() else {}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Mean test F1 of each row, and how many points it is above or below full training on the
    seeds that both have."""
    by_peer: dict[str, dict[int, float]] = {}
    for run in runs:
        by_peer.setdefault(run["peer"], {})[run["seed"]] = run["test"]["f1"]
    found = {}
    for peer, scores in by_peer.items():
        both = scores.keys() & by_peer.get("full", {}).keys()
        points = [100 * (scores[seed] - by_peer["full"][seed]) for seed in both]
        found[peer] = {
            "test_f1": round(sum(scores.values()) / len(scores), 4),
            "seeds": len(scores),
            "points_to_full": round(sum(points) / len(points), 2) if points else None,
        }
    return found


def read_pair(text: str) -> tuple[str, Any]:
    """RETURNS (tuple[str, Any]): The name and the value of NAME=VALUE."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train, dev and test.spacy")
    parser.add_argument("--part", type=float, default=1.0, help="of the training documents (1.0)")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="which rows (all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="(0 1 2)")
    parser.add_argument(
        "--override", type=read_pair, nargs="+", default=[], help="of the config, as vars.epochs=4"
    )
    parser.add_argument("--models", type=Path, required=True, help="where trainings are kept")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--few", type=int, default=0, help="of each split so many documents, to try it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
