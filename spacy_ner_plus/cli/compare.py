"""`spacy-ner-plus compare`: which of several pipelines is better on a corpus, and how sure that is."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_ner_plus.cli.compare_page import PAGE, check_page, read_logs, write_page
from spacy_ner_plus.cli.evaluate import default_predictions
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.defaults import RESAMPLES, ROUNDS
from spacy_ner_plus.workflows.compare_sources import Source, is_metrics, parse_sources
from spacy_ner_plus.workflows.loading import Code, at_least
from spacy_ner_plus.workflows.targets import check_targets

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.evaluation.comparison.compare import Entrant
    from spacy_ner_plus.evaluation.counting.document_counts import DocumentCounts

RESULT = "comparison.json"


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
    comparison = compare(
        sources,
        output,
        corpus=corpus,
        resamples=resamples,
        rounds=rounds,
        gold_tokens=gold_tokens,
        limit=limit,
        train=train,
        logs=training_log or [],
        page=page,
        code=code,
    )
    from spacy_ner_plus.cli.scores import show_comparison

    show_comparison(comparison)
    _say(f"Comparison: {output / RESULT}")
    if page:
        _say(f"Page: {output / PAGE}")


def compare(
    sources: Sequence[str],
    output: Path,
    *,
    corpus: Path | None = None,
    resamples: int = RESAMPLES,
    rounds: int = ROUNDS,
    gold_tokens: bool = False,
    limit: int = 0,
    train: Path | None = None,
    logs: Sequence[str] = (),
    page: bool = False,
    code: Path | None = None,
) -> dict[str, Any]:
    """Compare pipelines on one corpus, and write the result.

    sources (Sequence[str]): Files of metrics and pipelines, as `parse_sources` reads them.
    output (Path): A folder for comparison.json, and for metrics and predictions of pipelines.
    corpus (Path): The gold corpus; needed for pipelines.
    resamples (int): Of the documents, for intervals.
    rounds (int): Of the randomization test.
    gold_tokens (bool): Whether pipelines get gold's tokens.
    limit (int): Only the first documents, for pipelines; 0 for as many as the metrics have, or all.
    train (Path): A training corpus, for scores of seen and unseen entities of pipelines.
    logs (Sequence[str]): Training logs as NAME=FILE, for the page.
    page (bool): Whether to write the page, too. Default: False.
    code (Path): A Python file to run before a pipeline is loaded; None for none.
    RETURNS (dict[str, Any]): As `evaluation.comparison.compare_entrants` gives it.
    RAISES (UserError): Where something can't be read, written or compared.
    """
    from spacy_ner_plus.evaluation.comparison.compare import Entrant, compare_entrants, same_corpus
    from spacy_ner_plus.evaluation.metrics.file import read_metrics, write_json

    at_least("--limit", limit, 0)
    at_least("--resamples", resamples, 0)
    at_least("--rounds", rounds, 1)
    if page:
        check_page()
    named = parse_sources(sources)
    training = read_logs(logs, [source.name for source in named])
    places = [place for source in named for place in source.places]
    pipelines = [place for place in places if not is_metrics(place)]
    if pipelines and corpus is None:
        raise UserError(Errors.E312.format(source=pipelines[0]))
    # What can be refused is refused before pipelines run for long.
    read = {place: read_metrics(Path(place)) for place in places if place not in pipelines}
    outputs = {"the comparison": output / RESULT, "the page": output / PAGE if page else None}
    inputs = [("--training-log", log.partition("=")[2]) for log in logs] + [("--code", code)]
    check_targets(
        outputs | dict(_written(named, output)),
        [*inputs, *_read(read), *(("a pipeline", place) for place in pipelines)],
        corpora=[("--corpus", corpus), ("--train", train)],
    )
    given = [Entrant(place, [metrics]) for place, metrics in read.items()]
    if given:
        same_corpus(given)
        limit = limit or given[0].metrics[0]["settings"]["limit"]
    golds = None if corpus is None else _load_golds(corpus, limit, given[:1])
    options = ["--resamples", str(resamples), "--limit", str(limit)]
    options += ["--gold-tokens"] if gold_tokens else []
    options += ["--train", str(train)] if train else []
    options += ["--code", str(code)] if code else []
    entrants = []
    first: dict[str, Path] = {}
    for source in named:
        files = [source.metrics_file(number, output) for number in range(len(source.places))]
        for place, file in zip(source.places, files, strict=True):
            if place in pipelines:
                _evaluate(place, corpus, file, options)
                read[place] = read_metrics(file)
        first[source.name] = files[0]
        rows = [read[place] for place in source.places]
        counts = None if golds is None else _count_predictions(golds, source.name, rows, files)
        entrants.append(Entrant(source.name, rows, counts))
    comparison = compare_entrants(entrants, resamples=resamples, rounds=rounds)
    write_json(output / RESULT, comparison)
    if page:
        metrics = {source.name: read[source.places[0]] for source in named}
        write_page(output, golds=golds, files=first, metrics=metrics, comparison=comparison, logs=training)
    return comparison


def _written(named: Sequence[Source], output: Path) -> Iterator[tuple[str, Path]]:
    """Files that evaluating the pipelines writes, by what they are called."""
    for source in named:
        for number, place in enumerate(source.places):
            if not is_metrics(place):
                file = source.metrics_file(number, output)
                yield f"metrics of '{source.name}' ({place})", file
                yield f"predictions of '{source.name}' ({place})", default_predictions(file)


def _read(metrics: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, Path]]:
    """Files of metrics that were given, and the predictions beside them."""
    for place, content in metrics.items():
        yield "metrics", Path(place)
        if kept := content.get("predictions"):
            yield f"the predictions of '{place}'", Path(place).with_name(kept["file"])


def _evaluate(pipeline: str, corpus: Path, output: Path, options: Sequence[str]) -> None:
    """Evaluate a pipeline in a process of its own, so that its time and memory are its own."""
    _say(f"Evaluating {pipeline}")
    command = [
        sys.executable,
        "-m",
        "spacy_ner_plus",
        "evaluate",
        pipeline,
        str(corpus),
        "--output",
        str(output),
    ]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    last, error = "", ""
    with process:
        for line in process.stderr:
            last = line.strip() or last
            if line.startswith("Error: "):
                error = line.removeprefix("Error: ").strip()
            else:
                _say(line.rstrip("\n"))
    if process.returncode:
        reason = error or f"it ended with code {process.returncode}: {last}"
        raise UserError(Errors.E315.format(name=pipeline, reason=reason))


def _load_golds(corpus: Path, limit: int, given: "Sequence[Entrant]") -> "list[Doc]":
    """Read the gold corpus, and refuse another one than the metrics are of."""
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.evaluation.metrics.file import corpus_fingerprint

    golds = load_docs(corpus, Vocab(), limit)
    for entrant in given:
        described = entrant.metrics[0]["corpus"]
        if corpus_fingerprint(golds) != described["fingerprint"]:
            reason = (
                f"that was {described['name']}, {described['documents']} documents with {described['entities']} "
                f"entities; here {len(golds)} with {sum(len(gold.ents) for gold in golds)} were read"
            )
            raise UserError(Errors.E313.format(corpus=corpus, name=entrant.name, reason=reason))
    return golds


def _count_predictions(
    golds: "list[Doc]", name: str, rows: Sequence[dict[str, Any]], files: Sequence[Path]
) -> "list[DocumentCounts] | None":
    """Count the predictions that lie beside the metrics; None where some are missing."""
    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.evaluation.counting.document_counts import count_documents
    from spacy_ner_plus.evaluation.matching.matched_doc import judge_docs
    from spacy_ner_plus.evaluation.metrics.file import file_digest

    counted = []
    for metrics, file in zip(rows, files, strict=True):
        kept = metrics.get("predictions")
        path = file.with_name(kept["file"]) if kept else file
        if not kept or not path.exists():
            return None
        if file_digest(path) != kept["sha256"]:
            raise UserError(Errors.E314.format(path=path, name=name))
        judged = judge_docs(golds, load_docs(path, golds[0].vocab))
        counted.append(count_documents(judged, likeness=metrics["schemes"]["fuzzy"]["likeness"]))
    return counted


def _say(text: str) -> None:
    from spacy_ner_plus.cli.console import err

    err.print(text, markup=False, highlight=False)
