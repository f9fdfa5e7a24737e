"""Scores of a pipeline on a gold corpus, how sure they are, and its errors."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.defaults import EXAMPLES, RESAMPLES, SIMILARITY_THRESHOLD
from spacy_ner_plus.extras import check_installed
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.corpora import check_annotation, corpus_docs, corpus_name, corpus_path
from spacy_ner_plus.workflows.arguments.numbers import at_least, check_processes
from spacy_ner_plus.workflows.arguments.pipelines import load_pipeline, path_of
from spacy_ner_plus.workflows.arguments.sources import read_label_map
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.entity_lists import (
    entity_list_file,
    place_entity_lists,
    read_entity_lists,
)
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.data.label_map import LabelMap
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

FAILED = "document on which the pipeline failed: scored as having no predictions"
UNKNOWN_SPACES = "document with unknown white space: the pipeline got its gold tokens"


def evaluate(
    pipeline: "Language | str | Path",
    gold: "str | Path | Iterable[Doc]",
    target: str | Path | None = None,
    *,
    predictions: str | Path | None = None,
    gold_tokens: bool = False,
    baseline: "str | Path | Iterable[Doc] | None" = None,
    label_map: str | Path | Mapping[str, str | None] | None = None,
    overrides: Iterable[str] = (),
    batch_size: int | None = None,
    n_process: int = 1,
    limit: int = 0,
    train: "str | Path | Iterable[Doc] | None" = None,
    resamples: int = RESAMPLES,
    similarity_threshold: float = SIMILARITY_THRESHOLD,
    examples: int = EXAMPLES,
    code: str | Path | None = None,
    progress: Progress = no_progress,
) -> "Metrics":
    """Score a pipeline, or predictions without offsets, on a gold corpus.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline; or a .json or .jsonl
        file with a dictionary of entity texts by label for each document, which are scored on gold's tokens.
    gold (str | Path | Iterable[Doc]): Gold corpus: a .spacy file, a folder of them, or Docs.
    target (str | Path): Where the metrics are written as JSON. Default: nowhere.
    predictions (str | Path): Where the predictions are kept (.spacy). Default: beside the target, or nowhere.
    gold_tokens (bool): Whether the pipeline gets gold's tokens, not its own tokenizer's. Default: False.
    baseline (str | Path | Iterable[Doc]): A training corpus, from which a baseline is made. Default: none.
    label_map (str | Path | Mapping): New labels by those of the pipeline, None to drop one; or a JSON or YAML file of
        it, or the name of one that ships. Default: they stay.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    batch_size (int): Documents at once. Default: the pipeline's own.
    n_process (int): Number of processes, -1 for one on each CPU. Default: 1.
    limit (int): Only the first documents. Default: 0 for all.
    train (str | Path | Iterable[Doc]): A training corpus, for scores of seen and unseen entities. Default: none.
    resamples (int): Of the documents, for 95% intervals; 0 for none. Default: 1000.
    similarity_threshold (float): How similar texts must be for the fuzzy scheme, above 0 up to 1. Default: 0.9.
    examples (int): How many examples of each kind of error are kept.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    progress (Progress): Wraps the documents while they are predicted. Default: none.
    RETURNS (Metrics): All that `spacy evaluate` writes and more, as docs/evaluation.md lists it.
    RAISES (UserError): Where something can't be read, written or scored.
    """
    from spacy_ner_plus.corpus import save_docs
    from spacy_ner_plus.evaluation.counting.agreement import agreement
    from spacy_ner_plus.evaluation.counting.schemes import check_similarity_threshold
    from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
    from spacy_ner_plus.evaluation.matching.gold_doc import read_golds
    from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
    from spacy_ner_plus.evaluation.metrics.compute import compute_metrics
    from spacy_ner_plus.evaluation.metrics.file import FORMAT_VERSION, file_digest
    from spacy_ner_plus.evaluation.metrics.metadata import describe_corpus, describe_pipeline
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics
    from spacy_ner_plus.evaluation.metrics.performance import llm_usage
    from spacy_ner_plus.evaluation.spacy_scores import spacy_scores

    check_installed("seqeval", "evaluation")
    at_least("limit", limit, 0)
    at_least("batch_size", batch_size, 1)
    check_processes(n_process)
    at_least("resamples", resamples, 0)
    at_least("examples", examples, 0)
    check_similarity_threshold(similarity_threshold)
    overrides = list(overrides)
    target = None if target is None else Path(target)
    predictions = default_predictions(target) if predictions is None else Path(predictions)
    labels = read_label_map(label_map)
    map_file = label_map if isinstance(label_map, str | Path) and Path(label_map).exists() else None
    # Hours may go by until they are written.
    check_targets(
        {"the metrics": target, "the predictions": predictions},
        [("the pipeline", path_of(pipeline)), ("the code", code), ("the label map", map_file)],
        corpora=[
            ("the corpus", corpus_path(gold)),
            ("the training corpus", corpus_path(train)),
            ("the baseline's corpus", corpus_path(baseline)),
        ],
    )
    lists = entity_list_file(pipeline)
    began = time.perf_counter()
    nlp = _of_lists(lists, overrides, code) if lists else load_pipeline(pipeline, overrides, code=code)
    load_seconds = time.perf_counter() - began
    golds = corpus_docs(gold, nlp.vocab, limit)
    check_annotation(golds, gold)
    train_docs = None if train is None else corpus_docs(train, nlp.vocab)
    if train_docs is not None and not any(doc.ents for doc in train_docs):
        raise UserError(Errors.E319.format(path=corpus_path(train) or corpus_name(train)))
    issues = IssueLog()
    if lists is not None:
        gold_tokens = True
        predicted, seconds = _place(lists, golds, nlp, issues, labels, limit)
    else:
        predicted, seconds = _run(nlp, golds, issues, gold_tokens, batch_size, n_process, progress)
    performance = _performance(predicted, seconds, load_seconds, n_process)
    if labels is not None and lists is None:
        for doc in predicted:
            labels.apply(doc)
    if predictions:
        save_docs(predicted, predictions)
    annotation = read_golds(golds)
    matched = match_docs(annotation, predicted)
    seqeval = seqeval_scores(matched, issues)
    scores, standard = spacy_scores(nlp, golds, predicted, matched)
    usage = llm_usage(nlp.components)
    content = {
        **scores,
        "format_version": FORMAT_VERSION,
        "speed": performance["words_per_second"],
        "seqeval": seqeval,
        "agreement": agreement(scores, standard, seqeval, matched),
        **compute_metrics(
            matched,
            train=train_docs,
            resamples=resamples,
            similarity_threshold=similarity_threshold,
            examples=examples,
        ),
        "performance": performance,
        # Only of pipelines that ask language models.
        **({"llm": usage} if usage else {}),
        "corpus": describe_corpus(corpus_path(gold), golds),
        "pipeline": describe_pipeline(nlp),
        "settings": {
            "tokens": "gold" if gold_tokens else "own",
            # Only of predictions that have no offsets.
            **({"entity_lists": lists.name} if lists is not None else {}),
            "overrides": overrides,
            **({"label_map": labels.labels} if labels is not None else {}),
            "batch_size": batch_size or nlp.batch_size,
            "n_process": n_process,
            "limit": limit,
            "train": None if train is None else corpus_name(train),
            "code": None if code is None else Path(code).name,
            "similarity_threshold": similarity_threshold,
        },
        # Only where they stay.
        **(
            {"predictions": {"file": predictions.name, "sha256": file_digest(predictions)}}
            if predictions
            else {}
        ),
        "issues": {
            kind: {"count": issue.count, "example": issue.example, "where": issue.where}
            for kind, issue in issues
        },
    }
    if baseline is not None:
        from spacy_ner_plus.evaluation.baseline import predict_baseline

        guesses = predict_baseline(corpus_docs(baseline, nlp.vocab), golds)
        content["baseline"] = {
            "corpus": corpus_name(baseline),
            **seqeval_scores(match_docs(annotation, guesses)),
        }
    metrics = Metrics(content)
    if target is not None:
        metrics.write(target)
    return metrics


def default_predictions(target: Path | None) -> Path | None:
    """RETURNS (Path | None): Where predictions are kept beside metrics, if nothing else is said."""
    return target.with_name(f"{target.stem}-predictions.spacy") if target else None


def _of_lists(path: Path, overrides: Sequence[str], code: str | Path | None) -> "Language":
    """RETURNS (Language): What stands for a pipeline where there are only its predictions."""
    import spacy

    if overrides or code is not None:
        raise UserError(Errors.E930.format(path=path))
    return spacy.blank("xx", meta={"name": path.name})


def _place(
    path: Path,
    golds: "Sequence[Doc]",
    nlp: "Language",
    issues: IssueLog,
    labels: "LabelMap | None",
    limit: int,
) -> "tuple[list[Doc], float]":
    """Find listed entities in the gold Docs' texts, under their new labels, and take the time in seconds."""
    began = time.perf_counter()
    listed = read_entity_lists(path, golds, issues, label_map=labels, limit=limit)
    return list(place_entity_lists(golds, listed, nlp.vocab)), time.perf_counter() - began


def _run(
    nlp: "Language",
    golds: "Sequence[Doc]",
    issues: IssueLog,
    gold_tokens: bool,
    batch_size: int | None,
    n_process: int,
    progress: Progress,
) -> "tuple[list[Doc], float]":
    """Predict on every gold Doc, and take the time in seconds."""
    from spacy_ner_plus.corpus import bare_copy
    from spacy_ner_plus.evaluation.predictions import predict_docs
    from spacy_ner_plus.pipeline.scored_ents import write_failure

    predicted: list[Doc] = []
    began = time.perf_counter()
    piped = predict_docs(nlp, golds, gold_tokens=gold_tokens, batch_size=batch_size, n_process=n_process)
    failed = 0
    for doc, gold, failure in progress(piped, "Predicting", len(golds)):
        where = f"document {len(predicted) + 1}"
        if doc is None:
            failed += 1
            issues.add(FAILED, failure, where)
            doc = bare_copy(gold, nlp.vocab)
            write_failure(doc, failure)
        elif gold.has_unknown_spaces and not gold_tokens and len(gold):
            issues.add(UNKNOWN_SPACES, gold.text[:40], where)
        predicted.append(doc)
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
