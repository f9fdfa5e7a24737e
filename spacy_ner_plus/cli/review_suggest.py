"""`spacy-ner-plus review suggest`: which entities of a corpus are probably wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_ner_plus.cli.options import Code

if TYPE_CHECKING:
    from rich.table import Table

    from spacy_ner_plus.workflows.review.suggest import LabelErrors
SHOWN = 20  # how many suggestions


def suggest_command(
    corpus: Annotated[
        list[str], typer.Argument(metavar="CORPUS", help="The corpus: a file or folder of any format.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="A .spacy file for the documents, the most suspicious first, to push."
        ),
    ],
    pipeline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PIPELINE",
            help="One that didn't learn from the corpus: a folder, or the name of an installed one; several are "
            "averaged.",
        ),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Predictions of such a pipeline, found by their texts; repeatable."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Training config: a pipeline is trained for each fold of the corpus, on all other folds."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Into how many the corpus is dealt then.")] = 4,
    steps: Annotated[int, typer.Option(help="After how many steps each training ends.")] = 300,
    work: Annotated[
        Path | None,
        typer.Option(
            help="Folder for what is trained; a further run goes on from there. Default: OUT.folds."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the order in which documents are dealt to folds.")] = 0,
    number: Annotated[int, typer.Option("--number", "-n", help="How many suggestions at most.")] = 200,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these: label, boundary, 'label and boundary', missing, spurious; repeatable."
        ),
    ] = None,
    least: Annotated[
        float, typer.Option(help="The least score: how much more probable what was found is, from 0 to 1.")
    ] = 0.0,
    show: Annotated[
        str, typer.Option(help="Which entities OUT has: those that are annotated, or those that were found.")
    ] = "annotated",
    report: Annotated[
        Path | None, typer.Option(help="JSON lines of the suggestions; default: OUT.suggestions.jsonl.")
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="Of the corpus: auto, or one of those that `spacy-ner-plus formats` lists.",
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
        str, typer.Option("--lang", "-l", help="Language of the texts, such as en or xx.")
    ] = "en",
    encoding: Annotated[str, typer.Option(help="Encoding of text files.")] = "utf-8",
    override: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting of the pipelines, or of the config, as key=value, e.g. vars.device=cpu; repeatable."
        ),
    ] = None,
    code: Code = None,
) -> None:
    """Find probable label errors: where pipelines that didn't learn from a document read it otherwise."""
    from spacy_ner_plus.cli.console import out as console
    from spacy_ner_plus.cli.console import print_notes, progress
    from spacy_ner_plus.cli.corpus_tables import issues_table
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.review.suggest import review_suggest

    issues, notes = IssueLog(), []
    try:
        found = review_suggest(
            corpus,
            out,
            pipelines=pipeline or (),
            predictions=predictions or (),
            config=config,
            folds=folds,
            steps=steps,
            work=work,
            seed=seed,
            number=number,
            kinds=kind or (),
            least=least,
            show=show,
            report=report,
            format=format,
            options=parse_assignments(format_options or ()),
            lang=lang,
            encoding=encoding,
            overrides=override or (),
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
    if found.rows:
        console.print(_suggestions_table(found.rows[:SHOWN]))
    console.print(_counts_table(found))
    for path in filter(None, (found.path, found.report_path)):
        console.print(f"Wrote {path}", markup=False, highlight=False)


def _suggestions_table(rows: Sequence[dict[str, Any]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    table.add_column("score", justify="right")
    for name in ("wrong", "annotated", "found", "in"):
        table.add_column(name, overflow="fold")
    for row in rows:
        before, text, after = (" ".join(row[key].split()) for key in ("before", "text", "after"))
        around = f"{escape(before[-30:])} [bold]{escape(text)}[/] {escape(after[:30])}"
        table.add_row(
            f"{row['score']:.3f}", row["kind"], _entities(row["annotated"]), _entities(row["found"]), around
        )
    return table


def _entities(spans: Sequence[dict[str, Any]]) -> str:
    from rich.markup import escape

    return escape("; ".join(f"{' '.join(span['text'].split())} {span['label']}" for span in spans)) or "none"


def _counts_table(found: "LabelErrors") -> "Table":
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    rows = {"documents": found.documents, "entities": found.entities, "suspicious places": found.suggested}
    rows |= {f"  {kind}": count for kind, count in found.kinds.items()}
    rows |= {"suggested": len(found.rows), "in documents": len(found.docs)}
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    return table
