"""The gateway's configuration for a task: function, schema, variants, metrics, templates, and a compose file."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.learning.tensorzero.compose import compose_file
from spacy_ner_plus.learning.tensorzero.minijinja import as_template
from spacy_ner_plus.learning.tensorzero.toml_values import toml_key, toml_table
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import ReplyFormat
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.prompting.prompts import instructions
from spacy_ner_plus.llm.store.metrics import SHIPPED, Metric

CONFIG, COMPOSE = "config/tensorzero.toml", "docker-compose.yml"
FUNCTION = "extract_entities"
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_JSON_MODES = {"auto": "strict", "json_schema": "strict", "json_object": "on", "tool": "tool", "off": "off"}
# Fields of a request that a variant has settings for; others go to the server by its extra body.
_FIELDS = ("temperature", "top_p", "max_tokens", "presence_penalty", "frequency_penalty", "seed")
_HEAD = """\
# Made by `spacy-ner-plus llm tensorzero`, for TensorZero 2026.6. Tests load such a file in the gateway that the
# Python package carries, and ask it; with ClickHouse behind it, it was not run.
"""
_OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class GatewayVariant:
    """A variant as the gateway is to have it.

    name (str): Its name.
    weight (float): How often it is sampled, beside the others' weights.
    settings (ChatSettings): Of the chat model behind it.
    prompter (Prompter): Its instructions and its reply format.
    """

    name: str
    weight: float
    settings: ChatSettings
    prompter: Prompter


@dataclass
class GatewayFiles:
    """What the configuration is made of.

    files (dict[str, str]): The content of each file, by its path.
    notes (list[str]): What a variant has and the gateway can't have, and what to do by hand.
    keys (list[str]): The environment variables with keys.
    """

    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def gateway_files(
    variants: Sequence[GatewayVariant],
    *,
    function: str = FUNCTION,
    metrics: Mapping[str, Metric] = SHIPPED,
) -> GatewayFiles:
    """Write the configuration of a function that extracts entities.

    variants (Sequence[GatewayVariant]): At least one; all answer in one reply format.
    function (str): What the function is called.
    metrics (Mapping[str, Metric]): Those that feedback may be of. Default: those of every store.
    RAISES (UserError): Where a name can't be one, or a reply format has no JSON schema for the whole answer.
    """
    for name in (function, *(variant.name for variant in variants)):
        if not _NAME.fullmatch(name):
            raise UserError(Errors.E850.format(name=name))
    schema = _one_schema(variants)
    made = GatewayFiles()
    folder = f"functions/{function}"
    made.files[f"config/{folder}/output_schema.json"] = (
        f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n"
    )
    models: dict[tuple[str, str, str], str] = {}
    tables = [
        toml_table("gateway", {"disable_pseudonymous_usage_analytics": True}),
        toml_table(
            toml_key("functions", function),
            {"type": "json", "output_schema": f"{folder}/output_schema.json"},
        ),
    ]
    for variant in variants:
        template = f"{folder}/{variant.name}/system_template.minijinja"
        made.files[f"config/{template}"] = f"{as_template(_instructions(variant.prompter))}\n"
        table = {
            "type": "chat_completion",
            "model": _model_name(variant.settings, models),
            "weight": float(variant.weight),
            "system_template": template,
            "json_mode": _JSON_MODES[variant.settings.structured],
            **_fields(variant.settings),
        }
        tables.append(toml_table(toml_key("functions", function, "variants", variant.name), table))
        _note(variant, made)
    for (url, name, key), model in models.items():
        tables.append(toml_table(toml_key("models", model), {"routing": ["server"]}))
        provider = {
            "type": "openai",
            "model_name": name,
            "api_base": url,
            "api_key_location": f"env::{key}" if key else "none",
        }
        tables.append(toml_table(toml_key("models", model, "providers", "server"), provider))
    # Comments and demonstrations need no declaration there.
    for metric in (metric for metric in metrics.values() if metric.is_number):
        if not _NAME.fullmatch(metric.name):
            made.notes.append(f"The metric '{metric.name}' isn't in it: the gateway takes no such name.")
            continue
        table = {"type": metric.kind, "level": metric.level, "optimize": metric.optimize}
        tables.append(toml_table(toml_key("metrics", metric.name), table))
    made.files[CONFIG] = f"{_HEAD}\n" + "\n\n".join(tables) + "\n"
    made.keys = sorted({key for *_, key in models if key})
    made.files[COMPOSE] = compose_file(made.keys)
    return made


def _one_schema(variants: Sequence[GatewayVariant]) -> Mapping[str, Any]:
    """RETURNS (Mapping[str, Any]): The JSON schema of the answers of all variants, which a JSON function has one of."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for variant in variants:
        form, labels = variant.prompter.format, variant.prompter.labels.names
        schema = None if hasattr(form, "turns") else form.schema(labels)
        if schema is None:
            raise UserError(Errors.E851.format(variant=variant.name, format=_name(form)))
        found.append((variant.name, schema))
    for name, schema in found[1:]:
        if schema != found[0][1]:
            raise UserError(Errors.E852.format(one=found[0][0], other=name))
    return found[0][1]


def _name(form: ReplyFormat) -> str:
    return getattr(form, "name", type(form).__name__)


def _instructions(prompter: Prompter) -> str:
    return instructions(prompter.format, prompter.labels, template=prompter.template, task=prompter.task)


def _model_name(settings: ChatSettings, models: dict[tuple[str, str, str], str]) -> str:
    """RETURNS (str): What the gateway calls a model; one for each server, name and key."""
    url = settings.endpoint()
    key = settings.api_key_env or ("OPENAI_API_KEY" if url.rstrip("/") == _OPENAI else "")
    if (url, settings.name, key) not in models:
        # "::" parts the names of providers that the gateway knows.
        name = settings.name.replace("::", "-")
        taken = set(models.values())
        number = next(i for i in range(1, len(taken) + 2) if (name if i == 1 else f"{name}-{i}") not in taken)
        models[url, settings.name, key] = name if number == 1 else f"{name}-{number}"
    return models[url, settings.name, key]


def _fields(settings: ChatSettings) -> dict[str, Any]:
    sampling = settings.sampling()
    others = [
        {"pointer": f"/{name}", "value": value} for name, value in sampling.items() if name not in _FIELDS
    ]
    known = {name: sampling[name] for name in _FIELDS if name in sampling}
    return {**known, "extra_body": others or None}


def _note(variant: GatewayVariant, made: GatewayFiles) -> None:
    settings = variant.settings
    if settings.headers:
        names = ", ".join(sorted(settings.headers))
        made.notes.append(
            f"{variant.name}: without the headers {names}; `extra_headers` of its provider takes them"
        )
    if variant.prompter.demonstrations is not None:
        made.notes.append(
            f"{variant.name}: without its examples, which the component sends with each request as before"
        )
    host = urlsplit(settings.endpoint()).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        made.notes.append(
            f"{variant.name}: its server is at {host}, which from a container is host.docker.internal"
        )
