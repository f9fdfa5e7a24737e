"""`spacy-ner-plus gold-review`: a gold corpus in place of a person, in the workflow `bootstrap`."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.review import Labels, Lang, Options


def gold_review_command(
    predicted: Annotated[Path, typer.Argument(help="What is reviewed: a .spacy file or a folder of them.")],
    gold: Annotated[
        Path, typer.Argument(help="Gold corpus with these texts: a .spacy file or a folder of them.")
    ],
    output: Annotated[Path, typer.Argument(help="The .spacy file to write.")],
    reviewer: Annotated[
        str, typer.Option(help="file, which needs no tool, or label-studio, whose server has to run.")
    ] = "file",
    project: Annotated[
        str, typer.Option("--project", "-p", help="Its name in the tool; default: a new one each time.")
    ] = "",
    labels: Labels = None,
    limit: Annotated[int, typer.Option(help="Review only the N most doubtful; 0 for all.")] = 0,
    lang: Lang = "en",
    option: Options = None,
) -> None:
    """Push predictions, answer as a gold corpus has them (a person who makes no mistakes), and pull the answers."""
    from spacy_ner_plus.cli.review import as_labels, show_notes, show_reviewed
    from spacy_ner_plus.data.formats.options import parse_assignments
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.workflows.review.gold_review import gold_review

    issues, notes = IssueLog(), []
    try:
        reviewed = gold_review(
            predicted,
            gold,
            output,
            reviewer=reviewer,
            project=project,
            labels=as_labels(labels),
            limit=limit,
            lang=lang,
            options=parse_assignments(option or []),
            issues=issues,
            notes=notes,
        )
    finally:
        show_notes(notes, issues)
    show_reviewed(reviewed)
