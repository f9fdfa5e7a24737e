"""How far scores are from the share that is right, on test, before and after calibration on dev.

    python benchmarks/calibration.py --corpus corpus/conll --models training/benchmarks/quality-conll \\
        --seeds 0 1 2 --output benchmarks/results/calibration.json --plot docs/images/reliability.svg

Takes our pipelines that quality.py trained, on the corpus's own tokens. Temperatures are fitted on dev alone.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path
from typing import Any

import spacy
import torch
from corpus_parts import read_split
from processes import machine
from results import save
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.corpus import bare_copy
from spacy_ner_plus.evaluation.confidence.calibration import reliability, reliability_plot
from spacy_ner_plus.evaluation.confidence.scored_entities import scored_entities
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.files import write_whole

COMPONENT = "transformer_ner"
TIMES = ("before", "after")


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    dev, test = (read_split(options.corpus, split) for split in ("dev", "test"))
    runs = []
    for seed in options.seeds:
        folder = options.models / f"ours-{seed}" / "model-best"
        if not folder.is_dir():
            print(f"There is no {folder}: train it by quality.py")
            return 1
        runs.append({"seed": seed, **measure(spacy.load(folder), dev, test)})
        print(f"seed {seed}: {runs[-1]['test']['before']['ece']:.4f}, {runs[-1]['test']['after']['ece']:.4f}")
    if options.plot:
        curves = [(time, runs[0]["test"][time]) for time in TIMES]
        write_whole(
            options.plot, reliability_plot(curves, f"Reliability, {options.corpus.name} test").encode()
        )
    mean = {time: round(statistics.fmean(run["test"][time]["ece"] for run in runs), 4) for time in TIMES}
    save(
        options.output,
        {
            "corpus": options.corpus.name,
            "machine": machine(options.threads),
            "bins": "15 of equally many entities",
            "mean_ece_on_test": mean,
            "runs": runs,
        },
    )
    return 0


def measure(nlp: Language, dev: list[Doc], test: list[Doc]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The temperature, and `dev` and `test`, each `before` and `after`."""
    pipe = nlp.get_pipe(COMPONENT)
    fitted = pipe.calibrate([Example(bare_copy(doc, nlp.vocab), doc) for doc in dev])
    found: dict[str, Any] = {
        "temperature": fitted.temperature,
        "dev": {
            "before": reliability(fitted.before, fitted.right),
            "after": reliability(fitted.after, fitted.right),
        },
        "test": {},
    }
    for time, temperature in zip(TIMES, (1.0, fitted.temperature), strict=True):
        pipe.cfg["temperature"] = temperature
        predicted = list(nlp.pipe(bare_copy(doc, nlp.vocab) for doc in test))
        found["test"][time] = reliability(*scored_entities(match_docs(test, predicted))[:2])
    for row in (found[split][time] for split in ("dev", "test") for time in TIMES):
        row["ece"] = round(row["ece"], 4)
    return found


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with dev and test.spacy")
    parser.add_argument("--models", type=Path, required=True, help="trained folders, of quality.py")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--plot", type=Path, help="where the first seed's curves are drawn (.svg)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
