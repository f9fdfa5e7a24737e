"""From structured_llm_ner's settings to what asks and reads: files are read, nothing is sent."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.labels import LabelSet, load_labels
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.demonstrations import (
    Demonstration,
    FixedDemonstrations,
    SimilarDemonstrations,
    read_demonstrations,
)
from spacy_ner_plus.llm.prompting.embedded_demonstrations import EmbeddedDemonstrations
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor


def make_extractor(settings: dict[str, Any], resolved: dict[str, Any], vocab: Vocab, name: str) -> Extractor:
    """Read what the settings name, and put the parts together. Nothing is sent.

    settings (dict[str, Any]): The component's settings.
    resolved (dict[str, Any]): What was read before, by setting; what is read is added.
    vocab (Vocab): The pipeline's.
    name (str): The component, for messages.
    RETURNS (Extractor): The extractor.
    RAISES (UserError): Where something isn't given or can't be read.
    """
    if settings["labels"] is None:
        raise UserError(Errors.E242.format(name=name))
    model = make_model(settings["model"], name)
    labels = _once("labels", settings, resolved, lambda spec: load_labels(spec).to_dict())
    template = _once("template", settings, resolved, _read_template)
    records = _once("examples", settings, resolved, lambda spec: _read_examples(spec, vocab))
    prompter = Prompter(
        get_format(settings["format"]),
        LabelSet.from_dict(labels),
        _make_demonstrations(records, settings),
        template,
    )
    chunk_tokens = settings["chunk_tokens"]
    if chunk_tokens is None and model.context_length:
        beside = prompter.overhead(model.count_tokens)
        chunk_tokens = model.context_length - model.settings.max_tokens - beside
    if chunk_tokens is not None and chunk_tokens < 20:
        raise UserError(Errors.E243.format(name=name, tokens=chunk_tokens))
    if settings["samples"] > 1 and model.settings.temperature == 0:
        warnings.warn(Warnings.W241.format(name=name, samples=settings["samples"]), stacklevel=2)
    if not 0 <= settings["chunk_overlap"] < (chunk_tokens or settings["chunk_overlap"] + 1):
        raise UserError(Errors.E245.format(name=name, overlap=settings["chunk_overlap"], tokens=chunk_tokens))
    return Extractor(
        prompter,
        model,
        samples=settings["samples"],
        chunk_tokens=chunk_tokens,
        chunk_overlap=settings["chunk_overlap"],
        occurrences=settings["occurrences"],
        fuzzy_threshold=settings["fuzzy_threshold"],
    )


def make_model(spec: Any, name: str) -> ChatModel:
    """Make a chat model from a component's setting.

    spec (dict[str, Any] | ChatModel): Its settings, or the model itself.
    name (str): The component, for messages.
    RETURNS (ChatModel): The model.
    RAISES (UserError): Where settings are missing or unknown.
    """
    if not isinstance(spec, Mapping):
        if spec is None or not hasattr(spec, "submit"):
            raise UserError(Errors.E244.format(name=name, found="nothing" if spec is None else repr(spec)))
        return spec
    known = [field.name for field in fields(ChatSettings)]
    unknown = sorted(set(spec) - set(known))
    missing = [key for key in ("base_url", "name") if not spec.get(key)]
    if unknown or missing:
        found = f"unknown: {', '.join(unknown)}" if unknown else f"missing: {', '.join(missing)}"
        raise UserError(Errors.E244.format(name=name, found=f"{found}; known: {', '.join(known)}"))
    return ChatModel(ChatSettings(**spec))


def _once(key: str, settings: dict[str, Any], resolved: dict[str, Any], read: Callable[[Any], Any]) -> Any:
    """Read what a setting names, unless it was read, and saved, under the same setting before."""
    spec = settings[key]
    if spec is None:
        return None
    kept = resolved.get(key)
    if kept is None or kept["setting"] != spec:
        resolved[key] = {"setting": spec, "value": read(spec)}
    return resolved[key]["value"]


def _read_template(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E503.format(path=path, reason=error)) from error


def _read_examples(spec: Any, vocab: Vocab) -> list[dict[str, Any]]:
    if isinstance(spec, str):
        return [example.to_dict() for example in read_demonstrations(Path(spec), vocab)]
    return [Demonstration.from_dict(record).to_dict() for record in spec]


def _make_demonstrations(
    records: list[dict[str, Any]] | None, settings: dict[str, Any]
) -> FixedDemonstrations | SimilarDemonstrations | None:
    if not records or not settings["n_examples"]:
        return None
    examples, k = [Demonstration.from_dict(record) for record in records], settings["n_examples"]
    if settings["choose_examples"] == "embeddings":
        return EmbeddedDemonstrations(examples, k, model=encoder_path_v1(settings["embedding_model"]))
    kind = SimilarDemonstrations if settings["choose_examples"] == "similar" else FixedDemonstrations
    return kind(examples, k)
