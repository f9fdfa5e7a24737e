"""`spacy-ner-plus llm`: a chat model before a run with it, and the replies that runs left in a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.cli import llm_batch, llm_feedback, llm_jobs, llm_variants
from spacy_ner_plus.cli.examples import examples
from spacy_ner_plus.cli.llm_export import export_command
from spacy_ner_plus.cli.llm_finetune import finetune_command, gguf_command
from spacy_ner_plus.cli.llm_install import install_command
from spacy_ner_plus.cli.llm_tensorzero import send_feedback_command, tensorzero_command
from spacy_ner_plus.cli.options import Code
from spacy_ner_plus.errors import UserError

if TYPE_CHECKING:
    from spacy_ner_plus.llm.store.store import KeptReply
    from spacy_ner_plus.pipeline.structured_llm_ner.estimate import Estimate
    from spacy_ner_plus.pipeline.structured_llm_ner.trial import Trial
    from spacy_ner_plus.workflows.llm import Shown

app = typer.Typer(
    help="Check a chat model, try its reply formats, and estimate what a run takes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

store_app = typer.Typer(
    help="Look at the replies in a store, take some out, and export what it holds.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(store_app, name="store")
app.add_typer(llm_batch.app, name="batch")
app.command("feedback", epilog=examples("llm feedback"))(llm_feedback.feedback_command)
app.command("variants", epilog=examples("llm variants"))(llm_variants.variants_command)
app.add_typer(llm_jobs.app, name="jobs")
app.command("install", epilog=examples("llm install"))(install_command)
app.command("finetune", epilog=examples("llm finetune"))(finetune_command)
app.command("gguf", epilog=examples("llm gguf"))(gguf_command)
app.command("export", epilog=examples("llm export"))(export_command)
app.command("tensorzero", epilog=examples("llm tensorzero"))(tensorzero_command)
app.command("send-feedback", epilog=examples("llm send-feedback"))(send_feedback_command)

StorePlace = Annotated[
    str,
    typer.Argument(help="The store: an SQLite file, or postgresql://user@host:port/name.", metavar="STORE"),
]
Status = Annotated[
    list[str] | None,
    typer.Option(help="Only such replies: valid, repaired, invalid, cut or unread; repeatable."),
]
# So much of a text is shown in a list.
_BEGINNING = 60
Overrides = Annotated[
    list[str] | None,
    typer.Option(help="Setting as key=value, e.g. components.structured_llm_ner.samples=3; repeatable."),
]
Component = Annotated[str | None, typer.Option(help="Name of the component; default: the only one.")]
Variant = Annotated[
    str | None,
    typer.Option(help="Which of its variants; default: the only way of asking, or the one pinned."),
]


@app.command("check", epilog=examples("llm check"))
def check_command(
    url: Annotated[str, typer.Argument(help="Base URL of an OpenAI-compatible server; may be empty.")],
    model: Annotated[str, typer.Option(help="The model, as the server calls it.")] = "default",
    optional: Annotated[bool, typer.Option("--optional", help="Only say so where there is no URL.")] = False,
) -> None:
    """Say what is missing before a long run with a chat model; nothing is sent."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.llm import check_server

    if optional and not url.strip():
        text = "No chat model: no URL of a server is given (--vars.llm_url)."
    else:
        text = f"Chat model: {model} at {check_server(url, model)}"
    err.print(text, markup=False, highlight=False)


@app.command("try", epilog=examples("llm try"))
def try_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline with a structured_llm_ner.")],
    corpus: Annotated[Path, typer.Argument(help="Gold dev corpus: a .spacy file or a folder of them.")],
    limit: Annotated[int, typer.Option(help="Take only the first N documents; 0 for all.")] = 50,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="A format to try; repeatable. Default: all.")
    ] = None,
    override: Overrides = None,
    component: Component = None,
    variant: Variant = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The table as JSON.")] = None,
    code: Code = None,
) -> None:
    """Annotate a dev corpus with every reply format, and print F1, invalid replies, tokens and seconds."""
    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.workflows.llm import try_formats

    trials = try_formats(
        pipeline,
        corpus,
        output,
        limit=limit,
        formats=formats,
        overrides=override or [],
        component=component,
        variant=variant,
        code=code,
        progress=progress,
    )
    _show_trials(trials)
    if all(trial.failure for trial in trials):
        raise UserError(trials[0].failure)


@app.command("show", epilog=examples("llm show"))
def show_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline with a structured_llm_ner.")],
    text: Annotated[str, typer.Argument(help="The text.")],
    ask: Annotated[
        bool, typer.Option("--ask/--dry-run", help="Ask the model, or only show what would be sent.")
    ] = True,
    override: Overrides = None,
    component: Component = None,
    variant: Variant = None,
    code: Code = None,
) -> None:
    """Show the messages about a text, the replies as they came, and the entities that were made of them."""
    from spacy_ner_plus.workflows.llm import show

    _show_one(
        show(
            pipeline, text, ask=ask, overrides=override or [], component=component, variant=variant, code=code
        )
    )


@app.command("estimate", epilog=examples("llm estimate"))
def estimate_command(
    pipeline: Annotated[str, typer.Argument(help="Folder of a pipeline with a structured_llm_ner.")],
    texts: Annotated[
        list[str], typer.Argument(help="A .spacy corpus, or text files with one text a line, JSONL, or '-'.")
    ],
    limit: Annotated[int, typer.Option(help="Take only the first N texts; 0 for all.")] = 0,
    override: Overrides = None,
    component: Component = None,
    variant: Variant = None,
    code: Code = None,
) -> None:
    """Say how many requests, tokens and dollars a run would take; nothing is sent."""
    from spacy_ner_plus.workflows.llm import estimate

    _show_estimate(
        estimate(
            pipeline,
            texts,
            limit=limit,
            overrides=override or [],
            component=component,
            variant=variant,
            code=code,
        )
    )


def _show_one(shown: "Shown") -> None:
    from rich.markup import escape

    from spacy_ner_plus.cli.console import err, out

    for number, messages in enumerate(shown.requests, start=1):
        of = f" of {len(shown.requests)}" if len(shown.requests) > 1 else ""
        out.print(f"[bold]Request {number}{of}[/]", highlight=False)
        for message in messages:
            out.print(f"[dim]{escape(message['role'])}:[/]", highlight=False)
            out.print(message["content"], markup=False, highlight=False)
        for reply in shown.replies[number - 1] if shown.replies else ():
            out.print("[bold]Reply[/]", highlight=False)
            out.print(reply, markup=False, highlight=False)
    if shown.doc is None:
        return
    out.print("[bold]Entities[/]", highlight=False)
    for ent in shown.doc.ents:
        score = "" if ent._.score is None else f" {ent._.score:.2f}"
        line = f"{ent.label_}\t{ent.text}\t[{ent.start_char}:{ent.end_char}]{score}"
        out.print(line, markup=False, highlight=False)
    if not shown.doc.ents:
        out.print("none", highlight=False)
    if shown.doc._.ner_failure:
        err.print(shown.doc._.ner_failure, style="yellow", markup=False, highlight=False)


@store_app.command("list", epilog=examples("llm store list"))
def store_list_command(
    store: StorePlace,
    status: Status = None,
    limit: Annotated[int, typer.Option(help="Show only the last N; 0 for all.")] = 20,
) -> None:
    """Count the replies in a store, and show the last ones with how their request and reply begin."""
    from spacy_ner_plus.workflows.llm import list_replies

    _show_replies(list_replies(store, status=status or ()), limit)


@store_app.command("show", epilog=examples("llm store show"))
def store_show_command(
    store: StorePlace,
    ids: Annotated[list[str], typer.Argument(help="Ids of replies, or their beginnings.")],
) -> None:
    """Print requests and replies as JSON, one a line."""
    import json

    from spacy_ner_plus.cli.console import out
    from spacy_ner_plus.workflows.llm import find_replies

    for kept in find_replies(store, ids):
        row = json.dumps(kept.to_dict(), ensure_ascii=False)
        out.print(row, markup=False, highlight=False, soft_wrap=True)


@store_app.command("drop", epilog=examples("llm store drop"))
def store_drop_command(
    store: StorePlace,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of replies, or their beginnings.")] = None,
    status: Status = None,
) -> None:
    """Take replies out of a store, so that the next run asks for them again."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.llm import drop_replies

    count = drop_replies(store, ids or (), status=status or ())
    err.print(f"{count:,} replies dropped from {store}", markup=False, highlight=False)


@store_app.command("export", epilog=examples("llm store export"))
def store_export_command(
    store: StorePlace,
    target: Annotated[Path, typer.Argument(help="The file to write: .parquet or .jsonl.")],
    table: Annotated[
        str, typer.Option(help="What to write: inferences, feedback or replies.")
    ] = "inferences",
) -> None:
    """Write what a store holds as Parquet or JSON lines, which DuckDB, ClickHouse and pandas read."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.workflows.llm import export_store

    count = export_store(store, target, table=table)
    err.print(f"{count:,} {table} written to {target}", markup=False, highlight=False)


def _show_replies(found: "list[KeptReply]", limit: int) -> None:
    from collections import Counter

    from spacy_ner_plus.cli.console import out

    counts = Counter((row.request.get("model", ""), row.reply.status or "unread") for row in found)
    for (model, status), count in sorted(counts.items()):
        out.print(f"{model}: {count:,} {status}", markup=False, highlight=False)
    for row in found[-limit:]:
        asked = [message["content"] for message in row.request.get("messages", ())]
        parts = (
            row.id,
            row.reply.status or "unread",
            _beginning(asked[-1] if asked else ""),
            _beginning(row.reply.content),
        )
        out.print("  ".join(parts), markup=False, highlight=False, soft_wrap=True)


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _BEGINNING else f"{words[: _BEGINNING - 3]}..."


def _show_trials(trials: "list[Trial]") -> None:
    from rich.table import Table

    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.cli.scores import percent

    policies = max((list(trial.f1) for trial in trials), key=len, default=[])
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("Format", no_wrap=True)
    for policy in policies:
        table.add_column(f"F1 ({policy})", justify="right")
    for name in ("Failed", "Unaligned", "Tokens in", "Tokens out", "Seconds", "Cost"):
        table.add_column(name, justify="right")
    for trial in trials:
        cost = "-" if trial.cost is None else f"${trial.cost:.4f}"
        table.add_row(
            trial.format,
            *(percent(trial.f1.get(policy)) for policy in policies),
            f"{trial.failed:,}",
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
