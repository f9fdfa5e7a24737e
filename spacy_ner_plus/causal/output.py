"""The folder that fine-tuning writes: weights as safetensors, the tokenizer, a model card, and what was done."""

import json
from pathlib import Path
from typing import Any

from spacy_ner_plus.causal.base import Base, read_base
from spacy_ner_plus.causal.checkpoint import system_error
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.files import cant_write, written_together

MERGED, TRAINING = "merged", "training.json"


def write_output(
    output: Path,
    base: Base,
    wrapped: Any,
    training: dict[str, Any],
    files: dict[str, str],
    *,
    merge: bool,
) -> None:
    """Write what was trained; a checkpoint that is there gives way to it.

    output (Path): The folder, which is there whole or not at all.
    wrapped (PeftModel | None): With the adapter; None where all weights were trained.
    training (dict[str, Any]): What training.json holds.
    files (dict[str, str]): Other texts, by name.
    merge (bool): Whether the base with the adapter in it is written, too.
    RAISES (UserError): Where it can't be written.
    """
    from safetensors import SafetensorError

    with written_together([output], over_folders=True) as (beside,):
        try:
            _save_weights(beside, base, wrapped, merge=merge)
        except SafetensorError as error:
            raise cant_write(output, system_error(error)) from error
        for name, text in files.items():
            (beside / name).write_text(text, encoding="utf8")
        rows = json.dumps(training, indent=2, ensure_ascii=False)
        (beside / TRAINING).write_text(f"{rows}\n", encoding="utf8")
        (beside / "README.md").write_text(_card(output.name, training), encoding="utf8")


def _save_weights(folder: Path, base: Base, wrapped: Any, *, merge: bool) -> None:
    if wrapped is None:
        _save_model(base.model, base, folder)
        return
    wrapped.peft_config["default"].base_model_name_or_path = base.name
    # Whether embeddings grew is asked of the hub otherwise.
    wrapped.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    base.tokenizer.save_pretrained(folder)
    if merge:
        merge_adapter(base.path, folder, folder / MERGED, base.tokenizer.chat_template)


def merge_adapter(base: str | Path, adapter: Path, target: Path, chat_template: str | None = None) -> None:
    """Write a base with an adapter in it, as transformers loads it. It is read anew: what was trained on may have
    been rounded.

    RAISES (UserError): Where the base isn't there any more.
    """
    with from_extra("finetune"):
        from peft import PeftModel

    given = read_base(base, chat_template=chat_template)
    model = PeftModel.from_pretrained(given.model, str(adapter)).merge_and_unload()
    _save_model(model, given, target)


def _save_model(model: Any, base: Base, folder: Path) -> None:
    import torch

    try:
        model.generation_config.validate(strict=True)
    except ValueError:
        # Published models have a temperature without saying that they sample: transformers reads it, and writes it not.
        model.generation_config.do_sample = True
    model.to(getattr(torch, base.dtype, torch.float32)).save_pretrained(folder, safe_serialization=True)
    base.tokenizer.save_pretrained(folder)


def _card(name: str, training: dict[str, Any]) -> str:
    base, settings = training["base"], training["settings"]
    # Where it lies on this machine is nobody's business.
    name_of_base = Path(base["name"]).name if Path(base["name"]).is_absolute() else base["name"]
    lines = [
        "---",
        "library_name: peft" if settings["method"] != "full" else "library_name: transformers",
        "pipeline_tag: text-generation",
        "tags: [named-entity-recognition, spacy-ner-plus]",
        "---",
        f"# {name}",
        "",
        f"A chat model that names entities: {name_of_base}, fine-tuned ({settings['method']}) on "
        f"{training['examples']:,} examples by `spacy-ner-plus llm finetune`.",
        "",
        "| | |",
        "| --- | --- |",
        f"| Base | {name_of_base} |",
        *([f"| SHA-256 of the base | `{base['sha256']}` |"] if base["sha256"] else []),
        *(f"| {key.capitalize()} | {training[key]} |" for key in ("format", "labels") if training.get(key)),
        f"| Trained parameters | {training['trained_parameters']:,} of {training['parameters']:,} |",
        f"| Epochs done | {len(training['losses'])} |",
        f"| Seconds of training | {training['seconds']:,.0f} |",
    ]
    if training["best_dev_score"] is not None:
        metric = f"{training['dev_metric']} on the dev data"
        lines.append(f"| {metric[:1].upper()}{metric[1:]} | {training['best_dev_score']:.3f} |")
    lines += ["", "`training.json` has all settings, losses and scores.", ""]
    return "\n".join(lines)
