"""`spacy-ner-plus llm jobs`: a chat model of your own, fine-tuned by a server."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.examples import examples

app = typer.Typer(
    help="Fine-tune a chat model on a server, and get it as a variant.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Training = Annotated[Path, typer.Argument(help="Chats in JSON lines, as `llm export` writes them.")]
State = Annotated[
    Path | None,
    typer.Option(
        help="Where it is noted what was submitted; default: the training file's name and .jobs.json."
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        help="The environment variable with the key; default: none, and OPENAI_API_KEY at OpenAI itself."
    ),
]


@app.command("submit", epilog=examples("llm jobs submit"))
def submit_command(
    training: Training,
    base_url: Annotated[str, typer.Option(help="The server's address, up to and including /v1.")],
    model: Annotated[str, typer.Option(help="The model that is tuned, as the server calls it.")],
    dev: Annotated[Path | None, typer.Option(help="Chats to measure the training by.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Default: what the server finds right.")] = None,
    suffix: Annotated[str | None, typer.Option(help="A part of the new model's name.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the training.")] = None,
    api_key_env: Key = None,
    state: State = None,
    again: Annotated[
        bool, typer.Option("--again", help="Submit what was submitted before once more, and pay for it.")
    ] = False,
) -> None:
    """Upload training data and create a job, once: run again, it goes on where it stopped, or says that all is done."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.llm_jobs import submit_job

    job, is_new = submit_job(
        training,
        base_url=base_url,
        model=model,
        dev=dev,
        epochs=epochs,
        suffix=suffix,
        seed=seed,
        api_key_env=api_key_env,
        state=state,
        again=again,
    )
    if not is_new:
        err.print("It was submitted before; --again submits it once more.", style="yellow", highlight=False)
    out.print(f"Job {job.id}: {job.status or 'submitted'}", markup=False, highlight=False)
    command = [
        "spacy-ner-plus",
        "llm",
        "jobs",
        "status",
        str(training),
        *(["--state", str(state)] if state else []),
    ]
    out.print(f"See how it stands with: {shlex.join(command)}", markup=False, highlight=False, soft_wrap=True)


@app.command("status", epilog=examples("llm jobs status"))
def status_command(training: Training, state: State = None, api_key_env: Key = None) -> None:
    """Say how the jobs of a training file stand; of one that has succeeded, print the new model as a variant."""
    from spacy_ner_plus.cli.console import out
    from spacy_ner_plus.workflows.llm_jobs import jobs_status

    found = jobs_status(training, state=state, api_key_env=api_key_env)
    lines = []
    for status in found:
        lines.append(f"{status.job.id or status.job.name}: {status.job.status or 'no status'}")
        if status.failure:
            lines.append(f"    {status.failure}")
        lines += [f"    {event}" for event in status.events]
        if variant := status.variant():
            lines.append("Add it to the `variants` of the component:")
            lines.append(f"    {json.dumps(variant, ensure_ascii=False)}")
    for line in lines or ["No job of this file was submitted."]:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
