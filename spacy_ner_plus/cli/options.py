"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Code = Annotated[
    Path | None,
    typer.Option(
        "--code",
        "-c",
        help="Python file to run first, with factories and functions of yours, as in spacy train.",
    ),
]
