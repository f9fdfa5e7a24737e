"""The workflow `slm`: small language models, as they are and fine-tuned, beside transformer_ner, in one table.

    python benchmarks/slm.py --output benchmarks/results/slm.json

runs `python -m spacy project run slm` in this clone, which goes on where it was cut, and keeps the rows of
metrics/slm/table.json with the machine and, where all ran in one go, the seconds of the whole.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from processes import machine
from results import save

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "metrics" / "slm" / "table.json"


def main(options: argparse.Namespace) -> int:
    is_begun = any((ROOT / part / "slm").exists() for part in ("corpus", "training", "metrics"))
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "spacy", "project", "run", "slm"], cwd=ROOT, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        return done.returncode
    rows = json.loads(TABLE.read_text(encoding="utf8"))
    save(
        options.output,
        {
            "machine": machine(os.cpu_count() or 1),
            "seconds": None if is_begun else round(seconds),
            "rows": rows,
        },
    )
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    sys.exit(main(parser.parse_args()))
