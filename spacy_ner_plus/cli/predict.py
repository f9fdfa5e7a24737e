"""`spacy-ner-plus predict`: entities of pasted text, files and stdin as table, JSONL or page."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from spacy_ner_plus.cli.options import Code
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import written_whole
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.pipelines import load_pipeline
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.arguments.texts import read_texts

FORMATS = ("table", "jsonl", "html")
INPUT_FORMATS = ("auto", "text", "jsonl")


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
    from spacy_ner_plus.workflows.predict import predict_records

    at_least("--batch-size", batch_size, 1)
    _check_choice("--format", output_format, FORMATS)
    _check_choice("--input-format", input_format, INPUT_FORMATS)
    inputs = [("a file of texts", file) for file in files or [] if file != "-"]
    check_targets({"--output": output}, [*inputs, ("the pipeline", pipeline), ("--code", code)])
    if not files and not text:
        files = ["-"]
    if "-" in (files or []) and sys.stdin.isatty():
        unit = "one text" if whole else "text, one a line"
        err.print(f"Paste {unit}; end with Ctrl-D on a line of its own.", style="dim")
    nlp = load_pipeline(pipeline, override or [], code=code)
    records = read_texts(files or [], text or [], input_format=input_format, whole=whole)
    issues = IssueLog()
    results = predict_records(nlp, records, batch_size=batch_size, n_process=n_process, issues=issues)
    with _destination(output) as stream:
        _write(results, stream, output_format, lang=nlp.lang, flush=output is None)
    for kind, issue in issues:
        line = f"{issue.count} x {kind}. First: {issue.example} ({issue.where})"
        err.print(line, style="yellow", markup=False, highlight=False)
    if output:
        err.print(f"Predictions: {output}", markup=False, highlight=False)


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(Errors.E506.format(value=value, option=option, choices=", ".join(choices)))


def _write(
    results: Iterable[dict[str, Any]], stream: TextIO, output_format: str, *, lang: str, flush: bool
) -> None:
    """Write results while they come in; a page waits for the end of the texts."""
    if output_format == "jsonl":
        for result in results:
            print(json.dumps(result, ensure_ascii=False), file=stream, flush=flush)
    elif output_format == "html":
        from spacy_ner_plus.evaluation.pages.entities_page import render_entities

        stream.write(render_entities(results, title="Entities", lang=lang))
    else:
        from spacy_ner_plus.cli.entity_table import write_table

        write_table(results, stream)


@contextmanager
def _destination(output: Path | None) -> Iterator[TextIO]:
    """Open stdout, or a file that takes its name only when it is whole."""
    if output is None:
        yield sys.stdout
        return
    with written_whole(output) as beside, beside.open("w", encoding="utf8") as stream:
        yield stream
