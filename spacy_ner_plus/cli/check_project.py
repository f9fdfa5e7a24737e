"""`spacy-ner-plus check-project`: what a workflow of project.yml lacks, before it runs."""

from pathlib import Path
from typing import Annotated

import typer


def check_project_command(
    workflow: Annotated[
        str,
        typer.Argument(
            help="all, pipeline, conll, llm, compare, loop, bootstrap, bootstrap-gliner, pii or pii-llm."
        ),
    ],
    corpus: Annotated[str, typer.Option(help="Name of the corpus.")],
    files: Annotated[Path, typer.Option(help="Folder with the corpus's files; of pii, a table of texts.")],
    config: Annotated[Path | None, typer.Option(help="Training config.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Encoder that is trained.")] = None,
    teacher: Annotated[
        str | None, typer.Option(help="Pipeline that annotates: a folder, or an installed one.")
    ] = None,
    reviewer: Annotated[
        str, typer.Option(help="Who reviews in bootstrap: file, or label-studio, whose server has to run.")
    ] = "file",
    label_map: Annotated[
        str,
        typer.Option(help="How the teacher's labels become the corpus's: a file, one that ships, or none."),
    ] = "",
    gliner: Annotated[str | None, typer.Option(help="Folder with a GLiNER model.")] = None,
    column: Annotated[str | None, typer.Option(help="Column of the texts in the table of --files.")] = None,
    otherwise: Annotated[
        str, typer.Option(help="Folder that is taken where that of --files isn't there; may be empty.")
    ] = "",
    llm_url: Annotated[str, typer.Option(help="Base URL of a chat model's server; may be empty.")] = "",
    llm_model: Annotated[str, typer.Option(help="The model, as the server calls it.")] = "default",
) -> None:
    """Say what a workflow lacks (packages, files, a server) before it runs; nothing is sent."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.project.bootstrap_corpus import source_folder
    from spacy_ner_plus.workflows.project.check_project import check_project

    check_project(
        workflow,
        corpus,
        files,
        config=config,
        encoder=encoder,
        teacher=teacher,
        reviewer=reviewer,
        label_map=label_map,
        gliner=gliner,
        column=column,
        otherwise=otherwise or None,
        llm_url=llm_url,
        llm_model=llm_model,
    )
    source = source_folder(files, otherwise)
    if source != files:
        err.print(f"There is no {files}: {source} is taken.", style="yellow", markup=False, highlight=False)
    if workflow == "compare" and not llm_url.strip():
        err.print("No chat model: no URL of a server is given (--vars.llm_url).", markup=False)
    err.print(f"'{corpus}' from {source}: all is there.", markup=False, highlight=False)
