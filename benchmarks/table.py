"""Write README's table and the tables of docs/benchmarks.md from the result files.

    python benchmarks/table.py [--check]

`--check` only tells whether they are up to date.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from readme_table import make_table
from result_tables import make_tables

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
START = "<!-- RESULTS START: made by `python benchmarks/table.py` -->\n"
END = "<!-- RESULTS END -->"
PAGES: dict[str, Callable[[Path], list[str]]] = {"README.md": make_table, "docs/benchmarks.md": make_tables}


def fill(text: str, lines: list[str]) -> str | None:
    """Put lines between the marks of a page.

    RETURNS (str | None): The page; None where it has no marks.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        return None
    return f"{before}{START}" + "\n".join(lines).strip("\n") + f"\n{END}{after}"


def main(check: bool) -> int:
    stale = 0
    for name, make in PAGES.items():
        page = ROOT / name
        old = page.read_text(encoding="utf8")
        new = fill(old, make(RESULTS))
        if new is None:
            print(f"{name} has no place for results, between {START.strip()} and {END}")
            return 1
        if check:
            print(f"{name}: {'up to date' if new == old else 'not that of benchmarks/results'}")
            stale += new != old
        else:
            page.write_text(new, encoding="utf8")
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
