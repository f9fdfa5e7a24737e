"""Other programs that a workflow runs: in silence, and a failure is one message."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError


def run(command: Sequence[str], folder: Path | None = None) -> None:
    """Run a program to its end.

    command (Sequence[str]): The program and its arguments.
    folder (Path): Where it runs. Default: here.
    RAISES (UserError): Where it fails, with the last lines that it wrote.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise UserError(Errors.E534.format(command=" ".join(command[:4]), reason="\n".join(lines[-5:])))
