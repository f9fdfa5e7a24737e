"""Write README's table from the result files; `--check` only tells whether it is up to date.

python benchmarks/table.py [--check]
"""

import json
import sys
from pathlib import Path

from readme_tables import describe_machine, make_tables

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
README = ROOT / "README.md"
START = "<!-- RESULTS START: made by `python benchmarks/table.py` -->\n"
END = "<!-- RESULTS END -->"
CORPORA = {
    "conll": "CoNLL++ test (`project run conll`)",
    "synthetic": "synthetic dev (`project run all`)",
}
TOKENS = {"own": "spaCy's", "gold": "the corpus's"}


def make_table() -> str:
    lines = [
        "| corpus | tokens | precision | recall | F1 | words a second | training |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    hardware = set()
    for name, title in CORPORA.items():
        result = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf8"))
        minutes = result["training"]["seconds"] / 60
        hardware.add(describe_machine(result["run"]))
        for row in result["evaluations"]:
            rates = " | ".join(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
            lines.append(
                f"| {title} | {TOKENS[row['tokens']]} | {rates} | {row['words_per_second']:,} | {minutes:.1f} min |"
            )
            if row["baseline_f1"] is not None:
                lines.append(
                    f"| — most frequent tag and regular expressions | | | | {row['baseline_f1']:.3f} | | |"
                )
    lines += [
        "",
        "Strict entity scores (seqeval, IOB2) of all-MiniLM-L6-v2 (22 M parameters, uncased), one seed, on "
        f"{'; '.join(sorted(hardware))}. The files are in [benchmarks/results](benchmarks/results).",
    ]
    lines += make_tables(RESULTS)
    return "\n".join(lines) + "\n"


def main(check: bool) -> int:
    text = README.read_text(encoding="utf8")
    if START not in text or END not in text:
        print(f"README has no place for the table, between {START.strip()} and {END}")
        return 1
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    new = f"{before}{START}{make_table()}{END}{after}"
    if check:
        print("up to date" if new == text else "README's table is not that of benchmarks/results")
        return int(new != text)
    README.write_text(new, encoding="utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
