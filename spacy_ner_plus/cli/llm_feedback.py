"""`spacy-ner-plus llm feedback`: what a gold corpus says of the answers in a store."""

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    str, typer.Option(help="The store of the chat model: an SQLite file, or postgresql://user@host/name.")
]


def feedback_command(
    gold: Annotated[
        Path, typer.Argument(help="A .spacy file or a folder of them: a corpus, or what `review pull` wrote.")
    ],
    store: Store,
    demonstrations: Annotated[
        bool,
        typer.Option(
            "--demonstrations/--scores-alone",
            help="Whether the right answers are kept, too, as examples and training data.",
        ),
    ] = True,
    label_map: Annotated[
        str | None,
        typer.Option(
            help="JSON or YAML mapping of gold's labels to those that were asked for, or to null to drop them; or "
            "ontonotes-conll, which ships."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="Take only the first N documents; 0 for all.")] = 0,
    source: Annotated[str | None, typer.Option(help="Who says so; default: the corpus's name.")] = None,
) -> None:
    """Score all stored answers about the texts of a gold corpus; run again, nothing is added."""
    give(gold, store, demonstrations=demonstrations, label_map=label_map, limit=limit, source=source)


def give(
    gold: Path,
    store: str,
    *,
    demonstrations: bool = True,
    label_map: str | None = None,
    limit: int = 0,
    source: str | None = None,
) -> None:
    """Give the feedback of a corpus, and say what became of it, and what couldn't be used."""
    from spacy_ner_plus.cli.console import err, out, print_notes
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.llm_feedback import llm_feedback

    issues, notes = IssueLog(), []
    try:
        given = llm_feedback(
            gold,
            store,
            demonstrations=demonstrations,
            label_map=label_map,
            limit=limit,
            source=source,
            issues=issues,
            notes=notes,
        )
    finally:
        print_notes(notes)
    for kind, issue in issues:
        line = f"{issue.count:,} {kind}, such as: {issue.example}"
        err.print(line, style="yellow", markup=False, highlight=False)
    line = f"{given.scored:,} of {given.found:,} answers about {given.docs:,} gold documents scored"
    out.print(line, markup=False, highlight=False)
    shown = f"{given.added:,} values added to {store}, {given.demonstrations:,} of them right answers"
    err.print(f"{shown}; {given.same:,} were there already", markup=False, highlight=False)
