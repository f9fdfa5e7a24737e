"""`spacy-ner-plus compare`: which of several pipelines is better on a corpus, and how sure that is."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code
from spacy_ner_plus.evaluation.defaults import RESAMPLES, ROUNDS


def compare_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Metrics that `evaluate` wrote (.json) and pipelines, in any mix; NAME=SOURCE names one, "
            "NAME=SOURCE,SOURCE joins trainings of one pipeline with several seeds."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for comparison.json and the page.")],
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="Gold corpus (.spacy): pipelines are evaluated on it, and with predictions beside the metrics "
            "each label and scheme is tested."
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(help="Resamples of the documents for intervals; 0 for no intervals and no tests.")
    ] = RESAMPLES,
    rounds: Annotated[int, typer.Option(help="Rounds of the randomization test.")] = ROUNDS,
    gold_tokens: Annotated[
        bool, typer.Option("--gold-tokens", help="Give pipelines gold's tokens, not their own.")
    ] = False,
    limit: Annotated[
        int,
        typer.Option(help="Evaluate pipelines on the first N documents; 0 for as many as the metrics have."),
    ] = 0,
    train: Annotated[
        Path | None,
        typer.Option(help="Training corpus (.spacy) of pipelines: seen and unseen entities apart."),
    ] = None,
    llm_url: Annotated[
        str | None,
        typer.Option(
            help="Base URL of the chat model's server, for pipelines with a structured_llm_ner; '' leaves them out."
        ),
    ] = None,
    training_log: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE: the training log of a pipeline, for its curve on the page; repeatable."
        ),
    ] = None,
    page: Annotated[bool, typer.Option(help="Write index.html, the page to look at.")] = True,
    code: Code = None,
) -> None:
    """Compare pipelines on one corpus: scores, differences with intervals, and which of them are real."""
    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.cli.scores import show_comparison
    from spacy_ner_plus.workflows.arguments.training_logs import parse_logs
    from spacy_ner_plus.workflows.compare import PAGE, RESULT, compare

    notes: list[str] = []
    try:
        comparison = compare(
            *sources,
            target=output,
            gold=corpus,
            resamples=resamples,
            rounds=rounds,
            gold_tokens=gold_tokens,
            limit=limit,
            train=train,
            llm_url=llm_url,
            training_logs=parse_logs(training_log or []),
            page=page,
            code=code,
            notes=notes,
            progress=progress,
        )
    finally:
        # What was said before a failure may explain it.
        for note in notes:
            _say(note)
    show_comparison(comparison)
    _say(f"Comparison: {output / RESULT}")
    if page:
        _say(f"Page: {output / PAGE}")


def _say(text: str) -> None:
    from spacy_ner_plus.cli.console import err

    err.print(text, markup=False, highlight=False)
