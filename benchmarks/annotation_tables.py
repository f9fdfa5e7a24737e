"""The tables of docs/benchmarks.md about annotation: which texts, weak labels, new types, which errors, whom to ask."""

import statistics
from typing import Any

from figures import machine_and_time

FILES = "../benchmarks/results"
CORPORA = {"conll": "CoNLL++", "crossner_ai": "CrossNER AI"}
UNKNOWN = "\N{EN DASH}"


def selection_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): Texts a second of `select`'s embeddings, and what choosing takes."""
    machine = result["machine"]
    lines = [
        "",
        "### Choosing texts",
        "",
        f"`{result['model']}`, the same texts in turn ([selection.json]({FILES}/selection.json), "
        f"`benchmarks/selection.py`, {machine['hardware']}, 1 thread):",
        "",
        "| texts | sentence-transformers | `select`, fp32 | times as fast | 1 - cosine at most |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in result["embedding"].items():
        median = row["median"]
        lines.append(
            f"| {row['texts']:,} {name} of CoNLL++ | {median['sentence_transformers']:.0f} a second "
            f"| {median['ours_fp32']:.0f} a second | {row['times_as_fast']['ours_fp32']:.2f} "
            f"| {row['cosine_distance_at_most']['ours_fp32']:.0e} |"
        )
    selecting = result["selecting"]
    for count, by in selecting["by_vectors"].items():
        lines += [
            "",
            f"{int(count):,} random vectors: the nearest to {selecting['queries']:,} queries by comparing all in "
            f"{by['numpy']['seconds']:.1f} s, by inverted lists in {by['inverted_lists']['seconds']:.1f} s; the "
            f"{selecting['selected']:,} farthest from each other in {by['farthest_first']['seconds']:.1f} s.",
        ]
    return lines


def distil_lines(result: dict[str, Any], name: str) -> list[str]:
    """RETURNS (list[str]): F1 of single pipelines, of all of them as one teacher, and of its students."""
    corpus, summary, runs = result["corpus"], result["summary"], result["runs"]
    is_self = result["kind"] == "self"
    texts = (
        "the training texts themselves, with gold beside them"
        if is_self
        else "those and dev's, without labels"
    )
    softened = (
        "" if result["temperature"] == 1 else f", softened by a temperature of {result['temperature']:g}"
    )
    train, titles = corpus["train"], {run["peer"]: run["title"] for run in runs}
    machine = next(run["machine"] for run in runs if "machine" in run)
    lines = [
        "",
        f"#### {CORPORA.get(corpus['name'], corpus['name'])}, {train['documents']:,} training documents",
        "",
        f"Students read {texts}{softened}; strict F1 on test ([{name}.json]({FILES}/{name}.json), "
        f"`benchmarks/distil.py --kind {result['kind']}`, {machine['hardware']}):",
        "",
        "| | trainings | mean F1 |",
        "| --- | ---: | ---: |",
    ]
    for peer, f1 in summary["f1"].items():
        lines.append(f"| {titles[peer]} | {sum(run['peer'] == peer for run in runs)} | {f1:.4f} |")
    for key, who in (("gain", "Students"), ("average_gain", "Their average")):
        if key in summary:
            low, high = summary[f"{key}_interval"]
            lines += [
                "",
                f"{who} beside single ones: {100 * summary[key]:+.2f} points (95 %: {100 * low:+.2f} to "
                f"{100 * high:+.2f}).",
            ]
    for row in result["not_run"]:
        lines += ["", f"Not run: {row['title']} ({row['reason']})."]
    return lines


def average_lines(results: dict[str, dict[str, Any]]) -> list[str]:
    """RETURNS (list[str]): F1 of trainings that began with one head, and of their weights averaged.

    results (dict[str, dict[str, Any]]): By the name of the file.
    """
    lines = [
        "",
        "### Several trainings averaged",
        "",
        "Trainings of one config with other seeds whose heads began with the same weights, and one pipeline with the "
        "mean of their weights; strict F1 on test, gold tokens, 95 % intervals by resampling documents and trainings "
        "(`benchmarks/distil.py --override components.transformer_ner.model.head_seed=0 --student-seeds`):",
        "",
        "| corpus | training documents | trainings | mean F1 | averaged | points more | hardware | file |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for name, result in results.items():
        corpus, summary = result["corpus"], result["summary"]
        singles = [run for run in result["runs"] if run["peer"] == "single"]
        low, high = summary["single_average_gain_interval"]
        lines.append(
            f"| {CORPORA.get(corpus['name'], corpus['name'])} | {corpus['train']['documents']:,} | {len(singles)} "
            f"| {summary['f1']['single']:.4f} | {summary['f1']['single_average']:.4f} "
            f"| {100 * summary['single_average_gain']:+.2f} ({100 * low:+.2f} to {100 * high:+.2f}) "
            f"| {singles[0]['machine']['hardware']} | [{name}.json]({FILES}/{name}.json) |"
        )
    return lines


def weak_labels_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): F1 of a teacher and of those that learnt from what it says."""
    corpus, runs, summary = result["corpus"], result["runs"], result["summary"]
    lines = [
        "",
        "### Weak labels",
        "",
        f"{corpus['texts']['documents']:,} texts of CoNLL++ without their labels, annotated by spaCy's "
        "`en_core_web_sm` with the label map that ships; who learnt from that saw no gold, and chose its "
        "checkpoint on texts that were "
        f"labelled so, too. Strict F1 on test ([weak_labels.json]({FILES}/weak_labels.json), "
        "`benchmarks/weak_labels.py`):",
        "",
        "| | seeds | F1 | beside the teacher (95 % interval) |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, f1 in summary["mean_f1"].items():
        rows = [row for row in runs if row["peer"] == name]
        found = summary["differences"].get(f"{name} - teacher")
        beside = "" if found is None else _difference(found)
        lines.append(f"| {rows[0]['title']} | {len(rows)} | {f1:.3f} | {beside} |")
    return lines


def zero_shot_training_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): F1 of old types and a new one, before and after a GLiNER model was trained on it."""
    corpus = result["corpus"]
    lines = [
        "",
        "### A new type for a GLiNER model",
        "",
        f"A GLiNER model on the packaged encoder, trained on {corpus['first']['documents']:,} documents of CoNLL++ "
        f"with {', '.join(corpus['first']['annotated'][:-1])} and {corpus['first']['annotated'][-1]}, then on "
        f"{corpus['second']['documents']:,} others with {corpus['second']['annotated'][0]} alone. Strict F1 on test, "
        f"asked for all four ([zero_shot_training.json]({FILES}/zero_shot_training.json), "
        "`benchmarks/zero_shot_training.py`):",
        "",
        "| | LOC, MISC, PER | ORG |",
        "| --- | ---: | ---: |",
    ]
    for row in result["runs"]:
        lines.append(f"| {row['title']} | {row['test']['old']['f1']:.3f} | {row['test']['new']['f1']:.3f} |")
    return lines


def zero_shot_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): Words a second of a GLiNER model in the component and in bare gliner."""
    machine = result["run"]
    lines = [
        "",
        "### A GLiNER model, beside gliner itself",
        "",
        f"A uni-encoder that was trained on the packaged encoder, on {result['docs']} documents of CoNLL++; both get "
        f"the same windows, in turn, {result['rounds']} rounds ([zero_shot.json]({FILES}/zero_shot.json), "
        f"`benchmarks/zero_shot.py`, {machine['hardware']}, 1 thread):",
        "",
        "| texts | labels | gliner, words a second | ours, fp32 | ours, default | times as fast |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        words, times = row["words_per_second"], row["times_gliner"]
        lines.append(
            f"| {row['texts']} | {row['labels']} | {words['gliner']:,} | {words['ours, fp32']:,} "
            f"| {words['ours, auto']:,} | {times['ours, fp32']:.2f}, {times['ours, auto']:.2f} |"
        )
    if "f1" in result:
        f1 = result["f1"]
        lines += [
            "",
            f"F1 on the sentences: {f1['gliner']:.4f} by gliner, {f1['fp32']:.4f} by ours in fp32, {f1['auto']:.4f} by "
            "default.",
        ]
    return lines


def store_demonstrations_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): F1 of a small chat model without examples and with those of its store."""
    summary, corpus = result["summary"], result["corpus"]
    lines = [
        "",
        "### Examples from the store",
        "",
        f"`{result['model']}` in llama.cpp, greedy, on {corpus['dev']['documents']:,} synthetic records; before, it "
        f"annotated {result['texts']} others, of which gold was given as feedback. Replies held to the text, strict F1 "
        f"([store_demonstrations.json]({FILES}/store_demonstrations.json), `benchmarks/store_demonstrations.py`):",
        "",
        "| examples | seeds | F1 | beside none (95 % interval) |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, f1 in summary["mean_f1"].items():
        rows = [row for row in result["runs"] if row["peer"] == name]
        found = summary["differences"].get(f"{name} - without")
        beside = "" if found is None else _difference(found)
        lines.append(f"| {rows[0]['title']} | {len(rows)} | {f1:.3f} | {beside} |")
    return lines


def _difference(found: dict[str, Any]) -> str:
    if found["interval"] is None:
        return f"{100 * found['difference']:+.1f}"
    low, high = found["interval"]
    return f"{100 * found['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def label_errors_lines(results: dict[str, dict[str, Any]]) -> list[str]:
    """RETURNS (list[str]): How many of the first suggestions are broken entities.

    results (dict[str, dict[str, Any]]): Of one corpus, by the name of the file.
    """
    names = {
        "ours": "`review suggest`",
        "cleanlab_self_confidence": "cleanlab, self-confidence of tokens",
        "cleanlab_self_confidence_merged": "the same, neighbouring tokens as one",
        "cleanlab_normalized_margin": "cleanlab, margin of tokens",
        "cleanlab_normalized_margin_merged": "the same, neighbouring tokens as one",
        "random": "in random order",
    }
    corpus, share = next((result["corpus"], result["share"]) for result in results.values())
    lines = [
        "",
        "### Label errors",
        "",
        f"CoNLL++ {corpus['split']} with {share:.0%} of its {corpus['entities']:,} entities broken (label, boundary, "
        "missing, spurious): the share of broken ones among the first suggestions; errors that the corpus had before "
        "count as wrong.",
    ]
    for name, result in results.items():
        seeds = len({row["seed"] for row in result["runs"]})
        lines += [
            "",
            f"By scores of {result['out_of_fold']}, mean of {seeds} seeds ([{name}.json]({FILES}/{name}.json), "
            f"`benchmarks/label_errors.py`, {result['machine']['hardware']}):",
            "",
            "| | first 50 | first 100 | first 200 |",
            "| --- | ---: | ---: | ---: |",
        ]
        for peer, title in names.items():
            rows = [row for row in result["runs"] if row["peer"] == peer]
            if rows:
                means = [statistics.fmean(row[f"first_{count}"] for row in rows) for count in (50, 100, 200)]
                lines.append(f"| {title} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    return lines


def learning_curve_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): What a curve foretells, and what came."""
    corpus, foretold, measured = result["corpus"], result["foretold"], result["measured"]
    sizes = ", ".join(
        f"{size:,}" for size in sorted({point["documents"] for point in result["curve"]["points"]})
    )
    came = ", ".join(f"{f1:.3f}" for f1 in measured)
    told = "that there isn't enough data to foretell it"
    if foretold is not None:
        low, high = foretold["interval"]
        told = f"{foretold['f1']:.3f} ({low:.3f} to {high:.3f})"
        told += "" if foretold["enough"] else ", and that this is too wide to rely on"
    return [
        "",
        "### A learning curve",
        "",
        f"`review status --curve` on {sizes} documents of CoNLL++ train, {result['steps']} steps each, foretells F1 on "
        f"{corpus['dev']['documents']} dev documents with {corpus['tested']['documents']} training documents: {told}. "
        f"Trained on as many, it was {came} ([learning_curve.json]({FILES}/learning_curve.json), "
        f"`benchmarks/learning_curve.py`, {result['machine']['hardware']}).",
    ]


def cascade_table(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): F1 by the share of sentences that a chat model is asked about."""
    corpus, runs = result["corpus"], result["runs"]
    shares = [row["share"] for row in runs[0]["curve"]]
    lines = [
        "",
        "### A cascade, simulated",
        "",
        f"A simulation: `transformer_ner` (F1 {result['first_f1']:.3f} on {corpus['documents']:,} sentences of CoNLL++ "
        "test, each read by itself), and behind it `structured_llm_ner` with `cascade`, asking a server that knows "
        "gold and errs at a stated rate. F1 where the most unsure sentences are asked about, and as many by lot "
        f"([cascade.json]({FILES}/cascade.json), `benchmarks/cascade.py`):",
        "",
        "| errors of the chat model | | " + " | ".join(f"{share:.0%}" for share in shares) + " |",
        "| --- | --- |" + " ---: |" * len(shares),
    ]
    for run in runs:
        for key, title in (("f1", "unsure first"), ("f1_at_random", "by lot")):
            cells = " | ".join(f"{row[key]:.3f}" for row in run["curve"])
            lines.append(f"| {run['mistakes']:.0%} of each kind | {title} | {cells} |")
    return lines


def variants_table(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): What a simulation says of variants that compete."""
    equal = result["scenarios"]["equal"]
    lines = [
        "",
        "### Variants that compete, simulated",
        "",
        f"A simulation, no chat model was asked: three variants answer {result['sentences']:,} sentences of CoNLL++ "
        f"with mistakes at known rates, and are chosen by Thompson sampling with a floor of {result['floor']:.0%} "
        f"([variants_simulation.json]({FILES}/variants_simulation.json), `benchmarks/variants_simulation.py`):",
        "",
        "| exact match of the three | seeds | best found after 300 | regret after 300, of that of choosing evenly | "
        "rule stopped within 1,000 | wrongly |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in ("apart", "close"):
        row = result["scenarios"][name]
        rates = ", ".join(f"{rate:.2f}" for rate in row["exact_match"])
        lines.append(
            f"| {rates} | {row['seeds']} | {row['best_after_300']} | {row['share_of_that_regret']:.0%} "
            f"| {row['stopped_within_1000']} | {row['wrong_stops']} |"
        )
    lines += [
        "",
        f"Where all three give the very same replies, the rule declared one in {equal['wrong_stops']} of "
        f"{equal['runs']:,} runs of 1,000 sentences.",
    ]
    return lines


def bootstrap_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): What each step from texts alone to a student brings."""
    lines = [
        "",
        "### From texts alone",
        "",
        "The workflow `bootstrap` on CoNLL++: 300 training texts chosen by a query, annotated by spaCy's small English "
        "pipeline; 50 of them reviewed, for which gold stands; strict F1 on test, and how many points each row is "
        f"above the one before, with a 95 % interval ([bootstrap.json]({FILES}/bootstrap.json), "
        f"`benchmarks/project_workflow.py bootstrap`, {machine_and_time(result)}):",
        "",
        "| | F1 | beside the row above |",
        "| --- | ---: | ---: |",
    ]
    for row in result["rows"]:
        gain = ""
        if "gain" in row:
            gain = _difference({"difference": row["gain"], "interval": row["gain_interval"]})
        lines.append(f"| {row['name']} | {row['f1']:.3f} | {gain} |")
    return lines


def pii_lines(result: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): Scores of the workflow `pii`, by label."""
    lines = [
        "",
        "### Personal data",
        "",
        "transformer_ner, trained by the workflow `pii` on sentences of Presidio's templates; strict scores on "
        f"sentences of other templates, with a 95 % interval of F1 ([pii.json]({FILES}/pii.json), "
        f"`benchmarks/project_workflow.py pii`, {machine_and_time(result)}):",
        "",
        "| label | entities | precision | recall | F1 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in result["labels"].items():
        found = row["correct"] + row["incorrect"] + row["partial"] + row["missed"]
        interval = (row.get("interval") or {}).get("f1")
        sure = "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
        lines.append(
            f"| {name} | {found:,} | {row['precision']:.3f} | {row['recall']:.3f} | {row['f1']:.3f}{sure} |"
        )
    return lines
