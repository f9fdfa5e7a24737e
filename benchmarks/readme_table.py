"""README's one table of results: F1 and words a second beside the peers'."""

from pathlib import Path
from typing import Any

from peers import OURS
from result_tables import CORPORA, UNKNOWN, describe_machine, read, whole_runs

# The corpora on which peers ran to the end of their recipes, by the name of the result file.
QUALITY = ("quality-quarter", "quality-wnut17", "quality-crossner_ai")
WHOLE = "quality-conll"
# Where single trainings on the same corpus stand beside students and averages.
AGAIN = ("distil-conll", "average-conll")
STOCK = "stock_spacy"
KINDS = {"documents": "words a second, documents", "messages": "messages"}


def make_table(results: Path) -> list[str]:
    """Make README's table and its line of conditions.

    results (Path): The folder of result files.
    RETURNS (list[str]): Lines of Markdown, none where there are no files of quality and speed.
    """
    files = {name: read(results, name) for name in QUALITY if (results / f"{name}.json").exists()}
    if not files or not (results / "speed.json").exists():
        return []
    speed = read(results, "speed")
    runs = {name: whole_runs(result) for name, result in files.items()}
    titles = {run["peer"]: run["title"] for result in files.values() for run in result["runs"]}
    speeds = {row["peer"]: row for row in speed["peers"]}
    heads = [f"F1, {_corpus(result['corpus'])}" for result in files.values()] + list(KINDS.values())
    rows = []
    for peer, title in titles.items():
        scores = [_f1(whole.get(peer)) for whole in runs.values()]
        fast = [_speed(speeds.get(peer), kind) for kind in KINDS]
        if set(scores + fast) != {UNKNOWN}:
            rows.append((peer != OURS, [score == UNKNOWN for score in scores], title, scores + fast))
    # Ours first, then those with most scores.
    rows.sort(key=lambda row: (row[0], sum(row[1]), row[1], row[2]))
    return [
        f"| | {' | '.join(heads)} |",
        f"| --- |{' ---: |' * len(heads)}",
        *(f"| {title} | {' | '.join(cells)} |" for _, _, title, cells in rows),
        "",
        _conditions(results, files, runs, speed),
    ]


def _conditions(results: Path, files: dict[str, Any], runs: dict[str, Any], speed: dict[str, Any]) -> str:
    machines = sorted(
        {
            describe_machine(run["machine"])
            for whole in runs.values()
            for some in whole.values()
            for run in some
        }
    )
    raised = {
        result["corpus"]["name"]: result["min_steps"] for result in files.values() if result.get("min_steps")
    }
    steps = "".join(
        f", on {CORPORA.get(name, name)} at least {count} steps" for name, count in raised.items()
    )
    said = (
        "Strict F1 on test with the corpus's tokens; all-MiniLM-L6-v2 (22 M parameters) for all, each tool's own "
        f"recipe run to its end{steps} ({UNKNOWN}: not run whole), trained on {' or '.join(machines)}. Words a second "
        f"from raw text, all on {describe_machine(speed['machine'])}."
    )
    for path in sorted(results.glob("speed-*.json")):
        said += _elsewhere(read(results, path.stem))
    said += _whole(results)
    return f"{said} All tables, conditions and what was not run: [docs/benchmarks.md](docs/benchmarks.md)."


def _whole(results: Path) -> str:
    """RETURNS (str): F1 of trainings on all of CoNLL++, as often as these were measured."""
    measured = []
    if (results / f"{WHOLE}.json").exists():
        measured.append([run["test"]["f1"] for run in whole_runs(read(results, WHOLE)).get(OURS, [])])
    for name in AGAIN:
        if (results / f"{name}.json").exists():
            runs = read(results, name)["runs"]
            measured.append([run["test"]["f1"] for run in runs if run["peer"] == "single"])
    measured = [f1 for f1 in measured if f1]
    if not measured:
        return ""
    *first, last = (f"{sum(f1) / len(f1):.3f}" for f1 in measured)
    seeds = " and ".join(dict.fromkeys(str(len(f1)) for f1 in measured))
    said = (
        f"{', '.join(first)} and {last} (measured {len(measured)} times, each the " if first else f"{last} ("
    )
    return f" Trained on all of CoNLL++, spacy-ner-plus has {said}mean of {seeds} seeds)."


def _elsewhere(speed: dict[str, Any]) -> str:
    """RETURNS (str): How fast ours is on another CPU, in what it takes there, and beside stock spaCy."""
    rows = {row["peer"]: row for row in speed["peers"]}
    if OURS not in rows or STOCK not in rows:
        return ""
    times = rows[STOCK]["documents"]["ours_is_times_as_fast"]
    return (
        f" On {describe_machine(speed['machine'])}, `auto` takes {rows[OURS]['chosen']['prediction']}: "
        f"{rows[OURS]['documents']['words_per_second']:,} words a second of documents, {times:.1f} times stock spaCy."
    )


def _corpus(corpus: dict[str, Any]) -> str:
    name = CORPORA.get(corpus["name"], corpus["name"])
    part = "" if corpus["part"] == 1 else f"{corpus['part']:.0%} of "
    return f"{part}{name} ({corpus['train']['words']:,} words)"


def _f1(runs: list[dict[str, Any]] | None) -> str:
    return f"{sum(run['test']['f1'] for run in runs) / len(runs):.3f}" if runs else UNKNOWN


def _speed(row: dict[str, Any] | None, kind: str) -> str:
    return UNKNOWN if row is None else f"{row[kind]['words_per_second']:,}"
