"""`spacy-ner-plus stats`: what corpora hold, which texts they share, and what would spoil a training."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code

# Settings of a config, such as --paths.train, stand among the corpora.
SETTINGS = {"ignore_unknown_options": True}


def stats_command(
    corpora: Annotated[
        list[str],
        typer.Argument(
            metavar="CORPUS...",
            help="Corpora: .spacy files, or folders of them. With --debug a training config, with settings such as "
            "--paths.train FILE; or a training corpus and an evaluation corpus.",
        ),
    ],
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help="Look for what would spoil a training, as `spacy debug data` does for spaCy's own ner: few examples, "
            "texts in both corpora, entities that don't fit the pipeline's tokens. Exit code 1 for errors.",
        ),
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            help="With --debug and corpora: the language whose tokenizer cuts the texts, en by default."
        ),
    ] = None,
    code: Code = None,
) -> None:
    """Show documents, tokens, entities by label, lengths, and repeated texts."""
    from spacy_ner_plus.errors import Errors, UserError
    from spacy_ner_plus.workflows.arguments.pipelines import parse_settings

    sources, settings = parse_settings(corpora)
    if debug:
        _debug(sources, settings, lang, code)
        return
    if settings or lang is not None or code is not None:
        given = [f"--{name}" for name in settings] + ["--lang" if lang is not None else "--code"]
        raise UserError(Errors.E547.format(option=given[0]))
    _count(sources)


def _count(corpora: list[str]) -> None:
    from spacy_ner_plus.cli.console import out, progress
    from spacy_ner_plus.cli.corpus_tables import counts_table, shared_table
    from spacy_ner_plus.workflows.stats import stats

    counts = stats(corpora, progress=progress)
    out.print(counts_table(counts))
    if len(counts) > 1:
        out.print(shared_table(counts))


def _debug(sources: list[str], settings: dict, lang: str | None, code: Path | None) -> None:
    from collections import Counter

    from spacy_ner_plus.cli.console import out, progress
    from spacy_ner_plus.cli.corpus_tables import counts_table, findings_table
    from spacy_ner_plus.workflows.stats import debug_data

    report = debug_data(sources, overrides=settings, lang=lang, code=code, progress=progress)
    out.print(counts_table({"training": report.train.gold, "evaluation": report.dev.gold}))
    out.print(findings_table(report.findings))
    levels = Counter(finding.level for finding in report.findings)
    out.print(f"{levels['good']} checks passed, {levels['warn']} warnings, {levels['fail']} errors")
    if report.failed:
        raise typer.Exit(1)
