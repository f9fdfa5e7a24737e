"""`spacy-ner-plus predict`: entities of pasted text, files and stdin as table, JSONL or page."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import written_whole
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.loading import Code, at_least, load_pipeline
from spacy_ner_plus.workflows.targets import check_targets
from spacy_ner_plus.workflows.texts import read_texts

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

FORMATS = ("table", "jsonl", "html")
INPUT_FORMATS = ("auto", "text", "jsonl")
FAILED = "text on which the pipeline failed"
REPLACED = "record that had 'ents' already: replaced by the prediction"

# After so many texts the strings that they brought are forgotten (spaCy's
# memory zone), so that an endless stream does not fill the memory.
ZONE = 5_000


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

    inputs = [("a file of texts", file) for file in files or [] if file != "-"]
    check_targets({"--output": output}, [*inputs, ("the pipeline", pipeline), ("--code", code)])
    if not files and not text:
        files = ["-"]
    if "-" in (files or []) and sys.stdin.isatty():
        unit = "one text" if whole else "text, one a line"
        err.print(f"Paste {unit}; end with Ctrl-D on a line of its own.", style="dim")
    records = read_texts(files or [], text or [], input_format=input_format, whole=whole)
    issues = predict(
        pipeline,
        records,
        output_format=output_format,
        input_format=input_format,
        output=output,
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


def predict(
    pipeline: str,
    records: Iterable[dict[str, Any]],
    *,
    output_format: str = "table",
    input_format: str = "auto",
    output: Path | None = None,
    overrides: list[str] | None = None,
    batch_size: int | None = None,
    n_process: int = 1,
    code: Path | None = None,
) -> IssueLog:
    """Write the entities of texts, in the order of the texts and while they are read.

    pipeline (str): A folder, or the name of an installed package.
    records (Iterable[dict[str, Any]]): Each with `text`; other keys are kept in JSONL.
    output_format (str): 'table', 'jsonl' or 'html'; the last waits for the end of the texts.
    input_format (str): As given to `read_texts`; checked here, before the pipeline is loaded.
    output (Path): The file; None for stdout.
    overrides (list[str]): Settings of the pipeline as key=value.
    batch_size (int): Texts at once; None for the pipeline's own.
    n_process (int): Number of processes.
    code (Path): A Python file to run before the pipeline is loaded; None for none.
    RETURNS (IssueLog): Texts on which the pipeline failed.
    RAISES (UserError): Where something cannot be read, loaded or written.
    """
    for option, value, choices in (
        ("--format", output_format, FORMATS),
        ("--input-format", input_format, INPUT_FORMATS),
    ):
        if value not in choices:
            raise UserError(Errors.E506.format(value=value, option=option, choices=", ".join(choices)))
    at_least("--batch-size", batch_size, 1)
    nlp = load_pipeline(pipeline, overrides or [], code=code)
    issues = IssueLog()
    results = predict_records(nlp, records, issues, batch_size=batch_size, n_process=n_process)
    with _destination(output) as stream:
        if output_format == "jsonl":
            for result in results:
                print(json.dumps(result, ensure_ascii=False), file=stream, flush=not output)
        elif output_format == "html":
            from spacy_ner_plus.evaluation.pages.differences_page import render_entities

            stream.write(render_entities(results, title="Entities", lang=nlp.lang))
        else:
            from spacy_ner_plus.cli.entity_table import write_table

            write_table(results, stream)
    return issues


def predict_records(
    nlp: "Language",
    records: Iterable[dict[str, Any]],
    issues: IssueLog,
    *,
    batch_size: int | None = None,
    n_process: int = 1,
) -> Iterator[dict[str, Any]]:
    """Add entities to records.

    nlp (Language): The pipeline.
    records (Iterable[dict[str, Any]]): Each with `text`.
    issues (IssueLog): Where texts on which the pipeline fails are counted.
    batch_size (int): Texts at once; None for the pipeline's own.
    n_process (int): Number of processes.
    YIELDS (dict[str, Any]): The records in order with `ents`, which is None
        where the pipeline failed; why is then under `error`.
    """
    from spacy_ner_plus.evaluation.predictions import pipe_in_order

    number = 0
    records = iter(records)
    while (first := next(records, None)) is not None:
        inputs = ((record["text"], record) for record in chain([first], islice(records, ZONE - 1)))
        # A worker of another process gets no zone of ours, and its Docs outlive it.
        with nlp.memory_zone() if n_process == 1 else nullcontext():
            for doc, record, error in pipe_in_order(nlp, inputs, batch_size=batch_size, n_process=n_process):
                number += 1
                if "ents" in record:
                    issues.add(REPLACED, record["text"][:40], f"text {number}")
                if doc is None:
                    issues.add(FAILED, error, f"text {number}")
                    yield {**record, "ents": None, "error": error}
                else:
                    yield {**record, "ents": describe_entities(doc)}


def describe_entities(doc: "Doc") -> list[dict[str, Any]]:
    """Give a Doc's entities as plain data.

    doc (Doc): The Doc.
    RETURNS (list[dict[str, Any]]): `start` and `end` in characters, `label`,
        `text`, and `score` where a span group holds the same span with scores
        (`doc.spans[key].attrs["scores"]`).
    """
    from spacy_ner_plus.spans import span_scores

    scores = span_scores(doc)
    entities = []
    for ent in doc.ents:
        entity = {"start": ent.start_char, "end": ent.end_char, "label": ent.label_, "text": ent.text}
        score = scores.get((ent.start, ent.end, ent.label))
        entities.append(entity if score is None else {**entity, "score": round(score, 6)})
    return entities


@contextmanager
def _destination(output: Path | None) -> Iterator[TextIO]:
    """Open stdout, or a file that takes its name only when it is whole."""
    if output is None:
        yield sys.stdout
        return
    with written_whole(output) as beside, beside.open("w", encoding="utf8") as stream:
        yield stream
