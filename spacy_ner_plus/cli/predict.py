"""`spacy-ner-plus predict`: entities of pasted text, files, tables and stdin, shown or written with them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code
from spacy_ner_plus.errors import Errors, UserError

FORMATS = ("table", "jsonl", "csv", "tsv", "text", "html")
# By the ending of the file that is written, where no format is given.
ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".html": "html",
    ".htm": "html",
}


def predict_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline, or name of an installed one.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Text or JSONL files, one text a line, or tables (.csv, .tsv) with a column of them; - or none: stdin."
        ),
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text; repeatable.")] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table (to look at), jsonl, csv, tsv, html, or text (the masked texts alone); default: by --output's "
            "ending, else table.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default: stdout.")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Take each file as one text.")] = False,
    input_format: Annotated[
        str, typer.Option(help="text, jsonl (other keys are kept), csv (any delimiter), or auto: by name.")
    ] = "auto",
    text_column: Annotated[
        str | None,
        typer.Option(
            help="Column of a table, or key of JSONL, with the texts; default: text, or a name that texts often have."
        ),
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="Of files and stdin, such as cp1252; written is UTF-8.")
    ] = "utf-8",
    mask: Annotated[
        str | None,
        typer.Option(
            help="Add each text with something in place of its entities: label for [PERSON], numbered for [PERSON_1], "
            "or a registered name; for jsonl, csv, tsv and text."
        ),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(help="Setting as key=value, e.g. components.transformer_ner.device=cpu; repeatable."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Texts at once; default: the pipeline's.")] = None,
    n_process: Annotated[int, typer.Option(help="Number of processes, -1 for one on each CPU.")] = 1,
    code: Code = None,
) -> None:
    """Find entities in texts and print them."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.cli.entity_table import write_entities
    from spacy_ner_plus.workflows.predict import predict_files
    from spacy_ner_plus.workflows.written_predictions import check_masks

    if output_format is None:
        output_format = "table" if output is None else ENDINGS.get(output.suffix.lower(), "table")
    if output_format not in FORMATS:
        choices = ", ".join(FORMATS)
        raise UserError(Errors.E506.format(value=output_format, option="--format", choices=choices))
    check_masks(output_format, mask)
    if not files and not text:
        files = ["-"]
    if "-" in (files or []) and sys.stdin.isatty():
        unit = "one text" if whole else "text, one a line"
        err.print(f"Paste {unit}; end with Ctrl-D on a line of its own.", style="dim")
    issues = predict_files(
        pipeline,
        files or [],
        output or sys.stdout,
        texts=text or [],
        write=write_entities if output_format == "table" else output_format,
        mask=mask,
        input_format=input_format,
        text_column=text_column,
        encoding=encoding,
        whole=whole,
        overrides=override or [],
        batch_size=batch_size,
        n_process=n_process,
        code=code,
    )
    for kind, issue in issues:
        line = f"{issue.count} x {kind}. First: {issue.example} ({issue.where})"
        err.print(line, style="yellow", markup=False, highlight=False)
    if output:
        err.print(f"Predictions: {output}", markup=False, highlight=False)
