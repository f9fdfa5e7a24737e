"""Tables of how far annotators agree, and what became of what they said."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def agreement_tables(report: Mapping[str, Any]) -> "list[Table | str]":
    """Show the report of `annotate`.

    RETURNS (list[Table | str]): The labels, the annotators, and how far these agree, where there are several.
    """
    found = [_labels(report), _annotators(report)]
    missing = report["missing"]
    share = missing["tokens"] / report["tokens"] if report["tokens"] else 0.0
    found.append(
        f"Missing, and not O: {missing['tokens']:,} tokens ({share:.1%}) in {missing['documents']:,} documents."
    )
    return found if len(report["annotators"]) < 2 else [*found, _pairs(report), _alpha(report["alpha"])]


def distil_lines(report: Mapping[str, Any]) -> list[str]:
    """Sum up what `distil` made beside that.

    RETURNS (list[str]): How soft the tags are, and what was mixed.
    """
    soft, mix = report["soft_tags"], report["mix"]
    found = [
        f"Soft tags: {soft['said']:,} of {soft['tokens']:,} tokens; {soft['doubtful']:,} have no tag of 0.9 or more, "
        f"{soft['disputed']:,} count less than half, where teachers disagree or their tokens don't fit."
    ]
    documents = f"Documents: {mix['weak']:,} of the teachers, {mix['gold']:,} gold"
    documents += f", {mix['gold_open']:,} of these without any annotation" if mix["gold_open"] else ""
    replaced = f"; {mix['replaced']:,} more texts are gold's" if mix["replaced"] else ""
    replaced += f"; {mix['unmatched']:,} gold ones are none of the texts" if mix["unmatched"] else ""
    softened = f"; {mix['softened_tokens']:,} gold tokens have soft tags" if mix["softened_tokens"] else ""
    found.append(f"{documents}{replaced}{softened}.")
    if mix["gold_alone"]:
        labels = ", ".join(mix["gold_alone"])
        found.append(f"No teacher looks for {labels}: on their documents nothing is known of these.")
    if mix["teachers_alone"]:
        labels = ", ".join(mix["teachers_alone"])
        found.append(f"Gold has no {labels}: the student learns from its documents that none are there.")
    return found


def _labels(report: Mapping[str, Any]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    names = [annotator["name"] for annotator in report["annotators"]]
    table = Table("Label")
    for name in ("kept", "doubtful", *names):
        table.add_column(escape(name), justify="right", overflow="fold")
    for label, row in report["labels"].items():
        said = [f"{row['annotators'][name]:,}" for name in names]
        table.add_row(escape(label), f"{row['kept']:,}", f"{row['doubtful']:,}", *said)
    said = [f"{annotator['spans']:,}" for annotator in report["annotators"]]
    table.add_section()
    table.add_row("all", f"{report['kept']:,}", f"{report['doubtful']:,}", *said)
    return table


def _annotators(report: Mapping[str, Any]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("Annotator", "scores")
    for name in ("spans", "of these kept", "misaligned", "failed on texts", "missing tokens"):
        table.add_column(name, justify="right")
    for found in report["annotators"]:
        keys = ("spans", "kept", "misaligned", "failed_documents", "missing_tokens")
        scores = {True: "its own", False: "none: 1.0 each", None: ""}[found["has_scores"]]
        table.add_row(escape(found["name"]), scores, *(f"{found[key]:,}" for key in keys))
    return table


def _pairs(report: Mapping[str, Any]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    labels = list(report["labels"])
    table = Table("F1 of spans between")
    for name in ("all", *labels):
        table.add_column(escape(name), justify="right")
    for pair in report["pairs"]:
        figures = [pair["f1"], *(pair["labels"].get(label) for label in labels)]
        names = " and ".join(pair["annotators"])
        table.add_row(escape(names), *("" if value is None else f"{value:.3f}" for value in figures))
    return table


def _alpha(alpha: Mapping[str, Any]) -> str:
    if alpha["value"] is None:
        return "Krippendorff's alpha can't be told: all tokens that can be compared have one label."
    interval = alpha["interval"]
    sure = f" (95%: {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    labels = "" if alpha["labels"] is None else f", over {', '.join(alpha['labels'])}"
    return f"Krippendorff's alpha of tokens' labels{labels}: {alpha['value']:.3f}{sure}"
