"""Time and memory of evaluating and comparing three pipelines' predictions on a whole test set.

    python benchmarks/evaluation.py CORPUS.spacy [--output benchmarks/results/evaluation.json]

No pipeline is needed: predictions are gold's entities disturbed at random, with a fixed seed
and more for each. What is measured is what `spacy-ner-plus evaluate` and `compare` do once a
pipeline has predicted: strict scores by seqeval and by spaCy and their agreement, all schemes,
intervals, errors, slices, calibration; then the tests of all pairs by all schemes and labels.
Each round runs in a process of its own, whose peak of memory is its own.

The corpus is the CoNLL++ test set, as `spacy-ner-plus convert test.txt test.spacy` makes it.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "evaluation.json"
ROUNDS = 3
# How many of the entities are disturbed, by pipeline.
RATES = {"a little": 0.05, "more": 0.1, "much": 0.2}
RESAMPLES = 1000


def disturb(gold: Any, rate: float, seed: int) -> Any:
    """Make a prediction out of gold.

    gold (Doc): The gold Doc.
    rate (float): How many of its entities are missed, get another label or other bounds, are split or
        move elsewhere.
    seed (int): Of the random numbers.
    RETURNS (Doc): A Doc with the same tokens, whose entities have scores.
    """
    from spacy.tokens import Doc, Span, SpanGroup

    from spacy_ner_plus.spans import without_overlaps

    rng = random.Random(seed)
    words, spaces = [token.text for token in gold], [bool(token.whitespace_) for token in gold]
    doc = Doc(gold.vocab, words=words, spaces=spaces)
    labels = sorted({ent.label_ for ent in gold.ents})
    found = []
    for ent in gold.ents:
        pieces = [(ent.start, ent.end, ent.label_)]
        if rng.random() < rate:
            kind = rng.choice(("missed", "label", "bounds", "split", "elsewhere"))
            start = rng.randrange(len(doc))
            pieces = {
                "missed": [],
                "label": [(ent.start, ent.end, rng.choice(labels))],
                "bounds": [(max(0, ent.start - rng.randrange(2)), min(len(doc), ent.end + 1), ent.label_)],
                "split": [(i, i + 1, ent.label_) for i in range(ent.start, ent.end)],
                "elsewhere": [(start, start + 1, ent.label_)],
            }[kind]
        found += [Span(doc, *piece) for piece in pieces]
    ents, _ = without_overlaps(found)
    doc.set_ents(ents)
    right = {(ent.start, ent.end, ent.label_) for ent in gold.ents}
    scores = [rng.betavariate(8, 1 if (ent.start, ent.end, ent.label_) in right else 3) for ent in ents]
    doc.spans["disturbed"] = SpanGroup(doc, spans=ents, attrs={"scores": scores})
    return doc


def evaluate_all(
    golds: list[Any], predictions: dict[str, list[Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """RETURNS (tuple): The comparison, and seconds of wall clock and processor for `evaluate` and `compare`."""
    import spacy

    from spacy_ner_plus.evaluation.comparison.compare import compare_pipelines
    from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
    from spacy_ner_plus.evaluation.counting.agreement import agreement
    from spacy_ner_plus.evaluation.counting.document_counts import count_documents
    from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
    from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
    from spacy_ner_plus.evaluation.metrics.compute import compute_metrics
    from spacy_ner_plus.evaluation.metrics.file import corpus_fingerprint
    from spacy_ner_plus.evaluation.spacy_scores import spacy_scores

    nlp = spacy.blank("en")
    corpus = {"name": "test", "documents": len(golds), "fingerprint": corpus_fingerprint(golds)}
    rest = {
        "corpus": corpus,
        "pipeline": {},
        "settings": {"tokens": "gold", "similarity_threshold": 0.9},
        "performance": {"processor": ""},
    }
    spent = Spent()
    rows = {}
    for name, docs in predictions.items():
        matched = match_docs(golds, docs)
        seqeval = seqeval_scores(matched)
        scores, standard = spacy_scores(nlp, golds, docs, matched)
        agreed = agreement(scores, standard, seqeval, matched)
        if not agreed["agree"]:
            raise ValueError(f"seqeval and spaCy disagree: {agreed['reasons']}")
        rows[name] = {**compute_metrics(matched, train=golds, resamples=RESAMPLES), **rest}
    spent.note("evaluate")
    # Matched and counted again, as `compare` does with predictions that it reads.
    pipelines = [
        ComparedPipeline(name, [row], [count_documents(match_docs(golds, predictions[name]))])
        for name, row in rows.items()
    ]
    comparison = compare_pipelines(pipelines, resamples=RESAMPLES)
    spent.note("compare")
    return comparison, spent.seconds


class Spent:
    """Seconds since the last note, by the wall clock and of the processor."""

    def __init__(self):
        self.seconds: dict[str, dict[str, float]] = {}
        self._last = time.perf_counter(), time.process_time()

    def note(self, name: str) -> None:
        now = time.perf_counter(), time.process_time()
        wall, cpu = (b - a for a, b in zip(self._last, now, strict=True))
        self.seconds[name] = {"wall": round(wall, 3), "cpu": round(cpu, 3)}
        self._last = now


def run_once(path: Path) -> dict[str, Any]:
    """Load, evaluate and compare, and tell what it took."""
    import spacy

    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.evaluation.metrics.performance import peak_memory

    golds = load_docs(path, spacy.blank("en").vocab)
    predictions = {
        name: [disturb(gold, rate, 1000 * number + k) for number, gold in enumerate(golds)]
        for k, (name, rate) in enumerate(RATES.items())
    }
    before = peak_memory()
    comparison, seconds = evaluate_all(golds, predictions)
    strict = [row for row in comparison["pairs"] if row["measure"] == "strict" and row["label"] is None]
    return {
        "corpus": {
            "file": path.name,
            "documents": len(golds),
            "tokens": sum(map(len, golds)),
            "entities": sum(len(gold.ents) for gold in golds),
        },
        "pipelines": {
            row["name"]: round(row["schemes"]["strict"]["f1"], 4) for row in comparison["pipelines"]
        },
        "tests": len(comparison["pairs"]),
        "largest_p_of_strict_f1": max(row["p_holm"] for row in strict),
        "seconds": seconds,
        "peak_mib_with_docs_alone": before,
        "peak_mib": peak_memory(),
    }


def main(options: argparse.Namespace) -> None:
    if options.once:
        print(json.dumps(run_once(options.corpus)))
        return
    from processes import machine
    from results import save

    command = [sys.executable, __file__, str(options.corpus), "--once"]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(options.rounds)
    ]
    seconds = {
        step: {clock: [run["seconds"][step][clock] for run in runs] for clock in ("wall", "cpu")}
        for step in ("evaluate", "compare")
    }
    medians = {
        clock: round(
            statistics.median(sum(run["seconds"][step][clock] for step in seconds) for run in runs),
            2,
        )
        for clock in ("wall", "cpu")
    }
    kept = ("corpus", "pipelines", "tests", "largest_p_of_strict_f1", "peak_mib_with_docs_alone")
    result = {
        "machine": machine(options.threads),
        "rounds": options.rounds,
        "resamples": RESAMPLES,
        **{key: runs[0][key] for key in kept},
        "seconds": seconds,
        "median_seconds_together": medians,
        "peak_mib": max(run["peak_mib"] for run in runs),
    }
    save(options.output, result)
    print(json.dumps(result, indent=2))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=2, help="what OMP_NUM_THREADS was, for the record")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse())
