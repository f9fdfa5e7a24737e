"""`spacy-ner-plus check-corpus`: whether a converted corpus is the published one."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.errors import Errors, UserError


def check_corpus_command(
    corpus: Annotated[Path, typer.Argument(help="Folder with a .spacy file for each split.")],
    source: Annotated[
        Path, typer.Option(help="Folder that it was converted from; its name is the row in CORPORA.")
    ],
    corpora: Annotated[Path, typer.Option(help="YAML table of known corpora.")] = Path("assets/corpora.yml"),
) -> None:
    """Check the counts of a converted corpus against those of the published one."""
    from spacy_ner_plus.cli.console import out

    name = source.resolve().name
    checked = check_corpus(corpus, name, corpora)
    if checked:
        out.print(f"{', '.join(checked)}: the counts are those of {name}.")
    else:
        out.print(f"No counts are known for a corpus named '{name}' in {corpora}; nothing was checked.")


def check_corpus(corpus: Path, name: str, corpora: Path) -> list[str]:
    """Check the counts of a converted corpus.

    corpus (Path): Folder with a .spacy file for each split.
    name (str): The corpus's row in the table.
    corpora (Path): The YAML table.
    RETURNS (list[str]): The splits that were checked; none where no counts are known.
    RAISES (UserError): Where a count differs, or a split is missing.
    """
    from spacy_ner_plus.cli.stats import stats
    from spacy_ner_plus.data.corpora import find_differences, read_corpora

    splits = read_corpora(corpora).get(name, {}).get("splits", {})
    for split, expected in splits.items():
        path = corpus / f"{split}.spacy"
        differences = find_differences(expected, stats([path])[str(path)])
        if differences:
            raise UserError(Errors.E141.format(path=path, name=name, differences="; ".join(differences)))
    return list(splits)
