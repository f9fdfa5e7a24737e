"""`spacy-ner-plus stats`: what corpora hold, and which texts they share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy_ner_plus.data.counts import CorpusCounts


def stats_command(
    corpora: Annotated[
        list[Path], typer.Argument(metavar="CORPUS", help="Corpora: .spacy files, or folders of them.")
    ],
) -> None:
    """Show documents, tokens, entities by label, lengths, and repeated texts."""
    from rich.table import Table

    from spacy_ner_plus.cli.console import out
    from spacy_ner_plus.cli.corpus_tables import counts_table

    counts = stats(corpora)
    out.print(counts_table(counts))
    shared = Table("documents of", "whose text is also in", "count")
    for name, count in counts.items():
        for other, other_count in counts.items():
            if name != other and (number := count.shared_with(other_count)):
                shared.add_row(name, other, f"{number:,} ({number / count.docs:.1%})")
    if shared.row_count:
        out.print(shared)
    elif len(counts) > 1:
        out.print("No text is in two of the corpora.")


def stats(corpora: Sequence[Path]) -> dict[str, "CorpusCounts"]:
    """Count what corpora hold.

    corpora (Sequence[Path]): .spacy files, or folders, each of which is one corpus.
    RETURNS (dict[str, CorpusCounts]): The counts by path.
    RAISES (UserError): What cannot be read.
    """
    from spacy.vocab import Vocab

    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.corpus import read_docs
    from spacy_ner_plus.data.counts import CorpusCounts
    from spacy_ner_plus.data.sources import find_sources

    counts = {}
    for corpus in corpora:
        if corpus.is_file() and corpus.suffix != ".spacy":
            raise UserError(Errors.E130.format(path=corpus))
        count = counts[str(corpus)] = CorpusCounts()
        for source in find_sources([str(corpus)], "spacy", "utf-8", []):
            for doc in progress(read_docs(Path(source.name), Vocab()), f"Reading {source.name}"):
                count.add(doc)
    return counts
