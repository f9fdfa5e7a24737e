"""What `spacy-ner-plus review status --curve` prints: whether annotating more would pay."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spacy_ner_plus.workflows.review.curve import LearningCurve

Curve = Annotated[
    Path | None,
    typer.Option(
        metavar="GOLD",
        help="Train on more and more of this corpus, of reviewed documents, and say what more would bring.",
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="Training config for --curve, such as configs/transformer_ner.cfg.")
]
Dev = Annotated[
    Path | None, typer.Option(help="Corpus to test trainings on; default: a fifth of GOLD, held out.")
]
Sizes = Annotated[int, typer.Option(help="How many sizes: all of GOLD, half of it, and so on.")]
Seeds = Annotated[int, typer.Option(help="How many trainings of each size.")]
Steps = Annotated[int | None, typer.Option(help="Of each training; default: as many as fit, 300 at most.")]
Minutes = Annotated[float, typer.Option(help="How long --curve may take at most; a further run goes on.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-O", help="JSON file of the curve; default: GOLD.curve.json."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--override", help="Setting of the config as key=value, e.g. vars.device=cuda; repeatable."),
]


def show_curve(found: "LearningCurve") -> None:
    """Print a learning curve and what it foretells."""
    from rich.table import Table

    from spacy_ner_plus.cli.console import err, out

    table = Table("Documents", box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("F1", "Interval", "Trainings"):
        table.add_column(name, justify="right")
    for row in found.report["sizes"]:
        table.add_row(f"{row['documents']:,}", f"{100 * row['f1']:.1f}", "", str(row["trainings"]))
    for row in found.report["ahead"]:
        low, high = row["interval"]
        interval = f"{100 * low:.1f} to {100 * high:.1f}" if row["enough"] else "not enough data"
        table.add_row(f"{row['documents']:,}", f"{100 * row['f1']:.1f}", interval, "foretold")
    out.print(table)
    for note in found.notes:
        err.print(note, style="yellow", markup=False, highlight=False)
    verdict = found.report["verdict"]
    line = f"{verdict[0].upper()}{verdict[1:]} ({found.report['steps']} steps each)."
    out.print(line, markup=False, highlight=False)
    if found.path is not None:
        err.print(f"Wrote {found.path}", markup=False, highlight=False)
