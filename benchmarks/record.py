"""Join a training curve and the metrics of its pipeline to one result file.

    python benchmarks/record.py LOG.jsonl OUTPUT.json METRICS.json...

README quotes the files under benchmarks/results/; each came from a workflow of
project.yml that ends with this script.
"""

import json
import sys
from pathlib import Path


def main(log_path: Path, output: Path, metrics_paths: list[Path]) -> None:
    run, *steps = [json.loads(line) for line in log_path.read_text(encoding="utf8").splitlines()]
    best = max(steps, key=lambda step: (step["score"], -step["step"]))
    result = {
        "run": run,
        "training": {
            "seconds": steps[-1]["seconds"],
            "epochs": steps[-1]["epoch"] + 1,
            "words": steps[-1]["words"],
            "best_step": best["step"],
            "dev_f1": round(best["score"], 4),
        },
        "evaluations": [describe(json.loads(path.read_text(encoding="utf8"))) for path in metrics_paths],
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    print(f"Wrote {output}")


def describe(metrics: dict) -> dict:
    seqeval = metrics["seqeval"]
    return {
        "corpus": metrics["corpus"],
        "tokens": metrics["settings"]["tokens"],
        "precision": round(seqeval["precision"], 4),
        "recall": round(seqeval["recall"], 4),
        "f1": round(seqeval["f1"], 4),
        "spacy_f1": round(metrics["ents_f"], 4),
        "words_per_second": round(metrics["speed"]),
        "baseline_f1": round(metrics["baseline"]["f1"], 4) if "baseline" in metrics else None,
    }


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
