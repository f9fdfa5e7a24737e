"""`spacy-ner-plus test-package`: a packaged pipeline in an environment of its own."""

from pathlib import Path
from typing import Annotated

import typer


def check_package_command(
    wheel: Annotated[
        Path, typer.Argument(help="Folder that `package` wrote, or a wheel that `spacy package` built.")
    ],
    corpora: Annotated[list[Path], typer.Argument(help="Corpora whose texts are run: .spacy files.")],
    pipeline: Annotated[
        Path, typer.Option(help="The pipeline that was packaged; the wheel must agree with it.")
    ],
    constraints: Annotated[
        Path | None, typer.Option(help="Constraints file for pip; default: the versions installed here.")
    ] = None,
    minimum: Annotated[
        int, typer.Option(help="Entities that must be found for the test to tell something.")
    ] = 100,
) -> None:
    """Install a packaged pipeline into a new environment and compare what it finds, with no network."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.project.check_package import check_package

    with err.status("Installing into a new environment (a minute or two)"):
        count = check_package(wheel, corpora, pipeline, constraints=constraints, minimum=minimum)
    out.print(f"{wheel}: installed, loaded by name with no network, the same {count} entities.")
