"""A new type for a GLiNER model: what becomes of the types that it knew, with and without rehearsal.

    python benchmarks/zero_shot_training.py --corpus corpus/conll --models training/benchmarks/zero-shot \\
        --output benchmarks/results/zero_shot_training.json

CoNLL++. A GLiNER model is made on the packaged encoder and trained by configs/zero_shot_ner.cfg on a quarter of the
training documents, of which LOC, MISC and PER alone are marked. Then it is trained on with 100 other documents of
which ORG alone is marked, without rehearsal and with it, on the same texts. Beside it gliner's own trainer: on the same
quarter from the encoder, and with the same 100 documents from the model that ours was trained on from; the labels that
are annotated are what it is asked for, in the same words, as many documents at once as make batches of like size, rates
and schedule as here, and all else its own. All are scored on test, asked for all four types.

What is there in --models is used again, and each finished run is written at once.
"""

import argparse
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import spacy
import torch
from corpus_parts import describe, read_split, take_part
from new_labels import further_documents, mark
from peers.sentences import doc_entities
from peers.spacy_training import read_config, train_from_config
from processes import machine
from results import SettingsChanged, find_run, open_results, save
from scoring import score
from spacy.tokens import Doc

from spacy_ner_plus.corpus import bare_copy
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.models.zero_shot.checkpoint import read_checkpoint
from spacy_ner_plus.models.zero_shot.training.gold_windows import gold_windows
from spacy_ner_plus.models.zero_shot.windows import Windowing
from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel
from spacy_ner_plus.pipeline.zero_shot_ner.gold_text import gold_text

CONFIG = Path(__file__).parent.parent / "configs" / "zero_shot_ner.cfg"
NAMES = {"location": "LOC", "miscellaneous": "MISC", "person": "PER", "organization": "ORG"}
OLD, NEW = ("LOC", "MISC", "PER"), ("ORG",)
DOCUMENTS, DEV_DOCUMENTS = 100, 40
TITLES = {
    "before": "LOC, MISC and PER, on the encoder",
    "tuned": "with ORG, without rehearsal",
    "rehearsed": "with ORG, the others rehearsed",
    "gliner_before": "LOC, MISC and PER, on the encoder, by gliner's trainer",
    "gliner_tuned": "with ORG, by gliner's trainer",
}
BEFORE = {"epochs": 10, "batch_words": 600, "learn_rate": 1e-4, "min_steps": 0, "evals_per_epoch": 0.5}
TUNING = {"epochs": 10, "batch_words": 600, "learn_rate": 1e-4, "min_steps": 0, "evals_per_epoch": 0.5}
WINDOW = 384
# Documents of so many words on average make batches as large as the config's.
GLINER_BATCH = 3


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    docs = read_split(options.corpus, "train")
    first, second = take_part(docs, options.part), further_documents(docs, options.part, options.documents)
    dev = read_split(options.corpus, "dev")
    random.Random(0).shuffle(dev)
    dev = dev[:DEV_DOCUMENTS]
    test = read_split(options.corpus, "test")[: options.few or None]
    settings = {
        "corpus": {
            "name": options.corpus.name,
            "part": options.part,
            "first": {"annotated": list(OLD), **describe(mark(first, OLD))},
            "second": {"annotated": list(NEW), **describe(mark(second, NEW))},
            "dev": describe(dev),
            "test": describe(test),
        },
        "recipes": {"before": BEFORE, "tuning": TUNING, "gliner_batch": GLINER_BATCH},
        "max_steps": options.max_steps,
    }
    before = options.models / f"before-{options.seed}" / "model-best" / "zero_shot_ner" / "model"
    stages: dict[str, Callable[[Path], None]] = {
        "before": lambda folder: train(mark(first, OLD), mark(dev, OLD), folder, BEFORE, None, options),
        "tuned": lambda folder: train(mark(second, NEW), mark(dev, NEW), folder, TUNING, before, options),
        "rehearsed": lambda folder: train(
            mark(second, NEW), mark(dev, NEW), folder, TUNING, before, options, rehearsal=options.rehearsal
        ),
        "gliner_before": lambda folder: train_by_gliner(mark(first, OLD), folder, BEFORE, None, options),
        "gliner_tuned": lambda folder: train_by_gliner(mark(second, NEW), folder, TUNING, before, options),
    }
    try:
        for name in options.stages:
            run(name, stages[name], test, settings, options)
    except SettingsChanged as error:
        print(error)
        return 1
    return 0


def run(
    name: str,
    stage: Callable[[Path], None],
    test: list[Doc],
    settings: dict[str, Any],
    options: argparse.Namespace,
) -> None:
    """Train and score one model, unless that is done, and write the result."""
    results = open_results(options.output, settings)
    if find_run(results, name, options.seed):
        print(f"{TITLES[name]}: done already", flush=True)
        return
    folder = options.models / f"{name}-{options.seed}"
    if not folder.is_dir():
        beside = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        began = time.perf_counter()
        stage(beside)
        (beside / "seconds").write_text(f"{time.perf_counter() - began:.1f}", encoding="utf8")
        os.replace(beside, folder)
    row: dict[str, Any] = {
        "peer": name,
        "title": TITLES[name],
        "seed": options.seed,
        "rehearsal": options.rehearsal if name == "rehearsed" else 0.0,
        "seconds": float((folder / "seconds").read_text(encoding="utf8")),
        "machine": machine(options.threads),
        "test": evaluate(folder, test),
    }
    results = open_results(options.output, settings)
    results["runs"].append(row)
    results["summary"] = summary(results["runs"])
    save(options.output, results)
    old, new = row["test"]["old"]["f1"], row["test"]["new"]["f1"]
    print(f"{TITLES[name]}: test F1 of LOC, MISC and PER {old}, of ORG {new}", flush=True)


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): F1 of old and new types, and what the old ones lost to the model before."""
    by = {row["peer"]: row["test"] for row in runs}
    before = by.get("before")
    return {
        name: {
            "old_f1": scores["old"]["f1"],
            "new_f1": scores["new"]["f1"],
            "old_f1_lost": round(before["old"]["f1"] - scores["old"]["f1"], 4) if before else None,
        }
        for name, scores in by.items()
    }


def train(
    docs: list[Doc],
    dev: list[Doc],
    folder: Path,
    recipe: dict[str, float],
    model: Path | None,
    options: argparse.Namespace,
    *,
    rehearsal: float = 0.0,
) -> None:
    """Train by configs/zero_shot_ner.cfg; without a model a new one on the packaged encoder."""
    config = read_config(CONFIG, docs, dev, folder, options.seed)
    config["paths"].update(model=str(model or ""), encoder=None if model else encoder_path_v1())
    config["vars"].update(recipe, device="cpu")
    asked = {name: label for name, label in NAMES.items() if model or label in OLD}
    config["components"]["zero_shot_ner"].update(label_map=asked, rehearsal=rehearsal)
    train_from_config(config, folder, {"max_steps": options.max_steps})


def train_by_gliner(
    docs: list[Doc], folder: Path, recipe: dict[str, float], model: Path | None, options: argparse.Namespace
) -> None:
    """Train by gliner's own trainer, on the windows that ours lays, in gliner's words."""
    import gliner

    if model is None:
        from spacy_ner_plus.models.zero_shot.training.new_model import new_gliner

        model = folder / "start"
        ZeroShotModel.of(new_gliner(encoder_path_v1()), "start").save(model)
    ours = ZeroShotModel.of(read_checkpoint(str(model)), "start").model
    prompts = {label: name for name, label in NAMES.items()}
    samples = [
        {
            "tokenized_text": [word.text for word in window.window.words],
            "ner": [(span.start, span.end - 1, prompts[span.label]) for span in window.spans],
            "ner_labels": [prompts[label] for label in sorted(window.labels or ())],
        }
        for window in gold_windows(ours, [gold_text(doc) for doc in docs], Windowing(WINDOW, 64, pieces=480))
    ]
    random.seed(options.seed)
    torch.manual_seed(options.seed)
    theirs = gliner.GLiNER.from_pretrained(str(model), local_files_only=True)
    steps = round(recipe["epochs"] * sum(len(s["tokenized_text"]) for s in samples) / recipe["batch_words"])
    theirs.train_model(
        train_dataset=samples,
        # It is looked at where one asks for evaluations alone, and none is.
        eval_dataset=samples[:GLINER_BATCH],
        output_dir=str(folder / "trainer"),
        max_steps=options.max_steps or steps,
        learning_rate=recipe["learn_rate"],
        others_lr=5 * recipe["learn_rate"],
        weight_decay=0.01,
        others_weight_decay=0.01,
        warmup_ratio=0.1,
        lr_scheduler_type="linear",
        per_device_train_batch_size=GLINER_BATCH,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        dataloader_num_workers=0,
        seed=options.seed,
    )
    theirs.save_pretrained(folder / "gliner", safe_serialization=True)
    for name in ("trainer", "start"):
        shutil.rmtree(folder / name, ignore_errors=True)


def evaluate(folder: Path, test: list[Doc]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Strict scores of the old types together, the new one, and each."""
    saved = (
        folder / "gliner"
        if (folder / "gliner").is_dir()
        else folder / "model-best" / "zero_shot_ner" / "model"
    )
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "zero_shot_ner",
        config={"model": str(saved), "label_map": NAMES, "device": "cpu", "precision": "fp32"},
    )
    predictions = [doc_entities(doc) for doc in nlp.pipe(bare_copy(doc, nlp.vocab) for doc in test)]
    scores = {}
    for name, labels in (("old", OLD), ("new", NEW), *((label, (label,)) for label in (*OLD, *NEW))):
        found = [[entity for entity in entities if entity[2] in labels] for entities in predictions]
        scores[name] = score(mark(test, labels), found)
    return scores


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train, dev and test.spacy")
    parser.add_argument(
        "--part", type=float, default=0.25, help="of the training documents, trained first (0.25)"
    )
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="with the new type (100)")
    parser.add_argument("--rehearsal", type=float, default=1.0, help="how much it counts (1.0)")
    parser.add_argument("--stages", nargs="+", choices=TITLES, default=list(TITLES), help="(all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=Path, required=True, help="where the trained models are kept")
    parser.add_argument("--threads", type=int, default=1, help="(1)")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--max-steps", type=int, help="end each training so early, to try whether all runs")
    parser.add_argument("--few", type=int, default=0, help="score only so many documents, likewise")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
