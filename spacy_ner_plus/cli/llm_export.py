"""`spacy-ner-plus llm export`: good inferences as training data."""

from pathlib import Path
from typing import Annotated

import typer


def export_command(
    store: Annotated[str, typer.Argument(help="The store: an SQLite file, or a database's address.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A .jsonl file of chats (`messages`), or a .spacy corpus."),
    ],
    metric: Annotated[
        str, typer.Option(help="Of the feedback, that says how good an inference is.")
    ] = "exact_match",
    least: Annotated[
        float,
        typer.Option("--min", help="The worst value that is good enough; 1 for true."),
    ] = 1.0,
    dev: Annotated[Path | None, typer.Option(help="Where a part of the texts goes.")] = None,
    dev_share: Annotated[float, typer.Option(help="How many, where --dev is given.")] = 0.1,
    exclude: Annotated[
        list[Path] | None,
        typer.Option(help="A .spacy corpus whose texts are left out, such as a test corpus; repeatable."),
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Only the answers of this variant; repeatable.")
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(help="Only the answers of this component, which a store of several wants to be told."),
    ] = None,
    examples: Annotated[
        bool, typer.Option("--examples/--no-examples", help="Whether chats keep the prompts' examples.")
    ] = True,
    lang: Annotated[str, typer.Option(help="Language of a .spacy corpus, for its tokens.")] = "en",
) -> None:
    """Write good inferences, and right answers in place of those that were corrected, as training data."""
    from spacy_ner_plus.cli.console import out
    from spacy_ner_plus.workflows.llm_export import export_inferences

    done = export_inferences(
        store,
        output,
        metric=metric,
        least=least,
        dev=dev,
        dev_share=dev_share,
        exclude=exclude or (),
        variants=variant or (),
        component=component,
        examples=examples,
        lang=lang,
    )
    lines = [f"{output}: {done.train:,} texts", *([f"{dev}: {done.dev:,} texts"] if dev else [])]
    lines.append(f"Corrected: {done.corrected:,}")
    if output.suffix == ".jsonl":
        lines.append(f"In the model's own words: {done.raw:,}")
    for line in lines:
        out.print(line, markup=False, highlight=False)
    if len(done.left_out):
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        table.add_column("Left out", justify="right")
        table.add_column("Why")
        table.add_column("First")
        for kind, issue in done.left_out:
            table.add_row(f"{issue.count:,}", kind, " ".join(issue.example.split()))
        out.print(table, markup=False, highlight=False)
