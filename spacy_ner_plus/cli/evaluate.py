"""`spacy-ner-plus evaluate`: scores of a pipeline on a gold corpus, how sure they are, and its errors."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code
from spacy_ner_plus.evaluation.defaults import EXAMPLES, RESAMPLES, SIMILARITY_THRESHOLD


def evaluate_command(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="Folder of a pipeline, or name of an installed one; or a .json or .jsonl file with a dictionary of "
            "entity texts by label for each document."
        ),
    ],
    corpus: Annotated[Path, typer.Argument(help="Gold corpus: a .spacy file or a folder of them.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write the metrics as JSON.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Where to keep the predictions (.spacy); by default beside OUTPUT as STEM-predictions.spacy."
        ),
    ] = None,
    gold_tokens: Annotated[
        bool, typer.Option("--gold-tokens", help="Give the pipeline gold's tokens, not its own tokenizer's.")
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Training corpus (.spacy): print the F1 of a simple baseline beside it."),
    ] = None,
    label_map: Annotated[
        str | None,
        typer.Option(
            help="JSON or YAML mapping of the pipeline's labels to those of the corpus, or to null to drop them; or "
            "ontonotes-conll, which ships."
        ),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(help="Setting as key=value, e.g. components.transformer_ner.device=cpu; repeatable."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Documents at once; default: its own.")] = None,
    n_process: Annotated[int, typer.Option(help="Number of processes, -1 for one on each CPU.")] = 1,
    limit: Annotated[int, typer.Option(help="Take only the first N documents; 0 for all.")] = 0,
    train: Annotated[
        Path | None,
        typer.Option(help="Training corpus (.spacy): score seen and unseen entities apart."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(help="Resamples of the documents for the 95% intervals; 0 for no intervals.")
    ] = RESAMPLES,
    fuzzy: Annotated[
        float, typer.Option(help="How similar texts must be for the fuzzy scheme, above 0 up to 1.")
    ] = SIMILARITY_THRESHOLD,
    examples: Annotated[int, typer.Option(help="Examples of each kind of error in the metrics.")] = EXAMPLES,
    code: Code = None,
) -> None:
    """Score a pipeline: seqeval strict IOB2 on gold tokens and spaCy's scorer, whether they agree, how sure
    the scores are, other schemes, and errors by kind."""
    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.cli.scores import show_metrics
    from spacy_ner_plus.workflows.evaluate import default_predictions, evaluate

    metrics = evaluate(
        pipeline,
        corpus,
        output,
        predictions=predictions,
        gold_tokens=gold_tokens,
        baseline=baseline,
        label_map=label_map,
        overrides=override or [],
        batch_size=batch_size,
        n_process=n_process,
        limit=limit,
        train=train,
        resamples=resamples,
        similarity_threshold=fuzzy,
        examples=examples,
        code=code,
        progress=progress,
    )
    show_metrics(metrics)
    predictions = predictions or default_predictions(output)
    if output:
        _say(f"Metrics: {output}")
    if predictions:
        _say(f"Predictions: {predictions}")
        limited = f" --limit {limit}" if limit else ""
        files = shlex.join([str(corpus), str(predictions), "differences.html"])
        _say(f"To look: spacy-ner-plus render {files}{limited}")


def _say(text: str) -> None:
    from spacy_ner_plus.cli.console import err

    err.print(text, markup=False, highlight=False)
