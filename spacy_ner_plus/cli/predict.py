"""`spacy-ner-plus predict`: entities of pasted text, files and stdin as table, JSONL or page."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code
from spacy_ner_plus.errors import Errors, UserError

FORMATS = ("table", "jsonl", "html")


def predict_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline, or name of an installed one.")],
    files: Annotated[
        list[str] | None, typer.Argument(help="Text or JSONL files, one text a line; - or none: stdin.")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A text; repeatable.")] = None,
    output_format: Annotated[str, typer.Option("--format", help="table, jsonl or html.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default: stdout.")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Take each file as one text.")] = False,
    input_format: Annotated[
        str, typer.Option(help="text, jsonl (the text under 'text', other keys kept), or auto: by name.")
    ] = "auto",
    override: Annotated[
        list[str] | None,
        typer.Option(help="Setting as key=value, e.g. components.transformer_ner.device=cpu; repeatable."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Texts at once; default: the pipeline's.")] = None,
    n_process: Annotated[int, typer.Option(help="Number of processes.")] = 1,
    code: Code = None,
) -> None:
    """Find entities in texts and print them."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.cli.entity_table import write_table
    from spacy_ner_plus.workflows.predict import predict_files, write_jsonl, write_page

    if output_format not in FORMATS:
        choices = ", ".join(FORMATS)
        raise UserError(Errors.E506.format(value=output_format, option="--format", choices=choices))
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
        write={"table": write_table, "jsonl": write_jsonl, "html": write_page}[output_format],
        input_format=input_format,
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
