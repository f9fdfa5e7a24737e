"""`spacy-ner-plus generate`: a synthetic corpus of requests to an assistant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from spacy_ner_plus.workflows.generate import Generated

EXAMPLES = 3  # entities of a label that are shown for each part


def generate_command(
    out_dir: Annotated[Path, typer.Argument(help="Folder for train.json, dev.json and test.json.")],
    train: Annotated[int, typer.Option(help="Records to train on.")] = 200,
    dev: Annotated[int, typer.Option(help="Records to choose the best step on.")] = 50,
    test: Annotated[int, typer.Option(help="Records to evaluate on, 0 for none.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 0,
    lang: Annotated[str, typer.Option(help="Language of the templates.")] = "en",
) -> None:
    """Make a labelled corpus of requests to an assistant, in parts that share no entity."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.generate import generate

    with err.status("Making the corpus"):
        made = generate(out_dir, train=train, dev=dev, test=test, seed=seed, lang=lang)
    out.print(_table(made))
    shared = ", ".join(made.shared)
    verdict = (
        f"Entities in several parts: {shared}" if shared else "No entity is in two parts, whatever its case."
    )
    out.print(verdict, markup=False, highlight=False)
    f1 = made.baseline["f1"]
    out.print(
        f"Most frequent tag and regular expressions, trained on train: F1 {f1:.3f} on dev.", highlight=False
    )
    written = ", ".join(str(out_dir / f"{part}.json") for part in made.records)
    err.print(f"Written: {written}", markup=False, highlight=False)


def _table(made: "Generated") -> "Table":
    """List how many entities of each label each part has, and the first of them."""
    from rich.markup import escape
    from rich.table import Table

    title = ", ".join(f"{part}: {count:,} records" for part, count in made.records.items())
    table = Table("label", "part", title=title)
    table.add_column("entities", justify="right")
    table.add_column("such as", overflow="fold")
    for label in sorted({label for found in made.entities.values() for label, _ in found}):
        for part, found in made.entities.items():
            texts = [text for other, text in found if other == label]
            examples = " · ".join(list(dict.fromkeys(texts))[:EXAMPLES])
            table.add_row(label if part == "train" else "", part, f"{len(texts):,}", escape(examples))
        table.add_section()
    return table
