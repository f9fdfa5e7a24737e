"""`spacy-ner-plus stats`: what corpora hold, and which texts they share."""

from pathlib import Path
from typing import Annotated

import typer


def stats_command(
    corpora: Annotated[
        list[Path], typer.Argument(metavar="CORPUS", help="Corpora: .spacy files, or folders of them.")
    ],
) -> None:
    """Show documents, tokens, entities by label, lengths, and repeated texts."""
    from rich.table import Table

    from spacy_ner_plus.cli.console import out, progress
    from spacy_ner_plus.cli.corpus_tables import counts_table
    from spacy_ner_plus.workflows.stats import stats

    counts = stats(corpora, progress=progress)
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
