"""A simulation of variants that compete: no chat model is asked, and the quality of all replies is known.

Three variants answer sentences of CoNLL++ with mistakes at known rates, as the tests' server of known gold makes them
(tests/servers/gold_server.py, its `answer`, without HTTP); the share of mistakes of each is searched for so that its
exact match over all sentences with entities is what it should be. Each seed shuffles the sentences and goes through
1,000 of them: `probabilities` and `sample` choose the variant, by Thompson sampling with a floor of 5 %, its answer is
scored by `exact_match`, and `find_best` is asked after each, until it declares one.

- Whether the best posterior mean after 300 sentences is that of the best variant; how much was lost until then compared
  with the best variant alone (regret), by what choosing evenly loses.
- After how many sentences the rule stops, and whether it is right.
- The rule's error where all three variants give the very same replies, over 1,000 runs: any stop is one.

    python benchmarks/variants_simulation.py [CONLL_FILE] [--seeds 100] [--equal 1000] [--processes 2]

The file is CoNLL++'s test.txt in the folder that SPACY_NER_PLUS_DATA names if none is given. Writes
benchmarks/results/variants_simulation.json.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from processes import machine

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
DATA = Path(os.environ.get("SPACY_NER_PLUS_DATA", ROOT.parent / "shared" / "data"))
RESULT = Path(__file__).parent / "results" / "variants_simulation.json"
RATES = {"apart": (0.2, 0.4, 0.7), "close": (0.47, 0.51, 0.63), "equal": (0.5, 0.5, 0.5)}
LABELS = ("LOC", "MISC", "ORG", "PER")
FLOOR, ALPHA = 0.05, 0.05
LOOK, MOST = 300, 1000
# Where nobody is told apart, feedback may come for so many texts at once, which is computed sooner.
BATCH = 10


def read_sentences(path: Path) -> dict[str, list[tuple[str, str]]]:
    """RETURNS (dict[str, list[tuple[str, str]]]): The mentions of each sentence that has some."""
    from spacy_ner_plus.spans import tags_to_spans

    found = {}
    for block in path.read_text(encoding="utf8").split("\n\n"):
        rows = [line.split() for line in block.splitlines() if line and not line.startswith("-DOCSTART-")]
        words = [row[0] for row in rows]
        spans = tags_to_spans([row[-1] for row in rows])
        if spans:
            found[" ".join(words)] = [(" ".join(words[span.start : span.end]), span.label) for span in spans]
    return found


def answers_of_rate(
    gold: dict[str, list[tuple[str, str]]], name: str, rate: float
) -> tuple[np.ndarray, float]:
    """Search for the share of mistakes at which a variant's exact match is a rate.

    RETURNS (tuple[Bools1d, float]): Whether each sentence is answered right, and the share of entities left out; half
        as many get a wrong label, and a tenth as many are made up.
    """
    from spacy_ner_plus.learning.scores import exact_match
    from tests.servers.gold_server import GoldServer, Mistakes

    def answer(missed: float) -> np.ndarray:
        mistakes = Mistakes(missed=missed, wrong_label=missed / 2, spurious=missed / 10)
        server = GoldServer(gold, LABELS, {name: mistakes})
        return np.array([exact_match(right, server.answer(name, text)) for text, right in gold.items()])

    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if answer(middle).mean() > rate else (low, middle)
    return answer(high), high


def run(seed: int, table: np.ndarray, batch: int) -> dict[str, Any]:
    """Let variants compete over the sentences in one order.

    table (Bools2d): A row a variant, a column a sentence.
    batch (int): After how many sentences the probabilities are computed anew.
    RETURNS (dict[str, Any]): `chosen` by the posterior mean after LOOK sentences, `lost` until then, `stopped` after
        how many, and the `best` one that was declared.
    """
    from spacy_ner_plus.evaluation.statistics.anytime import find_best
    from spacy_ner_plus.llm.store.metrics import SHIPPED
    from spacy_ner_plus.llm.variants.sampling import probabilities, sample
    from spacy_ner_plus.llm.variants.settings import VariantSampling

    rng = np.random.default_rng(seed)
    order = rng.permutation(table.shape[1])[:MOST]
    means = table.mean(axis=1)
    names = [str(number) for number in range(len(table))]
    totals = dict.fromkeys(names, (0, 0.0))
    sampling = VariantSampling(strategy="adaptive", floor=FLOOR)
    found: dict[str, Any] = {"chosen": None, "lost": 0.0, "stopped": None, "best": None}
    chances: dict[str, float] = {}
    for number, sentence in enumerate(order, start=1):
        if number <= LOOK or found["stopped"] is None:
            if (number - 1) % batch == 0:
                chances = probabilities(sampling, dict.fromkeys(names, 1.0), totals, SHIPPED["exact_match"])
            name = sample(chances, rng.random())
            n, total = totals[name]
            totals[name] = n + 1, total + float(table[int(name), sentence])
            if number <= LOOK:
                found["lost"] += float(means.max() - means[int(name)])
        if number == LOOK:
            found["chosen"] = max(names, key=lambda each: (1 + totals[each][1]) / (2 + totals[each][0]))
        if found["stopped"] is None:
            best = find_best(totals, ALPHA)
            if best is not None:
                found |= {"stopped": number, "best": best}
    return found


def compete(table: np.ndarray, seeds: Sequence[int], processes: int, batch: int) -> list[dict[str, Any]]:
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(partial(run, table=table, batch=batch), seeds, chunksize=5))


def summary(table: np.ndarray, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    means = table.mean(axis=1)
    best = str(int(means.argmax()))
    even = LOOK * float(means.max() - means.mean())
    stops = sorted(one["stopped"] for one in runs if one["stopped"] is not None)
    return {
        "seeds": len(runs),
        "best_after_300": sum(one["chosen"] == best for one in runs),
        "regret_after_300": round(statistics.mean(one["lost"] for one in runs), 2),
        "regret_of_equal_weights": round(even, 2),
        "share_of_that_regret": round(statistics.mean(one["lost"] for one in runs) / even, 3),
        "stopped_within_1000": len(stops),
        "sentences_until_half_had_stopped": stops[(len(runs) - 1) // 2]
        if 2 * len(stops) >= len(runs)
        else None,
        "wrong_stops": sum(one["best"] not in (None, best) for one in runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", nargs="?", type=Path, default=DATA / "conllpp" / "test.txt")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--equal", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    began = time.perf_counter()
    gold = read_sentences(options.path)
    result: dict[str, Any] = {
        "what": "a simulation: no chat model was asked",
        "machine": machine(1),
        "sentences": len(gold),
        "floor": FLOOR,
        "alpha": ALPHA,
        "scenarios": {},
    }
    for name, rates in RATES.items():
        # Of equal ones all say the same.
        callers = [f"{name} {0 if name == 'equal' else number}" for number in range(len(rates))]
        answered = [answers_of_rate(gold, caller, rate) for caller, rate in zip(callers, rates, strict=True)]
        table = np.stack([row for row, _ in answered])
        known = {
            "exact_match": [round(float(mean), 4) for mean in table.mean(axis=1)],
            "left_out": [round(missed, 4) for _, missed in answered],
        }
        if name == "equal":
            runs = compete(table, range(options.equal), options.processes, BATCH)
            stopped = sum(one["stopped"] is not None for one in runs)
            known |= {"runs": len(runs), "wrong_stops": stopped, "error": stopped / len(runs)}
            known |= {"sentences_between_probabilities": BATCH}
        else:
            known |= summary(table, compete(table, range(options.seeds), options.processes, 1))
        result["scenarios"][name] = known
        print(name, json.dumps(known), flush=True)
    apart, equal = (result["scenarios"][name] for name in ("apart", "equal"))
    result["goals"] = {
        "the best posterior mean is that of the best one, in 95 of 100 seeds": apart["best_after_300"]
        >= 0.95 * options.seeds,
        "a third of the regret of equal weights at most": apart["share_of_that_regret"] <= 1 / 3,
        "stopped within 1,000 sentences in 80 of 100 seeds": apart["stopped_within_1000"]
        >= 0.8 * options.seeds,
        "an error of 5 % at most where all are equal": equal["error"] <= ALPHA,
    }
    result["seconds"] = round(time.perf_counter() - began)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")
    print(json.dumps(result["goals"], indent=2))


if __name__ == "__main__":
    main()
