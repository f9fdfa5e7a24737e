"""The tables of docs/benchmarks.md, from the result files; nothing for those that don't exist."""

import json
from pathlib import Path
from typing import Any

from annotation_tables import (
    average_lines,
    bootstrap_lines,
    cascade_table,
    distil_lines,
    label_errors_lines,
    learning_curve_lines,
    pii_lines,
    selection_lines,
    store_demonstrations_lines,
    variants_table,
    weak_labels_lines,
    zero_shot_lines,
    zero_shot_training_lines,
)
from figures import over_seeds
from small_model_tables import local_llm_lines, lora_lines, slm_lines, text_grammar_lines

# From docs/benchmarks.md.
FILES = "../benchmarks/results"
# Corpora as people call them, by the name in a result file.
CORPORA = {"conll": "CoNLL++", "wnut17": "WNUT-17", "crossner_ai": "CrossNER AI"}
OWN = {
    "conll": "CoNLL++ test (`project run conll`)",
    "conll-gpu": "CoNLL++ test (`project run conll --vars.device cuda`)",
    "synthetic": "synthetic dev (`project run all` when it took 30 epochs)",
}
TOKENS = {"own": "spaCy's", "gold": "the corpus's"}
UNKNOWN = "\N{EN DASH}"


def make_tables(results: Path) -> list[str]:
    """Make the tables of all result files.

    results (Path): The folder of result files.
    RETURNS (list[str]): Lines of Markdown, none where there are no such files.
    """
    lines = own_table({name: read(results, name) for name in OWN if (results / f"{name}.json").exists()})
    qualities = {
        path.name: json.loads(path.read_text(encoding="utf8")) for path in results.glob("quality*.json")
    }
    # The largest corpus first.
    for name, result in sorted(qualities.items(), key=lambda item: -item[1]["corpus"]["train"]["words"]):
        lines += quality_table(result, name)
    for name, make in PARTS.items():
        if (results / f"{name}.json").exists():
            lines += make(read(results, name))
        if name == "speed":
            for path in sorted(results.glob("speed-*.json")):
                lines += speed_table(read(results, path.stem), path.name)
            lines += precisions_table(results)
            for path in sorted(results.glob("cores-*.json")):
                lines += cores_lines(read(results, path.stem), path.name)
        if name == "store_demonstrations":
            suggested = sorted(path.stem for path in results.glob("label_errors*.json"))
            if suggested:
                lines += label_errors_lines({stem: read(results, stem) for stem in suggested})
        if name == "memory":
            for path in sorted(results.glob("memory-*.json")):
                lines += memory_lines(read(results, path.stem), path.name)
    distilled = sorted(results.glob("distil-*.json"))
    if distilled:
        lines += ["", "### From several pipelines to one"]
    for path in distilled:
        lines += distil_lines(read(results, path.stem), path.stem)
    averaged = {path.stem: read(results, path.stem) for path in results.glob("average-*.json")}
    if averaged:
        # The largest corpus first.
        by_size = sorted(averaged, key=lambda name: -averaged[name]["corpus"]["train"]["documents"])
        lines += average_lines({name: averaged[name] for name in by_size})
    adapters = sorted(results.glob("lora-*.json"))
    if adapters:
        lines += ["", "### Training by an adapter"]
    for path in adapters:
        lines += lora_lines(read(results, path.stem), path.stem)
    return lines


def read(results: Path, name: str) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): A result file."""
    return json.loads((results / f"{name}.json").read_text(encoding="utf8"))


def own_table(results: dict[str, dict[str, Any]]) -> list[str]:
    """RETURNS (list[str]): One table of what project.yml's workflows give, a row a corpus and kind of tokens."""
    if not results:
        return []
    lines = [
        "",
        "### This package",
        "",
        "Strict entity scores (seqeval, IOB2) of all-MiniLM-L6-v2 (22 M parameters, uncased), one seed:",
        "",
        "| corpus | tokens | precision | recall | F1 | words a second | training | measured on | file |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for name, result in results.items():
        measured = f"{describe_machine(result['run'])} | [{name}.json]({FILES}/{name}.json)"
        minutes = result["training"]["seconds"] / 60
        for row in result["evaluations"]:
            rates = " | ".join(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
            lines.append(
                f"| {OWN[name]} | {TOKENS[row['tokens']]} | {rates} | {row['words_per_second']:,} "
                f"| {minutes:.1f} min | {measured} |"
            )
            if row["baseline_f1"] is not None:
                lines.append(
                    f"| most frequent tag and regular expressions | | | | {row['baseline_f1']:.3f} | | | | |"
                )
    return lines


def quality_table(result: dict[str, Any], name: str) -> list[str]:
    """RETURNS (list[str]): One table, a row a peer whose recipe ran to its end, the best test F1 first."""
    corpus = result["corpus"]
    steps = f", at least {result['min_steps']} steps" if result.get("min_steps") else ""
    lines = [
        "",
        f"### {describe_corpus(corpus)}",
        "",
        f"{corpus['train']['words']:,} words of training, the same encoder for all, each tool's own recipe{steps}; "
        f"strict F1 on the corpus's tokens ([{name}]({FILES}/{name})):",
        "",
        "| | test F1 | least to most | seeds | dev F1 | epochs | training | words a second | to dev F1 0.90 | to 0.93 "
        "| measured on |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    rows = []
    used: set[str] = set()
    for runs in whole_runs(result).values():
        test = over_seeds([run["test"]["f1"] for run in runs])
        minutes = _mean([run["seconds"] for run in runs]) / 60
        reached = " | ".join(_minutes([run["seconds_to"][mark] for run in runs]) for mark in ("0.90", "0.93"))
        epochs = _mean([run["words_seen"] for run in runs]) / corpus["train"]["words"]
        machines = {describe_machine(run["machine"]) for run in runs}
        used |= machines
        rows.append(
            (
                -test["mean"],
                f"| {runs[0]['title']} | {test['mean']:.3f} | {_range(test)} | {test['seeds']} "
                f"| {_mean([run['dev']['f1'] for run in runs]):.3f} | {epochs:.0f} | {minutes:.1f} min "
                f"| {_mean([run['words_per_second'] for run in runs]):,.0f} | {reached} "
                f"| {'; '.join(sorted(machines))} |",
            )
        )
    lines += [row for _, row in sorted(rows)]
    if len(used) > 1:
        lines += ["", SPEEDS]
    if "note" in result:
        lines += ["", result["note"]]
    if cut := _cut(result):
        lines += ["", f"Not run whole, so without a score: {cut}."]
    return lines + _not_run(result)


SPEEDS = "Minutes and words a second compare tools only where they were measured on the same machine."


def whole_runs(result: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """RETURNS (dict[str, list[dict[str, Any]]]): The runs of each peer all of whose recipes ran to their end."""
    peers: dict[str, list[dict[str, Any]]] = {}
    for run in result["runs"]:
        peers.setdefault(run["peer"], []).append(run)
    return {peer: runs for peer, runs in peers.items() if not any(run["stopped_after"] for run in runs)}


def describe_corpus(corpus: dict[str, Any]) -> str:
    """RETURNS (str): A corpus and how much of it, as a heading."""
    name = CORPORA.get(corpus["name"], corpus["name"])
    return name if corpus["part"] == 1 else f"{name}, {corpus['part']:.0%} of the training documents"


def _cut(result: dict[str, Any]) -> str:
    """Peers whose training was cut, and what it had come to."""
    return "; ".join(
        f"{run['title']} (cut after {run['stopped_after']} at {run['words_per_second']:,} words a second, "
        f"{run['words_seen'] / result['corpus']['train']['words']:.1f} epochs)"
        for run in result["runs"]
        if run["stopped_after"]
    )


LIMITS = {
    "limit": "the bare encoder, by our layers",
    "limit_by_transformers": "the bare encoder, by those of transformers",
}


def speed_table(result: dict[str, Any], name: str = "speed.json") -> list[str]:
    """RETURNS (list[str]): One table, a row a peer, the fastest first."""
    documents, short = result["sets"]["documents"], result["sets"]["messages"]
    lines = [
        "",
        f"### Raw text to entities, {result['machine']['hardware'].split(',')[0]}",
        "",
        f"On {describe_machine(result['machine'])}: words a second over {documents['documents']:,} documents of "
        f"{CORPORA.get(result['corpus'], result['corpus'])} and {short['documents']:,} short messages, medians of "
        f"{result['rounds']} rounds taken turn about, and how many times as fast ours is; F1 is of these very "
        f"predictions ([{name}]({FILES}/{name})):",
        "",
        "| | F1 | documents | ours | messages | ours | one text | load | memory | on disk |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(result["peers"], key=lambda row: -row["documents"]["words_per_second"]):
        speeds = " | ".join(_speed(row[kind]) for kind in ("documents", "messages"))
        f1 = UNKNOWN if row.get("training_stopped_after") else f"{row['documents']['f1']:.3f}"
        lines.append(
            f"| {row['title']} | {f1} | {speeds} | {row['latency_ms']:.1f} ms "
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
    if any(row.get("training_stopped_after") for row in result["peers"]):
        lines += [
            "",
            f"{UNKNOWN}: not trained to the end of its recipe, which changes its F1 and not its speed.",
        ]
    return lines + _not_run(result)


def precisions_table(results: Path) -> list[str]:
    """RETURNS (list[str]): Words a second and F1 in each precision, a row a CPU; nothing where there are no files."""
    files = {path.name: read(results, path.stem) for path in sorted(results.glob("precisions-*.json"))}
    if not files:
        return []
    lines = [
        "",
        "### Precisions",
        "",
        'One network of ours, raw text to entities, words a second (F1), and what `precision = "auto"` took:',
        "",
        "| | auto took | auto | fp32 | bf16 | int8 | file |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, result in files.items():
        took = result["info"]["networks"][0]["chosen"]["prediction"]
        cells = " | ".join(
            f"{row['words_per_second']:,} ({row['f1']:.4f})"
            for row in (result["precisions"][key] for key in ("auto", "fp32", "bf16", "int8"))
        )
        lines.append(
            f"| {describe_machine(result['machine'])} | {took} | {cells} | [{name}]({FILES}/{name}) |"
        )
    return lines


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
        "### Training",
        "",
        f"On {describe_machine(result['machine'])}, words a second, medians of {result['rounds']} rounds of "
        f"{result['minutes']:g} minutes taken turn about: {rows['ours']['title']} "
        f"{rows['ours']['words_per_second']:,}; {others} ([training.json]({FILES}/training.json)).",
    ]


def calibration_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): How far scores are from the share that is right."""
    ece = result["mean_ece_on_test"]
    return [
        "",
        "### Scores, memory, chat models",
        "",
        f"Expected calibration error of entities' scores on {result['corpus']} test ({result['bins']}, mean of "
        f"{len(result['runs'])} seeds): {ece['before']:.3f}, after `calibrate` on dev {ece['after']:.3f} "
        f"([calibration.json]({FILES}/calibration.json)).",
    ]


def memory_lines(result: dict[str, Any], name: str = "memory.json") -> list[str]:
    """RETURNS (list[str]): How memory grows on a long stream."""
    first, last = result["readings"][0], result["readings"][-1]
    alone = [row["mib"] for row in result["tokenizer_alone"]["readings"]]
    precision = f", {result['precision']}" if "precision" in result else ""
    return [
        "",
        f"Memory on a stream of {result['words']:,} random words, none twice, in memory zones "
        f"({describe_machine(result['machine'])}{precision}): {first['mib']:,} MiB after {first['words']:,}, "
        f"{last['mib']:,} MiB at the end ({result['growth']:+.1%}); of spaCy's tokenizer alone {alone[0]:,} and "
        f"{alone[-1]:,} MiB ([{name}]({FILES}/{name})).",
    ]


def cores_lines(result: dict[str, Any], name: str) -> list[str]:
    """RETURNS (list[str]): Words a second by processes and threads."""
    ways = "; ".join(
        f"{row['processes']} process{'es' if row['processes'] > 1 else ''} of {row['threads']} "
        f"thread{'s' if row['threads'] > 1 else ''} {row['documents']:,} ({row['messages']:,})"
        for row in result["ways"]
    )
    workers = [row for row in result["ways"] if "worker_private_mib" in row]
    memory = f". A forked worker holds {workers[-1]['worker_private_mib']:.0f} MiB alone" if workers else ""
    return [
        "",
        f"Words a second of documents (of short messages, one a text) on {describe_machine(result['machine'])}: "
        f"{ways}{memory} ([{name}]({FILES}/{name})).",
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
        f"([llm_throughput.json]({FILES}/llm_throughput.json)).",
    ]


def gpu_table(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): Words a second on a GPU, beside the pipeline of transformers."""
    lines = [
        "",
        "### On a GPU",
        "",
        f"Raw text to entities ({result['machine']['hardware']}), words a second, medians of {result['rounds']} rounds "
        f"taken turn about ([gpu.json]({FILES}/gpu.json)):",
        "",
        "| encoder | texts | words a second | times as fast as the pipeline of transformers in bf16 "
        "| of the bare encoder |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    return lines + [
        f"| {row['encoder']} ({row['parameters'] / 1e6:,.0f} M parameters) | {kind} | {figures['ours']:,} "
        f"| {figures['times_hugging_face']:.1f} | {figures['share_of_limit']:.0%} |"
        for row in result["encoders"]
        for kind, figures in row["speed"].items()
    ]


# What follows the tables of quality, in this order, by the name of the result file.
PARTS = {
    "speed": speed_table,
    "gpu": gpu_table,
    "training": training_lines,
    "calibration": calibration_lines,
    "memory": memory_lines,
    "llm_throughput": throughput_lines,
    "selection": selection_lines,
    "weak_labels": weak_labels_lines,
    "bootstrap": bootstrap_lines,
    "pii": pii_lines,
    "slm": slm_lines,
    "local_llm": local_llm_lines,
    "text_grammar": text_grammar_lines,
    "zero_shot": zero_shot_lines,
    "zero_shot_training": zero_shot_training_lines,
    "store_demonstrations": store_demonstrations_lines,
    "learning_curve": learning_curve_lines,
    "cascade": cascade_table,
    "variants_simulation": variants_table,
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
