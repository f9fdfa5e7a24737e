"""`spacy-ner-plus llm try` and `llm estimate`: which reply format suits a model, and what a run takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.loading import Code, at_least, load_pipeline
from spacy_ner_plus.workflows.targets import check_targets

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.pipeline.structured_llm_ner.estimate import Estimate
    from spacy_ner_plus.pipeline.structured_llm_ner.trial import Trial

FACTORY = "structured_llm_ner"

app = typer.Typer(
    help="Try reply formats of a chat model, and estimate what a run takes.", no_args_is_help=True
)

Overrides = Annotated[
    list[str] | None,
    typer.Option(help="Setting as key=value, e.g. components.structured_llm_ner.samples=3; repeatable."),
]
Component = Annotated[str | None, typer.Option(help="Name of the component; default: the only one.")]


@app.command("try")
def try_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline with a structured_llm_ner.")],
    corpus: Annotated[Path, typer.Argument(help="Gold dev corpus: a .spacy file or a folder of them.")],
    limit: Annotated[int, typer.Option(help="Take only the first N documents; 0 for all.")] = 50,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="A format to try; repeatable. Default: all.")
    ] = None,
    override: Overrides = None,
    component: Component = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The table as JSON.")] = None,
    code: Code = None,
) -> None:
    """Annotate a dev corpus with every reply format, and print F1, invalid replies, tokens and seconds."""
    trials = try_formats(
        pipeline,
        corpus,
        limit=limit,
        formats=formats,
        overrides=override or [],
        component=component,
        output=output,
        code=code,
    )
    _show_trials(trials)
    if all(trial.failure for trial in trials):
        raise UserError(trials[0].failure)


def try_formats(
    pipeline: str,
    corpus: Path,
    *,
    limit: int = 50,
    formats: list[str] | None = None,
    overrides: list[str] | None = None,
    component: str | None = None,
    output: Path | None = None,
    code: Path | None = None,
) -> "list[Trial]":
    """Annotate a dev corpus with every reply format, and score it.

    pipeline (str): Folder of a pipeline, or name of an installed one.
    corpus (Path): Gold corpus.
    limit (int): Only the first documents; 0 for all.
    formats (list[str]): Which formats; None for all.
    overrides (list[str]): Settings of the pipeline as key=value.
    component (str): The component; None for the only one.
    output (Path): Where the table is written as JSON.
    code (Path): A Python file to run before the pipeline is loaded; None for none.
    RETURNS (list[Trial]): One for each format.
    RAISES (UserError): Where something can't be read, or a format isn't there.
    """
    import json
    from dataclasses import asdict

    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.files import write_whole
    from spacy_ner_plus.llm.formats import FORMATS
    from spacy_ner_plus.pipeline.structured_llm_ner.trial import try_format

    at_least("--limit", limit, 0)
    for name in formats or ():
        if name not in FORMATS:
            raise UserError(Errors.E506.format(value=name, option="--format", choices=", ".join(FORMATS)))
    inputs = [("the pipeline", pipeline), ("--code", code)]
    check_targets({"--output": output}, inputs, corpora=[("the corpus", corpus)])
    nlp = load_pipeline(pipeline, overrides or [], code=code)
    pipe = nlp.get_pipe(_find(nlp, component))
    golds = load_docs(corpus, nlp.vocab, limit)
    if not any(gold.ents for gold in golds):
        raise UserError(Errors.E305.format(path=corpus))
    chosen = formats or list(FORMATS)
    tried = (
        try_format(pipe.extractor_with(format=name), golds, threshold=pipe.threshold, score=pipe.score)
        for name in chosen
    )
    trials = list(progress(tried, "Trying", len(chosen)))
    if output:
        rows = json.dumps([asdict(trial) for trial in trials], indent=2)
        write_whole(output, f"{rows}\n".encode())
    return trials


@app.command("estimate")
def estimate_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline with a structured_llm_ner.")],
    texts: Annotated[
        list[str], typer.Argument(help="A .spacy corpus, or text files with one text a line, JSONL, or '-'.")
    ],
    limit: Annotated[int, typer.Option(help="Take only the first N texts; 0 for all.")] = 0,
    override: Overrides = None,
    component: Component = None,
    code: Code = None,
) -> None:
    """Say how many requests, tokens and dollars a run would take; nothing is sent."""
    settings = {"limit": limit, "overrides": override or [], "component": component, "code": code}
    _show_estimate(estimate(pipeline, texts, **settings))


def estimate(
    pipeline: str,
    texts: list[str],
    *,
    limit: int = 0,
    overrides: list[str] | None = None,
    component: str | None = None,
    code: Path | None = None,
) -> "Estimate":
    """Count what a run would send.

    pipeline (str): Folder of a pipeline, or name of an installed one.
    texts (list[str]): A .spacy corpus, or text files.
    limit (int): Only the first texts; 0 for all.
    overrides (list[str]): Settings of the pipeline as key=value.
    component (str): The component; None for the only one.
    code (Path): A Python file to run before the pipeline is loaded; None for none.
    RETURNS (Estimate): The sums.
    RAISES (UserError): Where something can't be read.
    """
    from itertools import islice

    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.pipeline.structured_llm_ner import estimate
    from spacy_ner_plus.workflows.texts import read_texts

    at_least("--limit", limit, 0)
    nlp = load_pipeline(pipeline, overrides or [], code=code)
    extractor = nlp.get_pipe(_find(nlp, component)).extractor
    corpora = [text for text in texts if text.endswith(".spacy") or Path(text).is_dir()]
    if corpora and len(texts) == 1:
        docs = load_docs(Path(texts[0]), nlp.vocab, limit)
    else:
        records = read_texts(texts)
        docs = (nlp.make_doc(record["text"]) for record in islice(records, limit or None))
    return estimate.estimate(extractor, docs)


def _find(nlp: "Language", component: str | None) -> str:
    names = [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == FACTORY]
    if component in names or (component is None and len(names) == 1):
        return component or names[0]
    found = ", ".join(names) or "none"
    raise UserError(Errors.E538.format(name=component or FACTORY, names=found))


def _show_trials(trials: "list[Trial]") -> None:
    from rich.table import Table

    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.cli.scores import percent

    policies = max((list(trial.f1) for trial in trials), key=len, default=[])
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("Format", no_wrap=True)
    for policy in policies:
        table.add_column(f"F1 ({policy})", justify="right")
    for name in ("Invalid", "Unaligned", "Tokens in", "Tokens out", "Seconds", "Cost"):
        table.add_column(name, justify="right")
    for trial in trials:
        cost = "-" if trial.cost is None else f"${trial.cost:.4f}"
        table.add_row(
            trial.format,
            *(percent(trial.f1.get(policy)) for policy in policies),
            f"{trial.invalid:,}",
            f"{trial.unaligned:,}",
            f"{trial.prompt_tokens:,}",
            f"{trial.completion_tokens:,}",
            f"{trial.seconds:.1f}",
            cost,
        )
    out.print(table)
    for trial in trials:
        if trial.failure:
            err.print(f"{trial.format}: {trial.failure}", style="yellow", markup=False, highlight=False)


def _show_estimate(found: "Estimate") -> None:
    from spacy_ner_plus.cli.console import out

    source = "gold entities" if found.from_gold else "a rule of thumb"
    lines = [
        f"Texts: {found.documents:,}",
        f"Requests: {found.requests:,}, {found.stored:,} of them in the store already",
        f"Prompt tokens: {found.prompt_tokens:,}",
        f"Reply tokens: {found.completion_tokens:,} by {source}, {found.most_completion_tokens:,} at most",
        f"Cost: {'not known for this model' if found.cost is None else f'${found.cost:.4f}'}",
    ]
    if found.minutes_at_limits is not None:
        lines.append(f"Time: {found.minutes_at_limits:.1f} minutes or more, by the limits per minute")
    for line in lines:
        out.print(line, markup=False, highlight=False)
