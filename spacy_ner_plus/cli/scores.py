"""Scores and comparisons as tables in the terminal."""

from typing import Any

from spacy_ner_plus.cli.console import err, out
from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.evaluation.comparison.notes import untested
from spacy_ner_plus.evaluation.comparison.verdict import verdict
from spacy_ner_plus.evaluation.counting.counts import defined_rates


def show_metrics(metrics: dict[str, Any]) -> None:
    """Print what `evaluate` found: seqeval's table, spaCy's line, whether they agree, errors, and what was lost.

    metrics (dict[str, Any]): As `evaluate` gives them.
    """
    from rich.table import Table

    seqeval, corpus = metrics["seqeval"], metrics["corpus"]
    baseline = metrics.get("baseline")
    title = (
        f"{corpus['name']}: {corpus['documents']:,} documents, {corpus['tokens']:,} tokens, "
        f"{corpus['entities']:,} entities; {metrics['settings']['tokens']} tokens"
    )
    out.print(title, markup=False, highlight=False)
    intervals = {label: row["strict"].get("interval") for label, row in metrics["labels"].items()}
    intervals["micro"] = metrics["schemes"]["strict"]["interval"]
    sure = any(intervals.values())
    table = Table("Label", box=None, pad_edge=False, header_style="bold")
    for name in ("P", "R", "F1", *(["F1 95%"] if sure else []), "Support"):
        table.add_column(name, justify="right", min_width=6)
    if baseline:
        table.add_column("Baseline F1", justify="right")
    for label, row in seqeval["per_label"].items():
        simple = baseline and baseline["per_label"].get(label, {}).get("f1", 0.0)
        shown = {**row, **defined_rates(row, predicted=row["predicted"], support=row["support"])}
        ends = intervals.get(label) if row["support"] else None
        table.add_row(_plain(label), *_row(shown, simple, interval(ends) if sure else None))
    table.add_section()
    ends = interval(intervals["micro"]) if sure else None
    table.add_row("micro", *_row(seqeval, baseline and baseline["f1"], ends), style="bold")
    macro = {**seqeval["macro"], "support": seqeval["support"]}
    table.add_row("macro", *_row(macro, baseline and baseline["macro"]["f1"], "" if sure else None))
    out.print(table)
    _line("seqeval", f"strict IOB2; token accuracy {percent(seqeval['token_accuracy'])}")
    spacy_row = "  ".join(
        f"{name} {percent(metrics[key])}" for name, key in (("P", "ents_p"), ("R", "ents_r"), ("F", "ents_f"))
    )
    _line("spaCy", f"{spacy_row}  {metrics['speed']:,.0f} words/s")
    show_agreement(metrics["agreement"])
    _show_schemes(metrics)
    _show_errors(metrics)
    _show_run(metrics)
    _show_warnings(metrics)
    for kind, issue in metrics["issues"].items():
        text = f"{issue['count']} x {kind}. First: {issue['example']} ({issue['where']})"
        err.print(text, style="yellow", markup=False, highlight=False)


def _show_schemes(metrics: dict[str, Any]) -> None:
    schemes, documents = metrics["schemes"], metrics["documents"]
    others = "  ".join(f"{name} {percent(row['f1'])}" for name, row in schemes.items() if name != "strict")
    _line("Other F1", f"{others}; documents all right {percent(documents['exact_match'])}")
    if "entity_lists" in metrics["settings"]:
        rows = (f"{label} {percent(row['fuzzy']['accuracy'])}" for label, row in metrics["labels"].items())
        _line("By text", f"right / (right + wrong + missed): {', '.join(rows)}")
    if training := metrics["slices"].get("training"):
        rows = (
            f"{name} {percent(row['f1'])} ({row['support']:,} in gold)"
            for name, row in training.items()
            if row["support"]
        )
        _line("F1 by training", ", ".join(rows))
    if "calibration" in metrics:
        row = metrics["calibration"]
        _line(
            "Scores",
            f"mean {row['score']:.3f}, right {row['precision']:.3f}; calibration error {row['ece']:.4f}",
        )


def _show_errors(metrics: dict[str, Any]) -> None:
    errors = metrics["errors"]
    if not errors["total"]:
        return
    kinds = sorted(errors["kinds"].items(), key=lambda item: -item[1]["count"])
    counts = ", ".join(f"{row['count']:,} {kind}" for kind, row in kinds if row["count"])
    unclear = errors["unclear"]["count"]
    _line("Errors", counts + (f"; {unclear:,} of them where gold has it both ways" if unclear else ""))


def _show_run(metrics: dict[str, Any]) -> None:
    run = metrics["performance"]
    if "entity_lists" in metrics["settings"]:  # which ran elsewhere
        return
    memory = "" if run["peak_memory_mib"] is None else f", memory {run['peak_memory_mib']:,.0f} MiB at most"
    _line("Run", f"loaded in {run['load_seconds']:.1f} s, predicted in {run['seconds']:.1f} s{memory}")
    for name, report in metrics.get("llm", {}).items():
        figures = ", ".join(
            f"{key.replace('_', ' ')} {value:,.6g}"
            for key, value in report.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        )
        _line(name, figures)


def _show_warnings(metrics: dict[str, Any]) -> None:
    sets, documents = metrics["label_sets"], metrics["documents"]
    texts = []
    if sets["gold_alone"]:
        texts.append(Warnings.W301.format(labels=", ".join(sets["gold_alone"])))
    if sets["predicted_alone"]:
        texts.append(Warnings.W302.format(labels=", ".join(sets["predicted_alone"])))
    if documents["unanswered"]:
        texts.append(Warnings.W304.format(count=f"{documents['unanswered']:,}"))
    for text in texts:
        err.print(text, style="yellow", markup=False, highlight=False)


def show_agreement(agreement: dict[str, Any]) -> None:
    """Print whether spaCy and seqeval agree, and why if they do not.

    agreement (dict[str, Any]): As `evaluation.agreement.agreement` gives it.
    """
    if agreement["agree"]:
        _line("Agreement", "seqeval and spaCy agree")
        return
    difference = agreement["difference"]
    size = "spaCy gives no score"
    if difference is not None:
        size = f"spaCy - seqeval = {100 * difference:+.2f} points"
    _line("Agreement", f"{size}: " + "; ".join(agreement["reasons"]))


def show_comparison(comparison: dict[str, Any]) -> None:
    """Print a comparison: a row for each pipeline, a line for each pair, and what should be known.

    comparison (dict[str, Any]): As `compare_pipelines` gives it.
    """
    corpus = comparison["corpus"]
    title = f"{corpus['name']}: {corpus['documents']:,} documents, {corpus['entities']:,} entities"
    out.print(title, markup=False, highlight=False)
    out.print(_comparison_table(comparison))
    strict = [row for row in comparison["pairs"] if row["measure"] == "strict" and row["label"] is None]
    for row in strict:
        out.print(_pair_in_words(row), markup=False, highlight=False)
    found = verdict(comparison)
    # Why nothing was tested belongs to the verdict.
    text = f"{found.rest[0]} {found.lead}" if untested(comparison) else found.lead
    out.print(text, markup=False, highlight=False, style="bold")
    for row in comparison["pipelines"]:
        seeds = row["seeds"]
        if seeds["seeds"] > 1:
            text = f"{seeds['seeds']} trainings, F1 {100 * seeds['mean']:.2f}, sd {100 * seeds['sd']:.2f}"
            if seeds["dominates"]:
                text += f", and {100 * seeds['documents_sd']:.2f} over documents: {seeds['dominates']} matter more"
            _line(row["name"], text)
    # Why nothing was tested stands in the verdict already.
    for note in comparison["notes"][bool(untested(comparison)) :]:
        err.print(note, style="yellow", markup=False, highlight=False)


def _comparison_table(comparison: dict[str, Any]) -> Any:
    from rich.table import Table

    # Narrow gaps leave room for names where the terminal has 80 columns.
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("Pipeline", overflow="fold")
    for name in ("P", "R", "F1", "F1 95%", "Partial", "Type", "Words/s", "Load s", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in comparison["pipelines"]:
        schemes, run = row["schemes"], row["performance"]
        strict = schemes["strict"]
        memory = "-" if run["peak_memory_mib"] is None else f"{run['peak_memory_mib']:,.0f}"
        table.add_row(
            _plain(row["name"]),
            *(percent(strict[rate]) for rate in ("precision", "recall", "f1")),
            interval(strict["interval"]),
            *(percent(schemes[scheme]["f1"]) for scheme in ("partial", "type")),
            f"{run['words_per_second']:,.0f}",
            f"{run['load_seconds']:.1f}",
            memory,
            style="bold" if row["name"] == comparison["winner"] else None,
        )
    return table


def _pair_in_words(row: dict[str, Any]) -> str:
    size = f"{row['one']} - {row['other']}: {100 * row['difference']:+.2f} points of F1"
    if row["p"] is None:
        return f"{size}, not tested"
    low, high = (100 * end for end in row["interval"])
    verdict = f"{row['better']} is better" if row["better"] else "no real difference"
    return f"{size} (95% {low:+.2f} to {high:+.2f}), p {row['p_holm']:.4f} corrected for pairs: {verdict}"


def percent(value: float | None) -> str:
    """Write a rate as per cent.

    value (float): Between 0 and 1, or None.
    RETURNS (str): Two decimals, a dash for None.
    """
    return "-" if value is None else f"{100 * value:.2f}"


def interval(ends: dict[str, list[float]] | None, rate: str = "f1") -> str:
    """Write an interval of a rate in per cent.

    ends (dict[str, list[float]]): Lower and upper end by rate, or None.
    rate (str): Which one.
    RETURNS (str): Both ends with one decimal; a dash for None.
    """
    return "-" if ends is None else "\N{EN DASH}".join(f"{100 * end:.1f}" for end in ends[rate])


def _row(row: dict[str, Any], baseline: float | None, ends: str | None) -> list[str]:
    cells = [percent(row["precision"]), percent(row["recall"]), percent(row["f1"])]
    if ends is not None:
        cells.append(ends)
    cells.append(f"{row['support']:,}")
    return cells if baseline is None else [*cells, percent(baseline)]


def _plain(text: str):
    """A label as it is: rich would read [brackets] in it as markup."""
    from rich.text import Text

    return Text(text)


def _line(name: str, text: str) -> None:
    out.print(f"{name}: {text}", markup=False, highlight=False)
