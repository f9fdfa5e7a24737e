"""Whether the interval of a learning curve holds what comes: fitted up to 12 % of CoNLL++, tested at 25 %.

    python benchmarks/learning_curve.py --corpus corpus/conll --config configs/transformer_ner.cfg \\
        --work training/learning_curve --output benchmarks/results/learning_curve.json

`review status --curve` trains on an eighth, a quarter, half and all of 12 % of the training documents, twice each, and
foretells F1 for 25 %. Then 25 % are trained on, as often and for as many steps, which the curve didn't see. All are
scored on dev. What is there in --work is used again.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from corpus_parts import describe, read_split, take_part
from processes import machine
from results import save

from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.workflows.review.curve import learning_curve

FITTED, TESTED = 0.125, 0.25


def main(options: argparse.Namespace) -> int:
    docs = read_split(options.corpus, "train", options.few)
    dev = take_part(read_split(options.corpus, "dev"), options.dev_part)
    # Each document of the smaller part is in the larger one.
    larger = take_part(docs, TESTED)
    smaller = take_part(larger, FITTED / TESTED)
    with TemporaryDirectory() as scratch:
        paths = {name: Path(scratch) / f"{name}.spacy" for name in ("smaller", "larger", "dev")}
        for path, some in zip(paths.values(), (smaller, larger, dev), strict=True):
            save_docs(some, path)
        common: dict[str, Any] = {
            "dev": paths["dev"],
            "seeds": options.seeds,
            "steps": options.steps,
            "minutes": options.minutes,
            "overrides": options.override,
        }
        curve = learning_curve(
            paths["smaller"], options.config, work=options.work / "fitted", ahead=[len(larger)], **common
        )
        common["steps"] = curve.report["steps"]
        tested = learning_curve(
            paths["larger"], options.config, work=options.work / "tested", sizes=1, **common
        )
    for note in (*curve.notes, *tested.notes):
        print(note)
    if not (curve.complete and tested.complete):
        print("Not all trainings are done: run again to go on")
        return 1
    f1s = [point["f1"] for point in tested.report["points"]]
    foretold = next(iter(curve.report["ahead"]), None)
    result = {
        "machine": machine(options.threads),
        "corpus": {
            "name": options.corpus.name,
            "fitted": describe(smaller),
            "tested": describe(larger),
            "dev": describe(dev),
        },
        "steps": curve.report["steps"],
        "curve": curve.report,
        "foretold": foretold,
        "measured": f1s,
        "mean_is_within": None
        if foretold is None
        else foretold["interval"][0] <= sum(f1s) / len(f1s) <= foretold["interval"][1],
    }
    save(options.output, result)
    print({key: result[key] for key in ("foretold", "measured", "mean_is_within")})
    return 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train.spacy and dev.spacy")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where results of trainings are kept")
    parser.add_argument("--steps", type=int, help="of each training; as many as fit, 300 at most")
    parser.add_argument("--seeds", type=int, default=2, help="(2)")
    parser.add_argument(
        "--minutes", type=float, default=15, help="of the curve, and of what it is tested by (15)"
    )
    parser.add_argument("--dev-part", type=float, default=0.25, help="of dev (0.25)")
    parser.add_argument("--few", type=int, default=0, help="only the first training documents, for a try")
    parser.add_argument("--threads", type=int, default=1, help="of this machine, for the record (1)")
    parser.add_argument("--override", action="append", default=[], help="setting of the config as key=value")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
