"""The tables of small language models, and of training by an adapter."""

from typing import Any

from figures import machine_and_time

# From docs/benchmarks.md.
FILES = "../benchmarks/results"
UNKNOWN = "\N{EN DASH}"


def slm_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): Small language models beside transformer_ner, as the workflow `slm` finds them."""
    lines = [
        "",
        "### Small language models",
        "",
        "SmolLM2-135M-Instruct in four bits, and all-MiniLM-L6-v2, on the bundled corpus; strict F1 on its 50 test "
        f"documents, with a 95 % interval ([slm.json]({FILES}/slm.json), `benchmarks/project_workflow.py slm`, "
        f"{machine_and_time(result)}):",
        "",
        "| | strict F1 | numbers trained | seconds of training | documents a second | MB on disk |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        low, high = row["interval"] or (None, None)
        sure = "" if low is None else f" ({low:.3f} to {high:.3f})"
        trained, took = (
            UNKNOWN if row[key] is None else f"{row[key]:,.0f}" for key in ("trained", "seconds")
        )
        size = UNKNOWN if row["bytes"] is None else f"{row['bytes'] / 1e6:,.0f}"
        speed = f"{row['documents_per_second']:.1f}"
        lines.append(f"| {row['name']} | {row['f1']:.3f}{sure} | {trained} | {took} | {speed} | {size} |")
    return lines


def lora_lines(result: dict[str, Any], name: str) -> list[str]:
    """RETURNS (list[str]): Training by an adapter, and by other losses and rates, beside full training.

    name (str): The result file's.
    """
    corpus = result["corpus"]
    part = "" if corpus["part"] == 1 else f", {100 * corpus['part']:g}%"
    title = {"conll": "CoNLL++", "synthetic": "The bundled corpus"}.get(corpus["name"], corpus["name"])
    hardware = result["runs"][0]["machine"]["hardware"]
    lines = [
        "",
        f"#### {title}{part}: {corpus['train']['documents']} training documents",
        "",
        f"Strict F1 on test, gold tokens, the best on dev of each training ([{name}.json]({FILES}/{name}.json), "
        f"`benchmarks/lora.py`, {hardware}):",
        "",
        "| | seeds | F1 | points to full training | numbers trained | of all | CPU seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for peer, row in result["summary"].items():
        runs = [run for run in result["runs"] if run["peer"] == peer]
        seconds = sorted(run["cpu_seconds"] for run in runs)[len(runs) // 2]
        points = "" if peer == "full" else f"{row['points_to_full']:+.2f}"
        lines.append(
            f"| {runs[0]['title']} | {row['seeds']} | {row['test_f1']:.3f} | {points} | "
            f"{runs[0]['trained_parameters']:,} | {100 * runs[0]['share']:.2f}% | {seconds:,.0f} |"
        )
    return lines
