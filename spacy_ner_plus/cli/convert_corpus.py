"""`spacy-ner-plus convert-corpus`: a folder with the files of a corpus, to train, dev and test."""

from pathlib import Path
from typing import Annotated

import typer


def convert_corpus_command(
    source: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder with files named train, dev and test.")
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for train.spacy, dev.spacy and test.spacy.")
    ],
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Language of the texts, such as en or xx.")
    ] = "en",
    seed: Annotated[int, typer.Option(help="Seed by which a split without a file gets its documents.")] = 0,
) -> None:
    """Convert the files of a corpus, of any format that `convert` reads; a missing dev or test is a tenth of train."""
    from spacy_ner_plus.cli.console import err, progress
    from spacy_ner_plus.cli.console import out as console
    from spacy_ner_plus.cli.corpus_tables import counts_table, issues_table, nothing_lost, shared_table
    from spacy_ner_plus.workflows.project.convert_corpus import convert_corpus

    converted = convert_corpus(source, out, lang=lang, seed=seed, progress=progress)
    for note in converted.notes:
        err.print(note, style="dim", markup=False, highlight=False)
    if converted.issues.kinds:
        console.print(issues_table(converted.issues))
    console.print(counts_table(converted.counts))
    console.print(shared_table(converted.counts))
    for split in converted.dealt:
        text = f"There is no file for {split}, so a tenth of the training documents was taken for it (seed {seed})."
        err.print(text, style="yellow", markup=False, highlight=False)
    if not converted.issues.kinds:
        console.print(nothing_lost(converted.notes))
    for path in converted.paths.values():
        console.print(f"Wrote {path}", markup=False, highlight=False)
