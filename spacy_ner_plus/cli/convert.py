"""`spacy-ner-plus convert`: corpora of any format to .spacy files, or between text formats."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.format_names import format_names


def convert_command(
    sources: Annotated[
        list[str], typer.Argument(metavar="SRC", help="Files, folders, '-' for stdin, or dataset names.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="Where to: .spacy, .conll, .jsonl, .json, ...; a folder with --shards."
        ),
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help=f"Of the sources: auto, or one of {', '.join(format_names())}. `spacy-ner-plus formats` says more.",
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
    align: Annotated[
        str | None,
        typer.Option(
            help="Spans that begin or end within a token: split it (default), strict drops the span, contract, expand."
        ),
    ] = None,
    offsets: Annotated[
        str | None,
        typer.Option(
            help="How offsets count: auto (default), code-points, utf-16, bytes, inclusive, from-1, ..."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="What becomes a Doc: document (default), sentence, or a number of sentences."),
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Language of the texts, such as en or xx.")
    ] = "en",
    token_column: Annotated[
        str | None,
        typer.Option(help="Column of the tokens: for conll its number, -1 the last; for hub its name."),
    ] = None,
    tag_column: Annotated[str | None, typer.Option(help="Column of the tags, likewise.")] = None,
    scheme: Annotated[
        str | None,
        typer.Option(help="Tagging scheme: auto (default), IO, IOB1, IOB2, BILUO, IOBES or BMES."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of text files.")] = "utf-8",
    restore_whitespace: Annotated[
        bool | None,
        typer.Option(
            "--restore-whitespace/--spaces-everywhere",
            help="Tokens: put spaces between them by the rules of the language (default), or between any two.",
        ),
    ] = None,
    sentence_lines: Annotated[
        bool | None,
        typer.Option(
            "--sentence-lines",
            help="Tokens: begin each sentence on a line of its own, as titles and rows of tables stood.",
        ),
    ] = None,
    hub_split: Annotated[str | None, typer.Option(help="Split of a dataset, such as train.")] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Deal documents to parts, as train=0.8,dev=0.2: OUT-train.spacy and OUT-dev.spacy."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of --split.")] = 0,
    label_map: Annotated[
        Path | None, typer.Option(help="JSON or YAML mapping of labels to new ones, or to null to drop them.")
    ] = None,
    annotated_labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="Label that was annotated, where only some were: say so in the Docs. Several by commas, or given "
            "again; what isn't marked is 'none of these' then, and not O.",
        ),
    ] = None,
    shards: Annotated[
        int, typer.Option(help="Write a folder of so many .spacy files, for corpora larger than memory.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing if anything is lost or repaired.")
    ] = False,
) -> None:
    """Convert corpora, and show what was read and what was lost or repaired."""
    from spacy_ner_plus.cli.console import out as console
    from spacy_ner_plus.cli.console import print_notes, progress
    from spacy_ner_plus.cli.corpus_tables import counts_table, issues_table, nothing_lost
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.data.sources import Options
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.convert import convert

    options = Options(
        group,
        token_column,
        tag_column,
        scheme,
        restore_whitespace,
        sentence_lines,
        hub_split,
        align,
        offsets,
    )
    issues, notes = IssueLog(), []
    labels = (
        [label.strip() for part in annotated_labels for label in part.split(",")]
        if annotated_labels
        else None
    )
    try:
        conversion = convert(
            sources,
            out,
            format=format,
            target_format=target_format,
            options={**options.given(), **parse_assignments(format_options or ())},
            lang=lang,
            encoding=encoding,
            split=split,
            seed=seed,
            label_map=label_map,
            annotated_labels=labels,
            shards=shards,
            strict=strict,
            issues=issues,
            notes=notes,
            progress=progress,
        )
    finally:
        # What was found before a failure may explain it.
        print_notes(notes)
        if issues.kinds:
            console.print(issues_table(issues))
    console.print(counts_table({part or str(out): counts for part, counts in conversion.counts.items()}))
    if not issues.kinds:
        console.print(nothing_lost(notes))
    for path in conversion.paths.values():
        console.print(f"Wrote {path}", markup=False, highlight=False)
