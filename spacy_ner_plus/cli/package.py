"""`spacy-ner-plus package`: a pipeline as a wheel that can be installed anywhere."""

from pathlib import Path
from typing import Annotated

import typer


def package_command(
    pipeline: Annotated[Path, typer.Argument(help="Folder of a trained pipeline.")],
    output: Annotated[Path, typer.Argument(help="Folder for the wheels.")],
    name: Annotated[str | None, typer.Option(help="Name of the package, without the language.")] = None,
    version: Annotated[str | None, typer.Option(help="Version of the package.")] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="Metrics that `evaluate` wrote (.json), for a model card.")
    ] = None,
) -> None:
    """Build a wheel of a pipeline by `spacy package`, with a model card, and one of spacy-ner-plus beside it."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.project.package import package

    with err.status("Building the wheels (half a minute)"):
        wheels = package(pipeline, output, name=name, version=version, metrics=metrics)
    out.print(f"pip install {' '.join(str(wheel) for wheel in wheels)}", markup=False, highlight=False)
