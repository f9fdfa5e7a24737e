"""The config of the pipeline that asks a fine-tuned model as it has learnt to be asked."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from spacy_ner_plus.causal.base import Base
    from spacy_ner_plus.labels import LabelSet
    from spacy_ner_plus.llm.prompting.prompter import Prompter

CONFIG, TEMPLATE = "structured_llm_ner.cfg", "template.jinja"
# What it takes: the adapter on its base, the base with it in it, or all that was trained.
Use = Literal["adapter", "merged", "whole"]


def pipeline_files(
    output: Path, base: str, prompter: "Prompter", lang: str, use: Use
) -> "Callable[[Base], dict[str, str]]":
    """RETURNS (Callable[[Base], dict[str, str]]): Makes, by name, the config of a pipeline that asks as the model has
    learnt it, and its template. What lies elsewhere stands in [paths] alone, as whole paths."""
    from thinc.api import Config

    from spacy_ner_plus.causal.chat_template import ChatTemplate
    from spacy_ner_plus.causal.chats import begins_to_think
    from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

    def files(given: "Base") -> dict[str, str]:
        paths = {"tuned": str(output)}
        model: dict[str, Any] = {"local": "${paths.tuned}/merged" if use == "merged" else "${paths.tuned}"}
        if use == "adapter":
            is_known = base in KNOWN_MODELS and not Path(base).exists()
            paths["base"] = base if is_known else str(given.path)
            name = re.sub(r"[^\w.-]+", "-", output.name)
            model = {"local": "${paths.base}", "name": name, "adapters": {name: "${paths.tuned}"}}
        if begins_to_think(ChatTemplate(given.tokenizer).prompt([{"role": "user", "content": "?"}])):
            # It would keep the model from ending its thought.
            model["text_grammar"] = False
        component: dict[str, Any] = {
            "factory": "structured_llm_ner",
            "format": prompter.format.name,
            "labels": _written_labels(prompter.labels),
            "task": prompter.task or None,
            "template": None if prompter.template is None else "${paths.tuned}/" + TEMPLATE,
            "model": model,
        }
        config = Config(
            {
                "paths": paths,
                "nlp": {"lang": lang, "pipeline": ["structured_llm_ner"]},
                "components": {"structured_llm_ner": component},
            }
        )
        found = {CONFIG: f"{config.to_str()}\n"}
        if prompter.template is not None:
            found[TEMPLATE] = prompter.template
        return found

    return files


def _written_labels(labels: "LabelSet") -> list[str] | dict[str, Any]:
    """RETURNS (list[str] | dict[str, Any]): As a config has them, with all that a prompt says of them."""
    if not labels.definitions and not labels.examples:
        return list(labels.names)
    return {row["name"]: {key: row[key] for key in ("definition", "examples")} for row in labels.rows}
