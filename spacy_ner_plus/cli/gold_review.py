"""`spacy-ner-plus gold-review`: a gold corpus in place of a person, in the workflow `bootstrap`."""

from pathlib import Path
from typing import Annotated

import typer


def gold_review_command(
    tasks: Annotated[Path, typer.Argument(help="What `review push prodigy` wrote.")],
    gold: Annotated[
        Path, typer.Argument(help="Gold corpus with these texts: a .spacy file or a folder of them.")
    ],
    output: Annotated[Path, typer.Argument(help="File to write, as `prodigy db-out` does.")],
) -> None:
    """Answer tasks of Prodigy as a gold corpus has them: a person who makes no mistakes."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.project.gold_review import gold_review

    count = gold_review(tasks, gold, output)
    err.print(f"Answered {count:,} tasks: {output}", markup=False, highlight=False)
