"""`spacy-ner-plus check-project`: what a workflow of project.yml lacks, before it runs."""

from pathlib import Path
from typing import Annotated

import typer


def check_project_command(
    workflow: Annotated[str, typer.Argument(help="all, pipeline, conll, llm or compare.")],
    corpus: Annotated[str, typer.Option(help="Name of the corpus.")],
    files: Annotated[Path, typer.Option(help="Folder with the corpus's files.")],
    config: Annotated[Path | None, typer.Option(help="Training config.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Encoder that is trained.")] = None,
    llm_url: Annotated[str, typer.Option(help="Base URL of a chat model's server; may be empty.")] = "",
    llm_model: Annotated[str, typer.Option(help="The model, as the server calls it.")] = "default",
) -> None:
    """Say what a workflow lacks (packages, files, a server) before it runs; nothing is sent."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.project.check_project import check_project

    check_project(
        workflow, corpus, files, config=config, encoder=encoder, llm_url=llm_url, llm_model=llm_model
    )
    if workflow == "compare" and not llm_url.strip():
        err.print("No chat model: no URL of a server is given (--vars.llm_url).", markup=False)
    err.print(f"'{corpus}' from {files}: all is there.", markup=False, highlight=False)
