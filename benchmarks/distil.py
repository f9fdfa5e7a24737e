"""Teacher to student: what students gain over pipelines that were trained as their teachers were.

    python benchmarks/distil.py --kind self --corpus corpus/conll --models training/benchmarks/distil-conll \\
        --output benchmarks/results/distil-conll.json
    python benchmarks/distil.py --kind unlabelled --corpus corpus/crossner_ai --models training/benchmarks/distil-ai \\
        --output benchmarks/results/distil-crossner_ai.json

'single': pipelines by configs/transformer_ner.cfg on the training documents, one a seed. All of them are one teacher:
`spacy-ner-plus distil` writes what they say. 'student': pipelines by the same config on what was distilled. So both
have the same network, and the same speed. With `--student-override components.transformer_ner.model.head_seed=0`
students begin with one head, and 'average' is `spacy-ner-plus average` of them: one network of that speed, too. With
`--override components.transformer_ner.model.head_seed=0` single ones do, and 'single_average' is theirs. Without a seed
after --student-seeds nothing is distilled:

    python benchmarks/distil.py --kind self --corpus corpus/conll --models training/benchmarks/average-conll \\
        --override components.transformer_ner.model.head_seed=0 --student-seeds \\
        --output benchmarks/results/average-conll.json

self: the texts are the training documents themselves, whose gold tags stay beside the soft ones (--soften-gold). Which
checkpoint is kept is chosen on dev, for both.
unlabelled: the texts are those of dev, whose labels nobody looks at, beside the training documents. The number of steps
is chosen by five folds of the training documents, and what they end with is scored. Students take as many steps, or
with --as-many epochs so many more as they have more words to read, so that they see each word as often.

Each finished training, corpus and score is kept in --models and --output; started again, it goes on with those that are
missing. A folder `single-SEED` with a trained pipeline as `model-best` is taken as it is.
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
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from corpus_parts import describe, read_split, take_part
from peers.ours import CONFIG
from peers.sentences import doc_entities
from peers.spacy_training import load_for_tokens
from processes import machine
from results import SettingsChanged, find_run, open_results, save
from scoring import score
from spacy.cli.train import train as spacy_train
from spacy.tokens import Doc

from spacy_ner_plus import average, distil
from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.evaluation.statistics.resampling import resampled_means

TITLES = {
    "single": "trained on gold alone",
    "single_average": "the weights of these averaged",
    "teacher": "the teacher: what most of these say",
    "student": "trained on what the teacher says, and gold",
    "average": "the weights of these averaged",
}
# What is compared with single pipelines, and the key of its gain.
GAINS = {"single_average": "single_average_gain", "student": "gain", "average": "average_gain"}
# Trainings whose heads begin alike can be averaged.
HEAD_SEED = "components.transformer_ner.model.head_seed"
FOLDS = 5
# Evaluations of a training whose last weights are taken.
NEVER = 10**9
COMPONENT = "components.transformer_ner"


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    splits = {split: read_split(options.corpus, split, options.few) for split in ("train", "dev", "test")}
    splits["train"] = take_part(splits["train"], options.part)
    settings = {
        "kind": options.kind,
        "corpus": {
            "name": options.corpus.name,
            "part": options.part,
            **{split: describe(docs) for split, docs in splits.items()},
        },
        "tokens": "gold",
        "seeds": options.seeds,
        "student_seeds": options.student_seeds,
        "teachers": [name for name, _ in options.teacher],
        "temperature": options.temperature,
        "overrides": dict(options.override),
        "student_overrides": dict(options.student_override),
        "candidates": options.steps if options.kind == "unlabelled" else None,
        "max_steps": options.max_steps,
    }
    if options.as_many != "steps":
        settings["as_many"] = options.as_many
    try:
        return Benchmark(splits, settings, options).run()
    except SettingsChanged as error:
        print(error)
        return 1


class Benchmark:
    """The trainings of one experiment, and what they gain.

    splits (dict[str, list[Doc]]): train, dev and test.
    settings (dict[str, Any]): What the result file is of.
    """

    def __init__(self, splits: dict[str, list[Doc]], settings: dict[str, Any], options: argparse.Namespace):
        self.splits = splits
        self.settings = settings
        self.options = options
        self.models: Path = options.models
        self.is_self = options.kind == "self"
        # Another mix or temperature makes other students of the same teachers.
        made_of = ("seeds", "teachers", "temperature", "overrides", "student_overrides", "max_steps")
        parts = [options.few, *(settings[key] for key in made_of)]
        if "as_many" in settings:
            parts.append(settings["as_many"])
        mix = json.dumps(parts)
        self.student_name = f"student-{blake2b(mix.encode(), digest_size=4).hexdigest()}"
        open_results(options.output, settings)
        self.corpora = self.models / "corpora"
        self.corpora.mkdir(parents=True, exist_ok=True)
        for split, docs in splits.items():
            save_docs(docs, self.corpora / f"{split}.spacy")

    def run(self) -> int:
        options = self.options
        steps = None if self.is_self else self.choose_steps()
        for seed in options.seeds:
            self.row("single", seed, lambda seed=seed: self.single(seed, steps))
        if HEAD_SEED in dict(options.override) and len(options.seeds) > 1:
            self.row("single_average", 0, lambda: self.average("single", options.seeds))
        if not options.student_seeds:
            return 0
        texts = self.corpora / ("train.spacy" if self.is_self else "dev.spacy")
        teachers = [f"seed{seed}={self.models / f'single-{seed}' / 'model-best'}" for seed in options.seeds]
        teachers += [f"{name}={pipeline}" for name, pipeline in options.teacher]
        self.teacher_row(teachers)
        out = self.models / f"{self.student_name}.spacy"
        made = distil(
            teachers,
            texts,
            out,
            gold=self.corpora / "train.spacy",
            soften_gold=self.is_self,
            temperature=options.temperature,
            work=self.models / "answers",
        )
        self.note(
            "distilled", {key: made.report[key] for key in ("soft_tags", "mix", "alpha", "kept", "doubtful")}
        )
        for seed in options.student_seeds:
            self.row("student", seed, lambda seed=seed: self.student(seed, out, steps))
        if HEAD_SEED in dict(options.student_override) and len(options.student_seeds) > 1:
            self.row("average", 0, lambda: self.average(self.student_name, options.student_seeds))
        return 0

    # What is trained

    def choose_steps(self) -> int:
        """RETURNS (int): The number of steps whose mean F1 over folds of the training documents is the highest."""
        results = open_results(self.options.output, self.settings)
        found: dict[str, list[float]] = results.get("folds", {})
        docs = list(self.splits["train"])
        random.Random(0).shuffle(docs)
        for steps in self.options.steps:
            scores = found.setdefault(str(steps), [])
            for fold in range(len(scores), FOLDS):
                held_out = docs[fold::FOLDS]
                rest = [doc for number, doc in enumerate(docs) if number % FOLDS != fold]
                train = self.corpora / f"fold-{fold}.spacy"
                save_docs(rest, train)
                folder = self.train(f"fold-{fold}-{steps}", train, 0, steps, {})
                scores.append(score(held_out, load_for_tokens(folder)(held_out))["f1"])
                shutil.rmtree(folder)
                self.note("folds", found)
                print(f"{steps} steps, fold {fold}: F1 {scores[-1]}", flush=True)
        steps = max(self.options.steps, key=lambda steps: statistics.fmean(found[str(steps)]))
        self.note("steps", steps)
        return steps

    def single(self, seed: int, steps: int | None) -> Path:
        return self.train(f"single-{seed}", self.corpora / "train.spacy", seed, steps, {})

    def student(self, seed: int, corpus: Path, steps: int | None) -> Path:
        if steps is not None and self.options.as_many == "epochs":
            read = sum(len(doc) for split in ("train", "dev") for doc in self.splits[split])
            steps = round(steps * read / sum(len(doc) for doc in self.splits["train"]))
        return self.train(
            f"{self.student_name}-{seed}", corpus, seed, steps, dict(self.options.student_override)
        )

    def average(self, name: str, seeds: Sequence[int]) -> Path:
        folder = self.models / f"{name}-average"
        shutil.rmtree(folder, ignore_errors=True)
        trainings = [self.models / f"{name}-{seed}" for seed in seeds]
        # Nothing is chosen on dev, and the average is scored whatever it is.
        average([training / "model-best" for training in trainings], folder / "model-best")
        return folder

    def train(self, name: str, corpus: Path, seed: int, steps: int | None, overrides: dict[str, Any]) -> Path:
        """Train by the config, unless that is done.

        steps (int | None): How many, whose last weights are kept; None for the config's, and the best on dev.
        RETURNS (Path): The folder, with `model-best` and `seconds`.
        """
        folder = self.models / name
        if (folder / "model-best").is_dir():
            return folder
        beside = folder.with_name(f".{name}.part")
        for path in (folder, beside):
            shutil.rmtree(path, ignore_errors=True)
        given = {
            "paths.train": str(corpus),
            # Only where the best is chosen is it looked at.
            "paths.dev": str(self.corpora / "dev.spacy" if steps is None else self.first_document()),
            "paths.log": str(beside / "log.jsonl"),
            "system.seed": seed,
            **dict(self.options.override),
            **overrides,
        }
        if steps is not None:
            given |= {"vars.epochs": 1, "vars.min_steps": steps, "training.eval_frequency": NEVER}
        if self.options.max_steps:
            given["training.max_steps"] = self.options.max_steps
        beside.mkdir(parents=True)
        began = time.perf_counter()
        spacy_train(CONFIG, beside, overrides=given, use_gpu=0 if self.options.gpu else -1)
        (beside / "seconds").write_text(f"{time.perf_counter() - began:.1f}", encoding="utf8")
        if steps is not None:
            shutil.rmtree(beside / "model-best", ignore_errors=True)
            os.replace(beside / "model-last", beside / "model-best")
        shutil.rmtree(beside / "model-last", ignore_errors=True)
        os.replace(beside, folder)
        return folder

    def first_document(self) -> Path:
        """A corpus of one training document: spaCy wants one to evaluate on."""
        path = self.corpora / "first.spacy"
        save_docs(self.splits["train"][:1], path)
        return path

    # What is written

    def row(self, peer: str, seed: int, train: Callable[[], Path]) -> None:
        """Train and score a pipeline, unless that is done, and write its result."""
        results = open_results(self.options.output, self.settings)
        if find_run(results, peer, seed):
            print(f"{TITLES[peer]}, seed {seed}: done already", flush=True)
            return
        folder = train()
        seconds = folder / "seconds"
        test = self.splits["test"]
        self.add(
            {
                "peer": peer,
                "title": TITLES[peer],
                "seed": seed,
                "seconds": float(seconds.read_text(encoding="utf8")) if seconds.exists() else None,
                "machine": machine(self.options.threads),
                **score_documents(test, load_for_tokens(folder)(test)),
            }
        )

    def teacher_row(self, teachers: list[str]) -> None:
        """Score what most of the teachers say."""
        if find_run(open_results(self.options.output, self.settings), "teacher", 0):
            return
        made = distil(teachers, self.corpora / "test.spacy", work=self.models / "test.answers", resamples=0)
        found = [doc_entities(doc) for doc in made.docs]
        row = {"peer": "teacher", "title": TITLES["teacher"], "seed": 0}
        self.add({**row, **score_documents(self.splits["test"], found)})

    def add(self, row: dict[str, Any]) -> None:
        results = open_results(self.options.output, self.settings)
        results["runs"].append(row)
        results["summary"] = summary(results["runs"])
        save(self.options.output, results)
        print(f"{row['title']}, seed {row['seed']}: test F1 {row['test']['f1']}", flush=True)

    def note(self, key: str, value: Any) -> None:
        results = open_results(self.options.output, self.settings)
        results[key] = value
        save(self.options.output, results)


def score_documents(golds: Sequence[Doc], predictions: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Scores of the whole, and of each document how many are right, predicted and gold."""
    by_document = [score([gold], [found]) for gold, found in zip(golds, predictions, strict=True)]
    return {
        "test": score(golds, predictions),
        "documents": [[row["correct"], row["predicted"], row["gold"]] for row in by_document],
    }


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Mean F1 of each kind of pipeline, and what students and averages gain over single ones,
    with a 95 % interval by resampling documents and trainings."""
    counts = {name: [np.array(run["documents"]) for run in runs if run["peer"] == name] for name in TITLES}
    found: dict[str, Any] = {"f1": {name: _mean(of) for name, of in counts.items() if of}}
    for name, key in GAINS.items():
        if not (counts["single"] and counts[name]):
            continue
        single, other = (
            resampled_means(counts[one], f1, stream=stream) for stream, one in enumerate(("single", name))
        )
        low, high = np.quantile(other - single, [0.025, 0.975])
        found[key] = round(found["f1"][name] - found["f1"]["single"], 4)
        found[f"{key}_interval"] = [round(float(low), 4), round(float(high), 4)]
    return found


def _mean(counts: Sequence[np.ndarray]) -> float:
    return round(statistics.fmean(float(f1(one.sum(axis=0))) for one in counts), 4)


def f1(sums: np.ndarray) -> np.ndarray:
    """RETURNS (ndarray): F1 of counts of what is right, predicted and gold, along the last axis."""
    correct, both = sums[..., 0], sums[..., 1] + sums[..., 2]
    return np.divide(2 * correct, both, out=np.zeros(np.shape(both)), where=both > 0)


def read_pair(text: str) -> tuple[str, Any]:
    """RETURNS (tuple[str, Any]): The name and the value of NAME=VALUE."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kind", choices=("self", "unlabelled"), required=True, help="which experiment")
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train, dev and test.spacy")
    parser.add_argument("--part", type=float, default=1.0, help="of the training documents (1.0)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the teachers (0 1 2)")
    parser.add_argument(
        "--student-seeds", type=int, nargs="*", default=[0, 1, 2], help="none: single ones alone (0 1 2)"
    )
    parser.add_argument(
        "--teacher", type=read_pair, nargs="+", default=[], metavar="NAME=PIPELINE", help="one more teacher"
    )
    parser.add_argument("--temperature", type=float, default=1.0, help="of the soft tags (1.0)")
    parser.add_argument(
        "--override", type=read_pair, nargs="+", default=[], help="of the config, as vars.epochs=4"
    )
    parser.add_argument(
        "--student-override",
        type=read_pair,
        nargs="+",
        default=[],
        help=f"of the students' alone, as {COMPONENT}.soft_share=0.7",
    )
    parser.add_argument(
        "--steps", type=int, nargs="+", default=[150, 300, 600], help="folds choose among these (150 300 600)"
    )
    parser.add_argument(
        "--as-many",
        choices=("steps", "epochs"),
        default="steps",
        help="what students take as many of (steps)",
    )
    parser.add_argument("--models", type=Path, required=True, help="where trainings are kept")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--gpu", action="store_true", help="train on a GPU")
    parser.add_argument(
        "--max-steps", type=int, default=0, help="end each training so early, to try whether all runs"
    )
    parser.add_argument("--few", type=int, default=0, help="only so many documents of each split, likewise")
    options = parser.parse_args(arguments)
    options.models = options.models.resolve()
    return options


if __name__ == "__main__":
    sys.exit(main(parse()))
