"""README's tables of the comparison, from quality*.json and speed.json; nothing while there are none."""

import json
from pathlib import Path
from typing import Any

from figures import over_seeds


def make_tables(results: Path) -> list[str]:
    """Make the tables of all result files of the comparison.

    results (Path): The folder of result files.
    RETURNS (list[str]): Lines of Markdown, none where there are no such files.
    """
    lines: list[str] = []
    for path in sorted(results.glob("quality*.json")):
        lines += quality_table(json.loads(path.read_text(encoding="utf8")), path.name)
    for name, make in PARTS.items():
        path = results / f"{name}.json"
        if path.exists():
            lines += make(json.loads(path.read_text(encoding="utf8")))
    return lines


def quality_table(result: dict[str, Any], name: str) -> list[str]:
    """RETURNS (list[str]): One table, a row a peer, the best test F1 first."""
    corpus = result["corpus"]
    part = "" if corpus["part"] == 1 else f", {corpus['part']:.0%} of the training documents"
    lines = [
        "",
        f"{corpus['name']}{part} ({corpus['train']['words']:,} words), the same encoder, each tool's own recipe; "
        f"strict F1 on the corpus's tokens ([{name}](benchmarks/results/{name}), "
        f"{'; '.join(sorted({describe_machine(run['machine']) for run in result['runs']}))}):",
        "",
        "| | test F1 | least to most | seeds | dev F1 | training | words a second | to dev F1 0.90 | to 0.93 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    peers: dict[str, list[dict[str, Any]]] = {}
    for run in result["runs"]:
        peers.setdefault(run["peer"], []).append(run)
    rows = []
    for runs in peers.values():
        test = over_seeds([run["test"]["f1"] for run in runs])
        cut = " (cut)" if any(run["stopped_after"] for run in runs) else ""
        minutes = _mean([run["seconds"] for run in runs]) / 60
        reached = " | ".join(_minutes([run["seconds_to"][mark] for run in runs]) for mark in ("0.90", "0.93"))
        rows.append(
            (
                -test["mean"],
                f"| {runs[0]['title']} | {test['mean']:.3f} | {_range(test)} "
                f"| {test['seeds']} | {_mean([run['dev']['f1'] for run in runs]):.3f} | {minutes:.1f} min{cut} "
                f"| {_mean([run['words_per_second'] for run in runs]):,.0f} | {reached} |",
            )
        )
    lines += [row for _, row in sorted(rows)]
    if "note" in result:
        lines += ["", result["note"]]
    return lines + _not_run(result)


LIMITS = {
    "limit": "the bare encoder, by our layers",
    "limit_by_transformers": "the bare encoder, by those of transformers",
}


def speed_table(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): One table, a row a peer, the fastest first."""
    documents, short = result["sets"]["documents"], result["sets"]["messages"]
    lines = [
        "",
        f"Raw text to entities on {describe_machine(result['machine'])}: words a second over "
        f"{documents['documents']:,} documents of {result['corpus']} and {short['documents']:,} short messages, "
        f"medians of {result['rounds']} rounds taken turn about, and how many times as fast ours is "
        "([speed.json](benchmarks/results/speed.json)):",
        "",
        "| | F1 | documents | ours | messages | ours | one text | load | memory | on disk |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(result["peers"], key=lambda row: -row["documents"]["words_per_second"]):
        speeds = " | ".join(_speed(row[kind]) for kind in ("documents", "messages"))
        cut = " (training cut)" if row.get("training_stopped_after") else ""
        lines.append(
            f"| {row['title']} | {row['documents']['f1']:.3f}{cut} | {speeds} | {row['latency_ms']:.1f} ms "
            f"| {row['load_seconds']:.1f} s | {row['peak_mib']:,} MiB | {row['size_mib']:.0f} MiB |"
        )
    for name, title in LIMITS.items():
        if name not in result:
            continue
        limit = result[name]
        speeds = " | | ".join(f"{limit[kind]['words_per_second']:,}" for kind in ("documents", "messages"))
        shares = " and ".join(
            f"{limit[kind]['share_that_ours_reaches']:.2f}" for kind in ("documents", "messages")
        )
        lines.append(f"| {title}, of which ours reaches {shares} | | {speeds} | | | | | |")
    return lines + _not_run(result)


def training_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): How fast an epoch is, beside the others'."""
    rows = {row["peer"]: row for row in result["peers"]}
    others = ", ".join(
        f"{row['title']} {row['words_per_second']:,} (ours is {row['ours_is_times_as_fast']:.1f} times as fast)"
        for peer, row in rows.items()
        if peer != "ours"
    )
    return [
        "",
        f"Training on {describe_machine(result['machine'])}, words a second, medians of {result['rounds']} rounds of "
        f"{result['minutes']:g} minutes taken turn about: {rows['ours']['title']} "
        f"{rows['ours']['words_per_second']:,}; {others} ([training.json](benchmarks/results/training.json)).",
    ]


def calibration_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): How far scores are from the share that is right."""
    ece = result["mean_ece_on_test"]
    return [
        "",
        f"Expected calibration error of entities' scores on {result['corpus']} test ({result['bins']}, mean of "
        f"{len(result['runs'])} seeds): {ece['before']:.3f}, after `calibrate` on dev {ece['after']:.3f} "
        "([calibration.json](benchmarks/results/calibration.json)).",
    ]


def memory_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): How memory grows on a long stream."""
    first, last = result["readings"][0], result["readings"][-1]
    alone = [row["mib"] for row in result["tokenizer_alone"]["readings"]]
    return [
        "",
        f"Memory on a stream of {result['words']:,} random words, none twice, in memory zones: {first['mib']:,} MiB "
        f"after {first['words']:,}, {last['mib']:,} MiB at the end ({result['growth']:+.1%}); of spaCy's "
        f"tokenizer alone {alone[0]:,} and {alone[-1]:,} MiB ("
        "[memory.json](benchmarks/results/memory.json)).",
    ]


def throughput_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): What structured_llm_ner makes of a server."""
    found = result["summary"]
    speed = found["per_second"]
    return [
        "",
        f"structured_llm_ner on a server that takes {result['seconds_per_reply']:g} s a reply, with "
        f"{result['in_flight']} requests in flight, on {result['machine']['hardware']}: "
        f"{speed['component']:,.0f} documents a second of {found['ideal_per_second']:,.0f} at best, "
        f"{found['times_spacy_llm']:.0f} times spacy-llm's own OpenAI model; the first after "
        f"{found['first_doc_seconds']:.2f} s; from the store {speed['rerun']:,.0f} a second "
        "([llm_throughput.json](benchmarks/results/llm_throughput.json)).",
    ]


def gpu_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): Words a second on a GPU, beside the pipeline of transformers."""
    said = []
    for row in result["encoders"]:
        kinds = ", ".join(
            f"{figures['ours']:,} over {kind} ({figures['times_hugging_face']:.1f} times as fast as the pipeline of "
            f"transformers in bf16, {figures['share_of_limit']:.0%} of the bare encoder)"
            for kind, figures in row["speed"].items()
        )
        said.append(f"{row['encoder']} ({row['parameters'] / 1e6:,.0f} M parameters) {kinds}")
    return [
        "",
        f"Raw text to entities on a GPU ({result['machine']['hardware']}), words a second, medians of "
        f"{result['rounds']} rounds taken turn about: {'; '.join(said)} ([gpu.json](benchmarks/results/gpu.json)).",
    ]


# What follows the tables of quality, by the name of the result file.
PARTS = {
    "speed": speed_table,
    "training": training_lines,
    "calibration": calibration_lines,
    "memory": memory_lines,
    "llm_throughput": throughput_lines,
    "gpu": gpu_lines,
}


def _speed(row: dict[str, Any]) -> str:
    times = row.get("ours_is_times_as_fast")
    return f"{row['words_per_second']:,} | {'' if times is None else f'{times:.2f}'}"


def _not_run(result: dict[str, Any]) -> list[str]:
    return [
        line for row in result["not_run"] for line in ("", f"{row['title']} was not run: {row['reason']}.")
    ]


def describe_machine(machine: dict[str, Any]) -> str:
    """RETURNS (str): Processor and threads."""
    threads = machine["threads"]
    return f"{machine['hardware']}, {threads} thread{'s' if threads != 1 else ''}"


def _range(test: dict[str, Any]) -> str:
    """Nothing of a single seed."""
    return f"{test['least']:.3f} to {test['most']:.3f}" if test["seeds"] > 1 else ""


def _mean(values: list[float]) -> float:
    return over_seeds(values)["mean"]


def _minutes(seconds: list[float | None]) -> str:
    """The mean, where every seed got there."""
    return "" if None in seconds else f"{_mean(seconds) / 60:.1f} min"
