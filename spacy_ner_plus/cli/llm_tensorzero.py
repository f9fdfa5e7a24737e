"""`spacy-ner-plus llm tensorzero`: the configuration of TensorZero's gateway for a task."""

import json
from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.cli.options import Code


def tensorzero_command(
    folder: Annotated[Path, typer.Argument(help="The folder to write, which is empty or not there.")],
    config: Annotated[
        Path | None,
        typer.Option(
            help="A config or a pipeline with a structured_llm_ner; default: the labels of CoNLL and gpt-4o-mini."
        ),
    ] = None,
    function: Annotated[str, typer.Option(help="What the gateway calls the function.")] = "extract_entities",
    override: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting as key=value, e.g. components.structured_llm_ner.task=Letters; repeatable."
        ),
    ] = None,
    component: Annotated[
        str | None, typer.Option(help="Name of the component; default: the only one.")
    ] = None,
    code: Code = None,
) -> None:
    """Write TensorZero's configuration: function, schema, variants, metrics, templates, and a compose file."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.llm_tensorzero import write_tensorzero

    made = write_tensorzero(
        folder,
        config,
        function=function,
        overrides=override or [],
        component=component,
        code=code,
    )
    for note in made.notes:
        err.print(note, style="yellow", markup=False, highlight=False)
    lines = [f"{folder / path}" for path in sorted(made.files)]
    model = {"base_url": "http://127.0.0.1:3000/openai/v1", "name": f"tensorzero::function_name::{function}"}
    lines += ["Once the gateway runs, a component asks it with:", f"    model = {json.dumps(model)}"]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def send_feedback_command(
    store: Annotated[str, typer.Argument(help="The store: an SQLite file, or a database's address.")],
    base_url: Annotated[
        str, typer.Option(help="Of the gateway, as the component has it, with /openai/v1 at the end.")
    ],
    api_key_env: Annotated[
        str | None,
        typer.Option(
            help="The environment variable with the key, where the gateway wants one; default: none."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Where it is noted what was sent; default: the store's file name and .sent-feedback."
        ),
    ] = None,
) -> None:
    """Send the feedback on inferences of TensorZero's gateway to it, each once."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.llm_tensorzero import send_feedback

    done = send_feedback(store, base_url=base_url, api_key_env=api_key_env, state=state)
    out.print(f"Sent: {done.sent:,}, and before: {done.before:,}", markup=False, highlight=False)
    for kind, issue in done.issues:
        line = f"{issue.count:,} x {kind}. First: {issue.example}"
        err.print(line, style="yellow", markup=False, highlight=False)
