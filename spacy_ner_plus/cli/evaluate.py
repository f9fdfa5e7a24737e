"""`spacy-ner-plus evaluate`: scores of a pipeline on a gold corpus, how sure they are, and its errors."""

import shlex
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.defaults import EXAMPLES, LIKENESS, RESAMPLES
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.loading import Code, at_least, load_pipeline
from spacy_ner_plus.workflows.targets import check_targets

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
    train: Annotated[
        Path | None,
        typer.Option(help="Training corpus (.spacy): score seen and unseen entities apart."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(help="Resamples of the documents for the 95% intervals; 0 for no intervals.")
    ] = RESAMPLES,
    fuzzy: Annotated[
        float, typer.Option(help="How like texts must be for the fuzzy scheme, above 0 up to 100.")
    ] = LIKENESS,
    examples: Annotated[int, typer.Option(help="Examples of each kind of error in the metrics.")] = EXAMPLES,
    code: Code = None,
) -> None:
    """Score a pipeline: seqeval strict IOB2 on gold tokens and spaCy's scorer, whether they agree, how sure
    the scores are, other schemes, and errors by kind."""
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
        train=train,
        resamples=resamples,
        fuzzy=fuzzy,
        examples=examples,
        code=code,
    )
    from spacy_ner_plus.cli.scores import show_metrics

    show_metrics(metrics)
    predictions = predictions or default_predictions(output)
    if output:
        _say(f"Metrics: {output}")
    if predictions:
        _say(f"Predictions: {predictions}")
        limited = f" --limit {limit}" if limit else ""
        files = shlex.join([str(corpus), str(predictions), "differences.html"])
        _say(f"To look: spacy-ner-plus render {files}{limited}")


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
    train: Path | None = None,
    resamples: int = RESAMPLES,
    fuzzy: float = LIKENESS,
    examples: int = EXAMPLES,
    code: Path | None = None,
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
    train (Path): A training corpus, for scores of seen and unseen entities.
    resamples (int): Of the documents, for intervals; 0 for none.
    fuzzy (float): How like texts must be for the fuzzy scheme, above 0 up to 100.
    examples (int): How many examples of each kind of error are kept.
    code (Path): A Python file to run before the pipeline is loaded; None for none.
    RETURNS (dict[str, Any]): All that `spacy evaluate` writes, `format_version`, all that
        `evaluation.measures.measure` gives, and sections `seqeval`, `agreement`, `corpus`, `pipeline`,
        `settings`, `performance`, `issues`, and where there are such `baseline`, `predictions` and `llm`.
    RAISES (UserError): Where something cannot be read, written or scored.
    """
    from spacy_ner_plus.corpus import load_docs, save_docs
    from spacy_ner_plus.evaluation.counting.agreement import agreement, compare_routes, spacy_scores
    from spacy_ner_plus.evaluation.counting.schemes import check_likeness
    from spacy_ner_plus.evaluation.counting.seqeval_scores import score_docs
    from spacy_ner_plus.evaluation.metrics.descriptions import describe_corpus, describe_pipeline
    from spacy_ner_plus.evaluation.metrics.file import FORMAT_VERSION, file_digest, write_json
    from spacy_ner_plus.evaluation.metrics.measure import llm_usage, measure

    at_least("--limit", limit, 0)
    at_least("--batch-size", batch_size, 1)
    at_least("--resamples", resamples, 0)
    at_least("--examples", examples, 0)
    check_likeness(fuzzy)
    # Hours may go by until they are written.
    check_targets(
        {"--output": output, "the predictions": predictions or default_predictions(output)},
        [("the pipeline", pipeline), ("--code", code)],
        corpora=[("the corpus", corpus), ("--train", train), ("--baseline", baseline)],
    )
    began = time.perf_counter()
    nlp = load_pipeline(pipeline, overrides or [], code=code)
    load_seconds = time.perf_counter() - began
    golds = load_docs(corpus, nlp.vocab, limit)
    if not any(gold.has_annotation("ENT_IOB") for gold in golds if len(gold)):
        raise UserError(Errors.E305.format(path=corpus))
    train_docs = None if train is None else load_docs(train, nlp.vocab)
    if train_docs is not None and not any(doc.ents for doc in train_docs):
        raise UserError(Errors.E319.format(path=train))
    issues = IssueLog()
    predicted, seconds = _run(nlp, golds, issues, gold_tokens, batch_size, n_process)
    performance = _performance(predicted, seconds, load_seconds, n_process)
    with tempfile.TemporaryDirectory() as folder:
        kept = predictions or default_predictions(output) or Path(folder) / "predictions.spacy"
        save_docs(predicted, kept)
        saved = load_docs(kept, nlp.vocab)
        digest = file_digest(kept)
    seqeval = score_docs(golds, saved, issues)
    scores, standard = spacy_scores(nlp, golds, predicted)
    usage = llm_usage(nlp.components)
    metrics = {
        **scores,
        "format_version": FORMAT_VERSION,
        "speed": performance["words_per_second"],
        "seqeval": seqeval,
        "agreement": agreement(scores, standard, seqeval, compare_routes(golds, saved)),
        **measure(golds, saved, train=train_docs, resamples=resamples, likeness=fuzzy, examples=examples),
        "performance": performance,
        # Only of pipelines that ask language models.
        **({"llm": usage} if usage else {}),
        "corpus": describe_corpus(corpus, golds),
        "pipeline": describe_pipeline(nlp),
        "settings": {
            "tokens": "gold" if gold_tokens else "own",
            "overrides": list(overrides or []),
            "batch_size": batch_size or nlp.batch_size,
            "n_process": n_process,
            "limit": limit,
            "train": train.name if train else None,
            "code": code.name if code else None,
        },
        # Only where they stay.
        **({"predictions": {"file": kept.name, "sha256": digest}} if predictions or output else {}),
        "losses": {
            kind: {"count": issue.count, "example": issue.example, "where": issue.where}
            for kind, issue in issues
        },
    }
    if baseline:
        from spacy_ner_plus.evaluation.baseline import predict_baseline

        guesses = predict_baseline(load_docs(baseline, nlp.vocab), golds)
        metrics["baseline"] = {"corpus": baseline.name, **score_docs(golds, guesses)}
    if output:
        write_json(output, metrics)
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
    issues: IssueLog,
    gold_tokens: bool,
    batch_size: int | None,
    n_process: int,
) -> "tuple[list[Doc], float]":
    """Predict on every gold Doc, and take the time in seconds."""
    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.corpus import bare_copy
    from spacy_ner_plus.evaluation.predictions import predict_docs

    predicted: list[Doc] = []
    began = time.perf_counter()
    outcomes = predict_docs(nlp, golds, gold_tokens=gold_tokens, batch_size=batch_size, n_process=n_process)
    failed = 0
    for outcome in progress(outcomes, "Predicting", total=len(golds)):
        gold = outcome.context
        if outcome.doc is None:
            failed += 1
            issues.add(FAILED, outcome.error, f"document {len(predicted) + 1}")
        elif gold.has_unknown_spaces and not gold_tokens and len(gold):
            issues.add(UNKNOWN_SPACES, gold.text[:40], f"document {len(predicted) + 1}")
        predicted.append(bare_copy(gold, nlp.vocab) if outcome.doc is None else outcome.doc)
    seconds = time.perf_counter() - began
    if failed == len(golds):
        first = issues.kinds[FAILED]
        raise UserError(Errors.E304.format(where=first.where, reason=first.example))
    return predicted, seconds


def _performance(
    predicted: "list[Doc]", seconds: float, load_seconds: float, n_process: int
) -> dict[str, Any]:
    """Time and memory up to here, before anything is scored."""
    from spacy_ner_plus.evaluation.metrics.performance import peak_gpu_memory, peak_memory, processor

    words = sum(map(len, predicted))
    return {
        "words": words,
        "seconds": seconds,
        "words_per_second": words / seconds,
        "load_seconds": load_seconds,
        "peak_memory_mib": peak_memory(),
        "peak_gpu_memory_mib": peak_gpu_memory(),
        "n_process": n_process,
        "processor": processor(),
    }


def _say(text: str) -> None:
    from spacy_ner_plus.cli.console import err

    err.print(text, markup=False, highlight=False)
