"""`spacy-ner-plus annotate`: texts to a corpus to train on, by one pipeline or what several agree on."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code


def annotate_command(
    pipelines_and_texts: Annotated[
        list[str],
        typer.Argument(
            metavar="PIPELINE... TEXTS",
            help="Folders of pipelines or names of installed ones, also as NAME=PIPELINE; last, the texts: a file, a "
            "folder, '-' for stdin, or a dataset's name.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to: .spacy, .conll, .jsonl, .json, ...")],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="Of the texts: auto, text for one a line, or one of those that `spacy-ner-plus formats` lists.",
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
        str | None,
        typer.Option("--lang", "-l", help="Language whose tokens texts get; default: the first pipeline's."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of text files.")] = "utf-8",
    label_map: Annotated[
        str | None,
        typer.Option(
            help="JSON or YAML mapping of the pipelines' labels to new ones, or to null to drop them; or "
            "ontonotes-conll, which ships."
        ),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            help="What becomes an entity: majority, union, intersection, weighted, or a registered name."
        ),
    ] = "majority",
    keep: Annotated[
        float, typer.Option(help="The least score of an entity, from 0 to 1; what is below is missing.")
    ] = 0.0,
    dev: Annotated[
        Path | None,
        typer.Option(help="Annotated corpus on which --policy weighted measures how often each is right."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="JSON file of the report; default: OUT.report.json.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(help="Setting as key=value, e.g. components.transformer_ner.device=cpu; repeatable."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Texts at once; default: the pipelines'.")] = None,
    shard_size: Annotated[
        int, typer.Option(help="Texts of a shard: what a run that is killed loses at most.")
    ] = 1000,
    work: Annotated[
        Path | None, typer.Option(help="Folder for what the pipelines said; default: OUT.answers.")
    ] = None,
    episode: Annotated[
        str,
        typer.Option(
            help="Name of the run for a chat model of several variants: cut off and run again, it goes on with those "
            "that were drawn."
        ),
    ] = "",
    limit: Annotated[int, typer.Option(help="Take only the first N texts; 0 for all.")] = 0,
    code: Code = None,
) -> None:
    """Annotate texts, and write a corpus to train on; what is doubtful is missing, and not O."""
    from spacy_ner_plus.cli.agreement_tables import agreement_tables
    from spacy_ner_plus.cli.console import err, print_notes, progress
    from spacy_ner_plus.cli.console import out as console
    from spacy_ner_plus.cli.corpus_tables import counts_table, issues_table
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.errors import Errors, UserError
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.annotate import annotate

    if len(pipelines_and_texts) < 2:
        raise UserError(Errors.E655)
    *pipelines, texts = pipelines_and_texts
    issues, notes = IssueLog(), []
    try:
        annotation = annotate(
            pipelines,
            texts,
            out,
            format=format,
            target_format=target_format,
            options=parse_assignments(format_options or ()),
            lang=lang,
            encoding=encoding,
            label_map=label_map,
            policy=policy,
            keep=keep,
            dev=dev,
            report=report,
            overrides=override or [],
            batch_size=batch_size,
            shard_size=shard_size,
            work=work,
            episode=episode,
            limit=limit,
            code=code,
            issues=issues,
            notes=notes,
            progress=progress,
        )
    finally:
        # What was found before a failure may explain it.
        print_notes(notes)
        if issues.kinds:
            console.print(issues_table(issues))
    console.print(counts_table({str(out): annotation.counts}))
    for table in agreement_tables(annotation.report):
        console.print(table)
    for path in (annotation.path, annotation.report_path):
        console.print(f"Wrote {path}", markup=False, highlight=False)
    if annotation.kept_at:
        line = f"What the pipelines said is kept in {annotation.kept_at}: another policy asks nobody again."
        err.print(line, style="dim", markup=False, highlight=False)
