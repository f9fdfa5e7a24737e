"""`spacy-ner-plus init`: a spaCy project for one's own corpus."""

from pathlib import Path
from typing import Annotated

import typer


def init_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Make a spaCy project that converts, trains, evaluates and packages: on a bundled corpus, then on yours."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.project.init import init

    made = init(folder)
    err.print(f"Made a project in {made}. Run it on the bundled corpus:", markup=False, highlight=False)
    err.print(f"  cd {made} && python -m spacy project run all", markup=False, highlight=False)
    err.print(f"Its README says how it runs on yours: {made / 'README.md'}", markup=False, highlight=False)
