"""`spacy-ner-plus select`: which of many texts to label."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.format_names import format_names

if TYPE_CHECKING:
    from rich.table import Table

    from spacy_ner_plus.workflows.select import Selection


def select_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXTS",
            help="Files, folders or '-' for stdin, annotated or not; .txt has a text a line, .csv a column of them.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Where to: .spacy, .jsonl, ..., in the order of rank.")
    ],
    query: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Select the texts that are nearest to this one; repeatable."),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Select those that are nearest to the texts in there; repeatable."),
    ] = None,
    uncertain: Annotated[
        str | None,
        typer.Option(
            metavar="PIPELINE",
            help="Select those that this pipeline is the most unsure of: a folder, or its name.",
        ),
    ] = None,
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Select texts that are far from each other, the farthest first.")
    ] = False,
    number: Annotated[int, typer.Option("--number", "-n", help="How many to select.")] = 100,
    candidates: Annotated[
        int | None,
        typer.Option(
            help="Of several of these, each selects from what the one before it left: so many; default: 10 times -n."
        ),
    ] = None,
    labelled: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CORPUS",
            help="Texts that are labelled already: neither they nor what is nearly the same are selected, and "
            "--diverse begins with what is far from them; repeatable.",
        ),
    ] = None,
    duplicates: Annotated[
        float,
        typer.Option(
            help="Cosine from which on two texts are nearly the same, and the worse is passed over; above 1: none are."
        ),
    ] = 0.95,
    model: Annotated[
        str, typer.Option(help="Folder or hub name of a sentence-transformers model.")
    ] = "all-MiniLM-L6-v2",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    precision: Annotated[
        str, typer.Option(help="auto (the fastest floats of this machine), fp32, bf16 or fp16.")
    ] = "auto",
    probed: Annotated[
        float,
        typer.Option(
            help="Above 200,000 texts, share of FAISS's lists that is searched; 1: numpy compares all."
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the text that --diverse begins with.")] = 0,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder where embeddings are kept; default: the user's, or as SPACY_NER_PLUS_CACHE says."
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help=f"Of the texts: auto, text (plain texts), or one of {', '.join(format_names())}.",
        ),
    ] = "auto",
    target_format: Annotated[
        str | None, typer.Option("--to", help="Of OUT, where its ending doesn't say it.")
    ] = None,
    format_options: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="NAME=VALUE",
            help="An option of a format; `spacy-ner-plus formats` lists them.",
        ),
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Language of the texts, such as en or xx.")
    ] = "en",
    encoding: Annotated[str, typer.Option(help="Encoding of text files.")] = "utf-8",
) -> None:
    """Select the texts to label, and write them the best first."""
    from spacy_ner_plus.cli.console import out as console
    from spacy_ner_plus.cli.console import print_notes, progress
    from spacy_ner_plus.cli.corpus_tables import issues_table
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.select import select

    issues, notes = IssueLog(), []
    try:
        selection = select(
            sources,
            out,
            query=query or (),
            like=like or (),
            uncertain=uncertain,
            diverse=diverse,
            number=number,
            candidates=candidates,
            labelled=labelled or (),
            duplicates=duplicates,
            model=model,
            device=device,
            precision=precision,
            probed=probed,
            seed=seed,
            cache=cache,
            format=format,
            target_format=target_format,
            options=parse_assignments(format_options or ()),
            lang=lang,
            encoding=encoding,
            issues=issues,
            notes=notes,
            progress=progress,
        )
    finally:
        # What was found before a failure may explain it.
        print_notes(notes)
        if issues.kinds:
            console.print(issues_table(issues))
    console.print(_table(selection))
    console.print(f"Wrote {selection.path}", markup=False, highlight=False)


def _table(selection: "Selection") -> "Table":
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    rows = {
        "texts": selection.texts,
        "embedded now": selection.embedded,
        "embeddings from the cache": selection.from_cache,
        "duplicates": selection.duplicates,
        "labelled already": selection.labelled,
        "near-duplicates passed over": selection.near_duplicates,
        "selected": len(selection.docs),
    }
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    scores = [score for score in selection.scores if score is not None]
    if scores:
        table.add_row("scores", f"{scores[0]:.3f} to {scores[-1]:.3f}")
    if selection.mean_similarity is not None:
        table.add_row("mean similarity of two of them", f"{selection.mean_similarity:.3f}")
    return table
