"""Which of several pipelines is better on a corpus, and how sure that is."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.defaults import RESAMPLES, ROUNDS
from spacy_ner_plus.extras import check_installed
from spacy_ner_plus.workflows.arguments.compared import Compared, Source, is_metrics, parse_compared
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs, corpus_name, corpus_path
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.pipelines import components_of, path_of
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.arguments.training_logs import read_logs
from spacy_ner_plus.workflows.evaluate import default_predictions, evaluate
from spacy_ner_plus.workflows.evaluate_apart import evaluate_apart
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
    from spacy_ner_plus.evaluation.comparison.comparison import Comparison
    from spacy_ner_plus.evaluation.matching.gold_doc import GoldDoc
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

RESULT = "comparison.json"
PAGE = "index.html"
LLM = "structured_llm_ner"


def compare(
    *metrics: Compared | Source,
    target: str | Path | None = None,
    gold: "str | Path | Iterable[Doc] | None" = None,
    resamples: int = RESAMPLES,
    rounds: int = ROUNDS,
    gold_tokens: bool = False,
    limit: int = 0,
    train: str | Path | None = None,
    llm_url: str | None = None,
    training_logs: Mapping[str, str | Path] | None = None,
    page: bool = False,
    code: str | Path | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> "Comparison":
    """Compare pipelines on one corpus.

    A pipeline that is given by folder or name is evaluated in a process of its own, so that its time and memory
    are its own; one that is loaded is evaluated in this.

    metrics (Compared | Metrics | Language | str | Path): Metrics or files of metrics (.json), and pipelines, in any
        mix; 'NAME=SOURCE' or `Compared` names one, and joins trainings of one pipeline with several seeds.
    target (str | Path): A folder for comparison.json, the page, and metrics and predictions of pipelines.
        Default: nothing is written.
    gold (str | Path | Iterable[Doc]): The gold corpus; needed for pipelines, and to test labels and schemes on the
        predictions beside the metrics. Default: none.
    resamples (int): Of the documents, for intervals; 0 for no intervals and no tests. Default: 1000.
    rounds (int): Of the randomization test. Default: 10,000.
    gold_tokens (bool): Whether pipelines get gold's tokens. Default: False.
    limit (int): Only the first documents, for pipelines. Default: 0 for as many as the metrics have, or all.
    train (str | Path): A training corpus, for scores of seen and unseen entities of pipelines. Default: none.
    llm_url (str): Where the server of those pipelines is that have a structured_llm_ner; '' where there is none:
        they are left out. Default: None for the URL that was saved with them.
    training_logs (Mapping[str, str | Path]): Files by name, for curves on the page. Default: none.
    page (bool): Whether to write index.html, the page to look at. Default: False.
    code (str | Path): A Python file to run before a pipeline is loaded. Default: none.
    notes (list[str]): Gets what was left out, what was lost in evaluating, and what processes said; it outlives a
        failure, which it may explain.
    progress (Progress): Wraps the pipelines while they are evaluated. Default: none.
    RETURNS (Comparison): What docs/evaluation.md lists.
    RAISES (UserError): Where something can't be read, written or compared.
    """
    from spacy_ner_plus.evaluation.comparison.compare import compare_pipelines, same_corpus
    from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
    from spacy_ner_plus.evaluation.matching.gold_doc import read_golds
    from spacy_ner_plus.evaluation.pages.comparison_page import write_comparison_page

    check_installed("seqeval", "evaluation")
    at_least("limit", limit, 0)
    at_least("resamples", resamples, 0)
    at_least("rounds", rounds, 1)
    notes = [] if notes is None else notes
    target = None if target is None else Path(target)
    if page:
        _check_page(target)
    named = parse_compared(metrics)
    if llm_url == "":
        named = _without_llms(named, notes)
    logs = read_logs(training_logs or {}, [some.name for some in named])
    sources = [source for some in named for source in some.sources]
    pipelines = [source for source in sources if not is_metrics(source)]
    if pipelines and gold is None:
        raise UserError(Errors.E312.format(source=path_of(pipelines[0]) or "a pipeline in memory"))
    # What can be refused is refused before pipelines run for long.
    known = [[_read(source) if is_metrics(source) else None for source in some.sources] for some in named]
    read = [found for several in known for found in several if found is not None]
    with tempfile.TemporaryDirectory() as scratch:
        folder = target or Path(scratch)
        outputs = {"the comparison": folder / RESULT, "the page": folder / PAGE if page else None}
        inputs = [("a training log", log) for log in (training_logs or {}).values()] + [("the code", code)]
        check_targets(
            outputs | dict(_written(named, folder)),
            [*inputs, *_files_of(read), *(("a pipeline", path_of(pipeline)) for pipeline in pipelines)],
            corpora=[("the corpus", corpus_path(gold)), ("the training corpus", train)],
        )
        given = [ComparedPipeline(str(found.path or found["pipeline"]["name"]), [found]) for found in read]
        if given:
            same_corpus(given)
            limit = limit or given[0].metrics["settings"]["limit"]
        golds = None if gold is None else _load_golds(gold, limit, given[:1])
        if pipelines:
            evaluation = _Evaluation(
                _as_file(gold, golds, scratch), resamples, gold_tokens, limit, train, code
            )
        annotation = None if golds is None else read_golds(golds)
        missing = [
            (some, number, several)
            for some, several in zip(named, known, strict=True)
            for number, found in enumerate(several)
            if found is None
        ]
        for some, number, several in progress(missing, "Evaluating", len(missing)):
            source, file = some.sources[number], some.metrics_file(number, folder)
            several[number] = evaluation.run(source, file, _llm_settings(source, llm_url), notes)
        compared = [
            _with_predictions(
                ComparedPipeline(some.name, several, training_log=logs.get(some.name, ())), annotation
            )
            for some, several in zip(named, known, strict=True)
        ]
        comparison = compare_pipelines(compared, resamples=resamples, rounds=rounds)
        if target is not None:
            comparison.write(target / RESULT)
        if target is not None and page:
            title = f"Pipelines on {comparison['corpus']['name']}"
            write_comparison_page(target / PAGE, pipelines=compared, comparison=comparison, title=title)
    return comparison


@dataclass(frozen=True)
class _Evaluation:
    """How all pipelines are evaluated; the settings are those of `compare`."""

    corpus: Path
    resamples: int
    gold_tokens: bool
    limit: int
    train: str | Path | None
    code: str | Path | None

    def run(self, pipeline: Source, file: Path, overrides: Sequence[str], notes: list[str]) -> "Metrics":
        """Evaluate a pipeline, and write its metrics to a file."""
        settings = {
            "resamples": self.resamples,
            "gold_tokens": self.gold_tokens,
            "limit": self.limit,
            "train": self.train,
        }
        if path_of(pipeline) is None:
            metrics = evaluate(pipeline, self.corpus, file, **settings)
        else:
            settings |= {"code": self.code, "overrides": list(overrides)}
            metrics = evaluate_apart(pipeline, self.corpus, file, notes=notes, **settings)
        notes += [
            f"{path_of(pipeline) or 'A pipeline in memory'}: {issue['count']} x {kind}. "
            f"First: {issue['example']} ({issue['where']})"
            for kind, issue in metrics["issues"].items()
        ]
        return metrics


def _check_page(target: Path | None) -> None:
    """Refuse to begin where the page has no place, or can't be drawn."""
    if target is None:
        raise UserError(Errors.E513)
    check_installed("matplotlib", "report")


def _without_llms(named: Sequence[Compared], notes: list[str]) -> list[Compared]:
    """Leave out pipelines that would ask a chat model."""
    kept = []
    for some in named:
        if any(not is_metrics(source) and components_of(source, LLM) for source in some.sources):
            notes.append(f"{some.name} is left out: no server of its chat model is given (llm_url).")
        else:
            kept.append(some)
    if len(kept) < 2:
        raise UserError(Errors.E311.format(name=", ".join(some.name for some in kept)))
    return kept


def _llm_settings(pipeline: Source, llm_url: str | None) -> list[str]:
    if llm_url is None:
        return []
    return [f"components.{name}.model.base_url={llm_url}" for name in components_of(pipeline, LLM)]


def _read(metrics: Source) -> "Metrics":
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

    return metrics if isinstance(metrics, Metrics) else Metrics.from_file(metrics)


def _written(named: Sequence[Compared], folder: Path) -> Iterator[tuple[str, Path]]:
    """Files that evaluating the pipelines writes, by what they are called."""
    for some in named:
        for number, source in enumerate(some.sources):
            if not is_metrics(source):
                file = some.metrics_file(number, folder)
                what = f"of '{some.name}' ({path_of(source) or 'in memory'})"
                yield f"metrics {what}", file
                yield f"predictions {what}", default_predictions(file)


def _files_of(metrics: Sequence["Metrics"]) -> Iterator[tuple[str, Path]]:
    """Files of metrics that were given, and the predictions beside them."""
    for found in metrics:
        if found.path is not None:
            yield "metrics", found.path
        if found.predictions_path is not None:
            yield f"the predictions of '{found.path}'", found.predictions_path


def _as_file(gold: "str | Path | Iterable[Doc]", golds: "Sequence[Doc]", scratch: str) -> Path:
    """Write a corpus that was given as Docs, for the processes in which pipelines are evaluated."""
    from spacy_ner_plus.corpus import save_docs

    if path := corpus_path(gold):
        return path
    file = Path(scratch) / f"{corpus_name(gold)}.spacy"
    save_docs(golds, file)
    return file


def _load_golds(
    gold: "str | Path | Iterable[Doc]", limit: int, given: "Sequence[ComparedPipeline]"
) -> "list[Doc]":
    """Read the gold corpus, and refuse another one than the metrics are of."""
    from spacy.vocab import Vocab

    from spacy_ner_plus.evaluation.metrics.file import corpus_fingerprint

    golds = corpus_docs(gold, Vocab(), limit)
    for pipeline in given:
        described = pipeline.metrics["corpus"]
        if corpus_fingerprint(golds) != described["fingerprint"]:
            reason = (
                f"that was {described['name']}, {described['documents']} documents with {described['entities']} "
                f"entities; here {len(golds)} with {sum(len(gold.ents) for gold in golds)} were read"
            )
            corpus = corpus_path(gold) or corpus_name(gold)
            raise UserError(Errors.E313.format(corpus=corpus, name=pipeline.name, reason=reason))
    return golds


def _with_predictions(
    pipeline: "ComparedPipeline", annotation: "Sequence[GoldDoc] | None"
) -> "ComparedPipeline":
    """Match and count the predictions that lie beside the metrics, where there are some."""
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.evaluation.counting.document_counts import count_documents
    from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
    from spacy_ner_plus.evaluation.metrics.file import file_digest

    shown, counts = None, []
    for metrics in pipeline.runs if annotation is not None else ():
        path = metrics.predictions_path
        if path is None or not path.exists():
            continue
        if file_digest(path) != metrics["predictions"]["sha256"]:
            raise UserError(Errors.E314.format(path=path, name=pipeline.name))
        matched = match_docs(annotation, load_docs(path, Vocab()))
        threshold = metrics["settings"]["similarity_threshold"]
        counts.append(count_documents(matched, similarity_threshold=threshold))
        if metrics is pipeline.metrics:
            shown = matched
    # Of several trainings all are counted, or none.
    all_counts = counts if len(counts) == len(pipeline.runs) else None
    return replace(pipeline, counts=all_counts, matched=shown)
