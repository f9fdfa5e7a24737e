"""Scores as a table in the terminal."""

from typing import Any

from spacy_ner_plus.cli.console import err, out


def show_metrics(metrics: dict[str, Any]) -> None:
    """Print what `evaluate` found: seqeval's table, spaCy's line, whether they agree, and what was lost.

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
    table = Table("Label", box=None, pad_edge=False, header_style="bold")
    for name in ("P", "R", "F1", "Support"):
        table.add_column(name, justify="right", min_width=6)
    if baseline:
        table.add_column("Baseline F1", justify="right")
    for label, row in seqeval["per_label"].items():
        simple = baseline and baseline["per_label"].get(label, {}).get("f1", 0.0)
        table.add_row(_plain(label), *_row(row, simple))
    table.add_section()
    table.add_row("micro", *_row(seqeval, baseline and baseline["f1"]), style="bold")
    macro = {**seqeval["macro"], "support": seqeval["support"]}
    table.add_row("macro", *_row(macro, baseline and baseline["macro"]["f1"]))
    out.print(table)
    _line("seqeval", f"strict IOB2; token accuracy {percent(seqeval['token_accuracy'])}")
    spacy_row = "  ".join(
        f"{name} {percent(metrics[key])}" for name, key in (("P", "ents_p"), ("R", "ents_r"), ("F", "ents_f"))
    )
    _line("spaCy", f"{spacy_row}  {metrics['speed']:,.0f} words/s")
    show_agreement(metrics["agreement"])
    if "calibration" in metrics:
        row = metrics["calibration"]
        _line(
            "Scores",
            f"mean {row['score']:.3f}, right {row['precision']:.3f}; calibration error {row['ece']:.4f}",
        )
    for kind, loss in metrics["losses"].items():
        text = f"{loss['count']} x {kind}. First: {loss['example']} ({loss['where']})"
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


def percent(value: float | None) -> str:
    """Write a rate as per cent.

    value (float): Between 0 and 1, or None.
    RETURNS (str): Two decimals, a dash for None.
    """
    return "-" if value is None else f"{100 * value:.2f}"


def _row(row: dict[str, Any], baseline: float | None) -> list[str]:
    cells = [percent(row["precision"]), percent(row["recall"]), percent(row["f1"]), f"{row['support']:,}"]
    return cells if baseline is None else [*cells, percent(baseline)]


def _plain(text: str):
    """A label as it is: rich would read [brackets] in it as markup."""
    from rich.text import Text

    return Text(text)


def _line(name: str, text: str) -> None:
    out.print(f"{name}: {text}", markup=False, highlight=False)
