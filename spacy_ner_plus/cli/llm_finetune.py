"""`spacy-ner-plus llm finetune` and `llm gguf`: a chat model of your own, trained on this machine."""

from pathlib import Path
from typing import Annotated, Any

import typer


def finetune_command(
    corpus: Annotated[
        Path,
        typer.Argument(help="Gold corpus (.spacy), or chats in JSON lines, as `llm export` writes them."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder, for adapter or model.")],
    base: Annotated[
        str, typer.Option(help="smollm2, a folder of safetensors, a .gguf file, or a name on the hub.")
    ] = "smollm2",
    dev: Annotated[
        Path | None, typer.Option(help="Gold corpus, or chats: the weights that answer it best are kept.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="lora (an adapter), full (all weights), or qlora (4 bits, on a GPU)."),
    ] = "lora",
    format: Annotated[str, typer.Option(help="The reply format.")] = "inline_tags",
    labels: Annotated[
        str | None,
        typer.Option(help="A shipped set, or a file of labels; default: those that CORPUS has entities of."),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(help="Jinja file with the instructions; default: one line that names the labels."),
    ] = None,
    own_instructions: Annotated[
        bool,
        typer.Option("--own-instructions", help="Learn with the format's own instructions, which are long."),
    ] = False,
    chat_template: Annotated[
        Path | None,
        typer.Option(help="Jinja file in place of the base's own chat template; an adapter is merged then."),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Write the base with the adapter in it, too, into OUTPUT/merged.")
    ] = False,
    task: Annotated[str, typer.Option(help="What the texts are, for templates that say it.")] = "",
    lang: Annotated[str, typer.Option(help="Language of the pipeline in the written config.")] = "en",
    limit: Annotated[int, typer.Option(min=0, help="Take only the first N documents; 0 for all.")] = 0,
    epochs: Annotated[int | None, typer.Option(help="How often all examples are seen at most.")] = None,
    rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Take the place of what another run has made, once this one is finished."
        ),
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another setting of fine-tuning as key=value, e.g. rank=8; repeatable."),
    ] = None,
) -> None:
    """Fine-tune a chat model on this machine; run again, it goes on where it was cut, or leaves what is done."""
    from spacy_ner_plus.cli.console import err, out, progress
    from spacy_ner_plus.workflows.arguments.pipelines import parse_overrides
    from spacy_ner_plus.workflows.llm_finetune import finetune_llm

    given: dict[str, Any] = {"method": method, **parse_overrides(settings or ())}
    given |= {key: value for key, value in (("epochs", epochs), ("learning_rate", rate)) if value is not None}
    done = finetune_llm(
        corpus,
        output,
        base=base,
        dev=dev,
        format=format,
        labels=labels,
        template=template,
        own_instructions=own_instructions,
        task=task,
        lang=lang,
        chat_template=chat_template,
        merge=merge,
        limit=limit,
        overwrite=overwrite,
        settings=given,
        progress=progress,
    )
    for kind, issue in done.left_out:
        err.print(f"{issue.count:,} x {kind}: {issue.example}", style="yellow", markup=False, highlight=False)
    best = done.state.best
    labels = done.facts.get("labels")
    lines = [
        f"{output}: {done.examples:,} chats, {done.trained:,} of {done.total:,} weights trained, {done.precision}",
        f"Steps: {done.state.step:,} in {done.state.seconds:,.0f} s",
        f"Loss by epoch: {', '.join(f'{loss:.3f}' for loss in done.state.losses)}",
    ]
    if labels is not None:
        lines.insert(1, f"Labels: {labels}")
    if not done.is_new:
        lines.insert(0, "Finished by an earlier run of the same, and left as it is.")
    if best is not None:
        scores = ", ".join(f"{score:.3f}" for _, score in done.state.scores)
        lines.append(f"Dev ({done.metric}) by epoch: {scores}; best: {best[1]:.3f} after epoch {best[0]}")
    for line in lines:
        out.print(line, markup=False, highlight=False)


def gguf_command(
    source: Annotated[Path, typer.Argument(help="Folder of a model, or of an adapter.")],
    out_file: Annotated[Path, typer.Argument(help="The .gguf file.", metavar="OUT")],
    dtype: Annotated[str, typer.Option("--type", help="Of a model's weights: f16, q8_0 or f32.")] = "f16",
    base: Annotated[
        str | None, typer.Option(help="Of an adapter: its base; default: the one that it names.")
    ] = None,
) -> None:
    """Write a Llama-like model, or a LoRA adapter, as a GGUF file for llama.cpp."""
    from spacy_ner_plus.cli.console import out
    from spacy_ner_plus.workflows.llm_finetune import write_gguf

    written = write_gguf(source, out_file, dtype=dtype, base=base)
    out.print(f"{written}: {written.stat().st_size / 1e6:,.1f} MB", markup=False, highlight=False)
