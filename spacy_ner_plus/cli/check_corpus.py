"""`spacy-ner-plus check-corpus`: whether a converted corpus is the published one."""

from pathlib import Path
from typing import Annotated

import typer


def check_corpus_command(
    corpus: Annotated[Path, typer.Argument(help="Folder with a .spacy file for each split.")],
    source: Annotated[
        Path, typer.Option(help="Folder that it was converted from; its name is the row in CORPORA.")
    ],
    corpora: Annotated[Path, typer.Option(help="YAML table of known corpora.")] = Path("assets/corpora.yml"),
) -> None:
    """Check the counts of a converted corpus against those of the published one."""
    from spacy_ner_plus.cli.console import out
    from spacy_ner_plus.workflows.project.check_corpus import check_corpus

    name = source.resolve().name
    checked = check_corpus(corpus, name, corpora)
    if checked:
        out.print(f"{', '.join(checked)}: the counts are those of {name}.")
    else:
        out.print(f"No counts are known for a corpus named '{name}' in {corpora}; nothing was checked.")
