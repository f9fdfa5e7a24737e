"""The tables of small language models, of what holds their replies to a text, and of training by an adapter."""

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


def local_llm_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): How soon and how fast the embedded model answers."""
    rounds = result["rounds"]
    one = rounds[0]
    tokens = {key: one[f"{key}_tokens"] / one["documents"] for key in ("prompt", "cached", "completion")}
    found = result["summary"]
    return [
        "",
        f"The embedded model ({result['model']}, `{result['format']}`, on {result['machine']['hardware']}, "
        f"{result['machine']['threads']} threads; median of {len(rounds)} processes) has its first reply "
        f"{found['first_seconds']:.1f} s after the first use, then answers {found['per_second']:.2f} documents a "
        f"second: texts of at most {result['most_words']} words, replies cut at {result['most_tokens']} tokens; "
        f"{tokens['prompt']:.0f} tokens in, {tokens['cached']:.0f} of them from the cache, and "
        f"{tokens['completion']:.0f} out for each ([local_llm.json]({FILES}/local_llm.json)).",
    ]


def text_grammar_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): What grammars of texts give a small model, by format, and what they take by length."""
    note = f", {result['note']}" if result.get("note") else ""
    lines = [
        "",
        "#### Held to the text",
        "",
        f"{result['model']}, asked about {result['runs'][0]['texts']} dev texts of the bundled corpus, one at a time, "
        f"with examples from train; strict F1 ([text_grammar.json]({FILES}/text_grammar.json), "
        f"`benchmarks/text_grammar.py`, {result['machine']['hardware']}, 1 thread{note}):",
        "",
        "| format | examples | held by | F1 | without a valid reply | seconds a document | tokens out |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in result["runs"]:
        held = "text" if row["text_grammar"] else "schema or prompt"
        lines.append(
            f"| `{row['format']}` | {row['examples']} | {held} | {row['f1']:.3f} | {row['invalid']} of {row['texts']} "
            f"| {row['seconds_a_document']:.2f} | {row['tokens_out_a_document']:.0f} |"
        )
    lengths = sorted({row["words"] for row in result["grammars"]})
    most = max(row["token_ms"] for row in result["grammars"])
    lines += [
        "",
        "CPU milliseconds that a grammar takes, to write it and for the server to read it, once a text; by words of "
        f"the text. For each token of a reply they take {most:.1f} ms at most. A dash: such a text is asked about in "
        "parts.",
        "",
        "| format | " + " | ".join(f"{words:,}" for words in lengths) + " |",
        "| --- |" + " ---: |" * len(lengths),
    ]
    by_format: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(result["grammars"], key=lambda row: row["words"]):
        by_format.setdefault(row["format"], []).append(row)
    for name, rows in by_format.items():
        cells = (f"{row['write_ms'] + row['read_ms']:,.0f}" if row["characters"] else UNKNOWN for row in rows)
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
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
        # A training that was taken as it is has none.
        noted = sorted(run["cpu_seconds"] for run in runs if "cpu_seconds" in run)
        seconds = f"{noted[len(noted) // 2]:,.0f}" if noted else UNKNOWN
        points = "" if peer == "full" else f"{row['points_to_full']:+.2f}"
        lines.append(
            f"| {runs[0]['title']} | {row['seeds']} | {row['test_f1']:.3f} | {points} | "
            f"{runs[0]['trained_parameters']:,} | {100 * runs[0]['share']:.2f}% | {seconds} |"
        )
    return lines
