"""`spacy-ner-plus evaluate`: strict scores of a pipeline on a gold corpus, beside spaCy's own."""

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_ner_plus.cli.loading import at_least, load_pipeline
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.losses import Losses

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

FAILED = "document on which the pipeline failed: scored as having no predictions"
UNKNOWN_SPACES = "document with unknown white space: the pipeline got its gold tokens"


def evaluate_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline, or name of an installed one.")],
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
    override: Annotated[
        list[str] | None,
        typer.Option(help="Setting as key=value, e.g. components.transformer_ner.device=cpu; repeatable."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Documents at once; default: its own.")] = None,
    n_process: Annotated[int, typer.Option(help="Number of processes.")] = 1,
    limit: Annotated[int, typer.Option(help="Take only the first N documents; 0 for all.")] = 0,
) -> None:
    """Score a pipeline: seqeval strict IOB2 on gold tokens, spaCy's scorer, and whether they agree."""
    metrics = evaluate(
        pipeline,
        corpus,
        output=output,
        predictions=predictions,
        gold_tokens=gold_tokens,
        baseline=baseline,
        overrides=override or [],
        batch_size=batch_size,
        n_process=n_process,
        limit=limit,
    )
    from spacy_ner_plus.cli.scores import show_metrics

    show_metrics(metrics)
    predictions = predictions or default_predictions(output)
    if output:
        _say(f"Metrics: {output}")
    if predictions:
        _say(f"Predictions: {predictions}")
        limited = f" --limit {limit}" if limit else ""
        _say(f"To look: spacy-ner-plus render {corpus} {predictions} differences.html{limited}")


def evaluate(
    pipeline: str,
    corpus: Path,
    *,
    output: Path | None = None,
    predictions: Path | None = None,
    gold_tokens: bool = False,
    baseline: Path | None = None,
    overrides: list[str] | None = None,
    batch_size: int | None = None,
    n_process: int = 1,
    limit: int = 0,
) -> dict[str, Any]:
    """Score a pipeline on a gold corpus.

    pipeline (str): A folder, or the name of an installed package.
    corpus (Path): A .spacy file or a folder of them.
    output (Path): Where the metrics are written as JSON; None for nowhere.
    predictions (Path): Where the predictions are kept; None for beside `output`.
    gold_tokens (bool): Whether the pipeline gets gold's tokens.
    baseline (Path): A training corpus, from which a baseline is made.
    overrides (list[str]): Settings of the pipeline as key=value.
    batch_size (int): Documents at once; None for the pipeline's own.
    n_process (int): Number of processes.
    limit (int): Only the first documents; 0 for all.
    RETURNS (dict[str, Any]): All that `spacy evaluate` writes, and sections
        `seqeval`, `agreement`, `calibration`, `corpus`, `pipeline`, `settings`, `losses`, `baseline`.
    RAISES (UserError): Where something cannot be read, written or scored.
    """
    from spacy_ner_plus.evaluation.agreement import agreement, compare_routes, spacy_scores
    from spacy_ner_plus.evaluation.calibration import judge_scores, reliability
    from spacy_ner_plus.evaluation.metrics import score_docs
    from spacy_ner_plus.evaluation.predictions import load_docs, save_docs
    from spacy_ner_plus.files import write_whole

    at_least("--limit", limit, 0)
    at_least("--batch-size", batch_size, 1)
    nlp = load_pipeline(pipeline, overrides or [])
    golds = load_docs(corpus, nlp.vocab, limit)
    if not any(gold.has_annotation("ENT_IOB") for gold in golds if len(gold)):
        raise UserError(Errors.E305.format(path=corpus))
    losses = Losses()
    predicted, seconds = _run(nlp, golds, losses, gold_tokens, batch_size, n_process)
    with tempfile.TemporaryDirectory() as folder:
        kept = predictions or default_predictions(output) or Path(folder) / "predictions.spacy"
        save_docs(predicted, kept)
        saved = load_docs(kept, nlp.vocab)
    seqeval = score_docs(golds, saved, losses)
    scores, standard = spacy_scores(nlp, golds, predicted)
    judged = judge_scores(golds, saved)
    metrics = {
        **scores,
        "speed": sum(map(len, predicted)) / seconds,
        "seqeval": seqeval,
        "agreement": agreement(scores, standard, seqeval, compare_routes(golds, saved)),
        # Only of pipelines that give scores.
        **({"calibration": reliability(*judged)} if len(judged[0]) else {}),
        "corpus": _describe_corpus(corpus, golds),
        "pipeline": _describe_pipeline(nlp),
        "settings": {
            "tokens": "gold" if gold_tokens else "own",
            "overrides": list(overrides or []),
            "batch_size": batch_size or nlp.batch_size,
            "n_process": n_process,
            "limit": limit,
        },
        "losses": {
            kind: {"count": loss.count, "example": loss.example, "where": loss.where} for kind, loss in losses
        },
    }
    if baseline:
        from spacy_ner_plus.evaluation.baseline import predict_baseline

        guesses = predict_baseline(load_docs(baseline, nlp.vocab), golds)
        metrics["baseline"] = {"corpus": baseline.name, **score_docs(golds, guesses)}
    if output:
        import json

        text = json.dumps(metrics, indent=2, ensure_ascii=False, default=float)
        write_whole(output, f"{text}\n".encode())
    return metrics


def default_predictions(output: Path | None) -> Path | None:
    """Say where predictions are kept if nothing else is said.

    output (Path): Where the metrics go.
    RETURNS (Path | None): A file beside it, None where there is no output.
    """
    return output.with_name(f"{output.stem}-predictions.spacy") if output else None


def _run(
    nlp: "Language",
    golds: "list[Doc]",
    losses: Losses,
    gold_tokens: bool,
    batch_size: int | None,
    n_process: int,
) -> "tuple[list[Doc], float]":
    """Predict on every gold Doc, and take the time in seconds."""
    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.evaluation.predictions import bare_copy, predict_docs

    predicted: list[Doc] = []
    began = time.perf_counter()
    outcomes = predict_docs(nlp, golds, gold_tokens=gold_tokens, batch_size=batch_size, n_process=n_process)
    failed = 0
    for outcome in progress(outcomes, "Predicting", total=len(golds)):
        gold = outcome.context
        if outcome.doc is None:
            failed += 1
            losses.add(FAILED, outcome.error, f"document {len(predicted) + 1}")
        elif gold.has_unknown_spaces and not gold_tokens and len(gold):
            losses.add(UNKNOWN_SPACES, gold.text[:40], f"document {len(predicted) + 1}")
        predicted.append(bare_copy(gold, nlp.vocab) if outcome.doc is None else outcome.doc)
    seconds = time.perf_counter() - began
    if failed == len(golds):
        first = losses.kinds[FAILED]
        raise UserError(Errors.E304.format(where=first.where, reason=first.example))
    return predicted, seconds


def _describe_corpus(path: Path, golds: "list[Doc]") -> dict[str, Any]:
    """What was scored on; the name alone, since a path says nothing elsewhere."""
    import hashlib

    from spacy_ner_plus.evaluation.predictions import corpus_files

    digest = hashlib.sha256()
    for file in corpus_files(path):
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return {
        "name": path.name,
        "documents": len(golds),
        "tokens": sum(map(len, golds)),
        "entities": sum(len(gold.ents) for gold in golds),
        "sha256": digest.hexdigest(),
    }


def _describe_pipeline(nlp: "Language") -> dict[str, Any]:
    import spacy

    from spacy_ner_plus import __version__

    return {
        "name": f"{nlp.lang}_{nlp.meta['name']}",
        "version": nlp.meta["version"],
        "components": dict(nlp.pipe_factories),
        "spacy_version": spacy.__version__,
        "spacy_ner_plus_version": __version__,
    }


def _say(text: str) -> None:
    from spacy_ner_plus.cli.console import err

    err.print(text, markup=False, highlight=False)
