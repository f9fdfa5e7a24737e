"""`spacy-ner-plus distil`: texts and teachers to a corpus that a student learns from."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code


def distil_command(
    teachers_and_texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEACHER... TEXTS",
            help="Folders of pipelines or names of installed ones, also as NAME=PIPELINE; last, the texts: a file, a "
            "folder, '-' for stdin, or a dataset's name.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to: a .spacy file.")],
    gold: Annotated[
        Path | None,
        typer.Option(help="Corpus that people annotated, of any format; its documents are written, too."),
    ] = None,
    soften_gold: Annotated[
        bool,
        typer.Option(
            "--soften-gold",
            help="Give gold documents soft tags beside their own, where they are among the texts.",
        ),
    ] = False,
    temperature: Annotated[float, typer.Option(help="More than 1 for softer tags.")] = 1.0,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="Of the texts: auto, text for one a line, or one of those that `spacy-ner-plus formats` lists.",
        ),
    ] = "auto",
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
        typer.Option("--lang", "-l", help="Language whose tokens texts get; default: the first teacher's."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of text files.")] = "utf-8",
    label_map: Annotated[
        str | None,
        typer.Option(
            help="JSON or YAML mapping of the teachers' labels to new ones, or to null to drop them; or "
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
        typer.Option(
            help="Annotated corpus on which is measured how often each is right: what spans without scores count as, "
            "and for --policy weighted."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="JSON file of the report; default: OUT.report.json.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(help="Setting as key=value, e.g. components.transformer_ner.device=cpu; repeatable."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Texts at once; default: the teachers'.")] = None,
    shard_size: Annotated[
        int, typer.Option(help="Texts of a shard: what a run that is killed loses at most.")
    ] = 1000,
    work: Annotated[
        Path | None, typer.Option(help="Folder for what the teachers said; default: OUT.answers.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Take only the first N texts; 0 for all.")] = 0,
    code: Code = None,
) -> None:
    """Write how probable teachers find each tag of texts, and gold beside it, as a corpus for `spacy train`."""
    from spacy_ner_plus.cli.agreement_tables import agreement_tables, distil_lines
    from spacy_ner_plus.cli.console import err, print_notes, progress
    from spacy_ner_plus.cli.console import out as console
    from spacy_ner_plus.cli.corpus_tables import counts_table, issues_table
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.errors import Errors, UserError
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.distil import distil

    if len(teachers_and_texts) < 2:
        raise UserError(Errors.E655)
    *teachers, texts = teachers_and_texts
    issues, notes = IssueLog(), []
    try:
        made = distil(
            teachers,
            texts,
            out,
            format=format,
            gold=gold,
            soften_gold=soften_gold,
            temperature=temperature,
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
    console.print(counts_table({str(out): made.counts}))
    for table in agreement_tables(made.report):
        console.print(table)
    for line in distil_lines(made.report):
        console.print(line)
    for path in (made.path, made.report_path):
        console.print(f"Wrote {path}", markup=False, highlight=False)
    if made.kept_at:
        line = f"What the teachers said is kept in {made.kept_at}: other gold asks nobody again."
        err.print(line, style="dim", markup=False, highlight=False)
