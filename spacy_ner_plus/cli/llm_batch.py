"""`spacy-ner-plus llm batch`: texts to a chat model at half the price, within a day."""

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.cli.examples import examples
from spacy_ner_plus.cli.options import Code

if TYPE_CHECKING:
    from spacy_ner_plus.issues import IssueLog
    from spacy_ner_plus.llm.batch.collection import BatchStatus, Collection
    from spacy_ner_plus.llm.batch.submission import Submission

app = typer.Typer(
    help="Submit texts to a chat model in batches, at half the price, and collect the replies in its store.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Pipeline = Annotated[
    str, typer.Argument(help="Folder of a pipeline with a structured_llm_ner that has a store.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(help="Setting as key=value, e.g. components.structured_llm_ner.samples=3; repeatable."),
]
Component = Annotated[str | None, typer.Option(help="Name of the component; default: the only one.")]
Variant = Annotated[
    str | None,
    typer.Option(help="Which of its variants; default: the only way of asking, or the one pinned."),
]


@app.command("submit", epilog=examples("llm batch submit"))
def submit_command(
    pipeline: Pipeline,
    texts: Annotated[
        list[str],
        typer.Argument(
            help="Texts: files of any format of `convert`, text files with one text a line, or '-'."
        ),
    ],
    format: Annotated[
        str, typer.Option("--format", "-f", help="Of the texts: auto, or one of `spacy-ner-plus formats`.")
    ] = "auto",
    limit: Annotated[int, typer.Option(help="Take only the first N texts; 0 for all.")] = 0,
    max_requests: Annotated[int, typer.Option(help="Requests of a batch at most.")] = 50_000,
    max_megabytes: Annotated[float, typer.Option(help="Megabytes of a batch's file at most.")] = 200,
    time_window: Annotated[
        str, typer.Option(help="Within which a batch is answered, where the server gives a choice.")
    ] = "24h",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count requests and cost; nothing is sent.")
    ] = False,
    override: Overrides = None,
    component: Component = None,
    variant: Variant = None,
    code: Code = None,
) -> None:
    """Submit what a run would ask and the store has no reply to; run again, it submits what is left."""
    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.workflows.llm_batch import submit_batches

    done = submit_batches(
        pipeline,
        texts,
        format=format,
        limit=limit,
        max_requests=max_requests,
        max_megabytes=max_megabytes,
        time_window=time_window,
        send=not dry_run,
        overrides=override or [],
        component=component,
        variant=variant,
        code=code,
        progress=progress,
    )
    _show_submission(done, _command("collect", pipeline, override, component, variant, code))


@app.command("status", epilog=examples("llm batch status"))
def status_command(
    pipeline: Pipeline,
    override: Overrides = None,
    component: Component = None,
    variant: Variant = None,
    code: Code = None,
) -> None:
    """Say how the batches stand that aren't collected yet."""
    from spacy_ner_plus.workflows.llm_batch import batch_status

    _show_batches(
        batch_status(pipeline, overrides=override or [], component=component, variant=variant, code=code)
    )


@app.command("collect", epilog=examples("llm batch collect"))
def collect_command(
    pipeline: Pipeline,
    override: Overrides = None,
    component: Component = None,
    variant: Variant = None,
    code: Code = None,
) -> None:
    """Fetch the replies to batches that are over, and keep them in the store; run it as often as you like."""
    from spacy_ner_plus.workflows.llm_batch import collect_batches

    done = collect_batches(
        pipeline, overrides=override or [], component=component, variant=variant, code=code
    )
    _show_collection(done, pipeline, override, component, variant, code)


@app.command("drop", epilog=examples("llm batch drop"))
def drop_command(
    pipeline: Pipeline,
    ids: Annotated[
        list[str], typer.Argument(help="Ids or names of batches, as `llm batch status` shows them.")
    ],
    override: Overrides = None,
    component: Component = None,
    variant: Variant = None,
    code: Code = None,
) -> None:
    """Forget batches that aren't collected, so that their requests may be submitted again; the server isn't asked."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.llm_batch import drop_batches

    count = drop_batches(
        pipeline, ids, overrides=override or [], component=component, variant=variant, code=code
    )
    err.print(f"{count:,} requests may be submitted again", markup=False, highlight=False)


def _show_submission(done: "Submission", collect: str) -> None:
    lines = [f"Requests: {done.requests:,}"]
    if done.seconds:
        lines[0] += f", {done.seconds:,} of them ask again, after replies that can't be read"
    if done.waiting:
        lines.append(f"Not collected yet: {done.waiting:,} more, submitted before")
    if done.too_long:
        lines.append(f"Texts above nlp.max_length, left out: {done.too_long:,}")
    if done.requests:
        lines += [
            f"Prompt tokens: {done.usage.prompt:,}",
            f"Reply tokens: {done.usage.completion:,} by a rule of thumb",
            f"Cost at half price: {_dollars(done.cost)}",
        ]
    lines += [f"Batch {batch.id}: {batch.requests:,} requests" for batch in done.batches]
    if done.batches:
        lines.append(f"Fetch the replies with: {collect}")
    _print(lines)


def _show_batches(batches: "Sequence[BatchStatus]") -> None:
    from datetime import UTC, datetime

    lines = []
    for status in batches:
        batch = status.batch
        parts = [f"{batch.id or batch.name}: {status.status}"]
        if batch.id:
            parts.append(
                f"{status.completed:,} of {batch.requests:,} requests completed, {status.failed:,} failed"
            )
        else:
            parts.append(f"{batch.requests:,} requests; `llm batch submit` finds out what became of it")
        if status.expires and not status.is_over:
            parts.append(f"expires {datetime.fromtimestamp(status.expires, UTC):%Y-%m-%d %H:%M} UTC")
        lines.append("; ".join([*parts, *status.problems]))
    _print(lines or ["No batch of this model is waited for."])


def _show_collection(
    done: "Collection",
    pipeline: str,
    override: list[str] | None,
    component: str | None,
    variant: str | None,
    code: object,
) -> None:
    _show_batches(done.batches)
    if done.others:
        _print([f"Submitted for other labels or another format, and not looked at: {done.others:,} batches"])
    over = [status for status in done.batches if status.is_over]
    if not over:
        return
    counts = ", ".join(f"{count:,} {status}" for status, count in sorted(done.replies.items()))
    _print(
        [
            f"Replies: {sum(done.replies.values()):,}{f' ({counts})' if counts else ''}",
            f"Tokens: {done.usage.prompt:,} in, {done.usage.completion:,} out",
            f"Cost at half price: {_dollars(done.cost)}",
        ]
    )
    _show_issues(done.issues)
    texts = list(dict.fromkeys(text for status in over for text in status.batch.texts))
    if done.questions or done.unanswered:
        again = _command("submit", pipeline, override, component, variant, code, texts or ["TEXTS"])
        _print(
            [
                f"Without a reply: {done.unanswered:,}",
                f"Questions that follow from replies that can't be read: {done.questions:,}",
                f"Submit these with: {again}",
            ]
        )
    elif len(over) == len(done.batches):
        replay = f"components.{done.name}.model.replay_only=true"
        _print(
            ["All is in the store. This runs from it, and sends nothing:"]
            + [f"    {line}" for line in _runs(pipeline, texts, [*(override or ()), replay])]
        )


def _runs(pipeline: str, texts: list[str], override: list[str]) -> Iterable[str]:
    """YIELDS (str): The commands that run a pipeline over texts as they were given."""
    from spacy_ner_plus.workflows.arguments.texts import has_texts

    options = [part for value in override for part in ("--override", value)]
    plain = [text for text in texts if text == "-" or has_texts(text)]
    others = [text for text in texts if text not in plain]
    if plain or not others:
        yield shlex.join(["spacy-ner-plus", "predict", pipeline, *plain, *options])
    for text in others:
        corpus = text if text.endswith(".spacy") else "CORPUS.spacy"
        yield shlex.join(["spacy-ner-plus", "evaluate", pipeline, corpus, *options])


def _show_issues(issues: "IssueLog") -> None:
    from spacy_ner_plus.cli.console import err

    for kind, issue in issues:
        line = f"{issue.count:,} x {kind}. First: {issue.example} ({issue.where})"
        err.print(line, style="yellow", markup=False, highlight=False)


def _command(
    name: str,
    pipeline: str,
    override: list[str] | None,
    component: str | None,
    variant: str | None,
    code: object,
    texts: Iterable[str] = (),
) -> str:
    options = [part for value in override or () for part in ("--override", value)]
    options += ["--component", component] if component else []
    options += ["--variant", variant] if variant else []
    options += ["--code", str(code)] if code else []
    return shlex.join(["spacy-ner-plus", "llm", "batch", name, pipeline, *texts, *options])


def _dollars(cost: float | None) -> str:
    return "not known for this model" if cost is None else f"${cost:.4f}"


def _print(lines: Iterable[str]) -> None:
    from spacy_ner_plus.cli.console import out

    for line in lines:
        out.print(line, markup=False, highlight=False)
