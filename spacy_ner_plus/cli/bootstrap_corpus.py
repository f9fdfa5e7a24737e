"""`spacy-ner-plus bootstrap-corpus`: the corpus on which the workflow `bootstrap` measures its steps."""

from pathlib import Path
from typing import Annotated

import typer


def bootstrap_corpus_command(
    source: Annotated[Path, typer.Argument(help="Folder with files named train, dev and test.")],
    target: Annotated[Path, typer.Argument(help="Folder for gold/ and label_map.json.")],
    otherwise: Annotated[
        str, typer.Option(help="Folder that is taken where there is no SOURCE; may be empty.")
    ] = "",
    label_map: Annotated[
        str,
        typer.Option(
            help="How the teacher's labels become the corpus's: a JSON or YAML file, a map that ships, or none; "
            "default: the one that ships and fits."
        ),
    ] = "",
    teacher: Annotated[
        str, typer.Option(help="The pipeline whose labels these are, to be checked: a folder or a package.")
    ] = "",
    lang: Annotated[str, typer.Option("--lang", "-l", help="Language of the texts.")] = "en",
) -> None:
    """Convert the corpus that stands for a person, and write how a teacher's labels become its labels."""
    from spacy_ner_plus.cli.console import err, out, progress
    from spacy_ner_plus.cli.corpus_tables import counts_table, issues_table
    from spacy_ner_plus.workflows.project.bootstrap_corpus import bootstrap_corpus

    made = bootstrap_corpus(
        source,
        target,
        otherwise=otherwise or None,
        label_map=label_map,
        teacher=teacher,
        lang=lang,
        progress=progress,
    )
    if made.source != source:
        err.print(f"There is no {source}: the corpus is {made.source}.", style="yellow", markup=False)
    out.print(counts_table(made.corpus.counts))
    if made.corpus.issues.kinds:
        out.print(issues_table(made.corpus.issues))
    line = f"Labels: {', '.join(made.labels)}; the teacher's become these by the label map {made.map_name}."
    err.print(line, markup=False, highlight=False)
    if made.dropped:
        line = f"Neither map nor corpus has the teacher's {', '.join(made.dropped)}: its entities of these are O."
        err.print(line, style="yellow", markup=False, highlight=False)
