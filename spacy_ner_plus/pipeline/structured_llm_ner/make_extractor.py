"""From settings to the extractor: files are read, nothing is sent."""

import warnings
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from spacy_ner_plus.alignment.near_duplicates import NEARLY
from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.limits.copies import Lineage
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.demonstrations import (
    Demonstration,
    FixedDemonstrations,
    SimilarDemonstrations,
    read_demonstrations,
)
from spacy_ner_plus.llm.prompting.embedded_demonstrations import EmbeddedDemonstrations
from spacy_ner_plus.llm.prompting.excluded_texts import read_excluded
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.prompting.store_demonstrations import (
    EXCLUDED_EXAMPLE,
    Snapshot,
    StoreExamples,
    read_snapshot,
)
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.pipeline.named_files import NamedFiles, read_labels
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
from spacy_ner_plus.pipeline.structured_llm_ner.settings import FEWEST_CHUNK_TOKENS, StructuredLLMSettings

# How many of the model's tokens one of spaCy's has, where text is full of rare words.
_PIECES_OF_A_TOKEN = 2


def make_extractor(
    settings: StructuredLLMSettings,
    files: NamedFiles,
    vocab: Vocab,
    name: str,
    issues: IssueLog,
    lineage: Lineage,
) -> Extractor:
    """Read what the settings name, and put the parts together.

    files (NamedFiles): What was read before; what is read is added.
    name (str): The component, for messages.
    issues (IssueLog): Where examples without annotation, which are left out, are counted.
    lineage (Lineage): Of the chat model, if it is made here.
    RAISES (UserError): Where something isn't given or can't be read.
    """
    if settings.labels is None:
        raise UserError(Errors.E242.format(name=name))
    model = make_model(settings.model, name, lineage)
    labels = read_labels(files, settings.labels)
    template = files.read("template", settings.template, _read_template)
    examples, position = _examples(settings, files, vocab, name, issues, model, labels)
    prompter = Prompter(
        get_format(settings.format),
        labels,
        _make_demonstrations(examples, settings, issues, nearly=None if position is None else NEARLY),
        template,
        settings.task or "",
        position,
    )
    if settings.samples > 1 and model.settings.temperature == 0:
        warnings.warn(Warnings.W241.format(name=name, samples=settings.samples), stacklevel=2)
    return Extractor(
        prompter,
        model,
        samples=settings.samples,
        chunk_tokens=_chunk_tokens(settings, model, prompter, name),
        chunk_overlap=settings.chunk_overlap,
        occurrences=settings.occurrences,
        similarity_threshold=settings.similarity_threshold,
        sized_by_reply=settings.chunk_tokens is None,
        alignment_mode=settings.alignment_mode,
        passes=settings.passes,
        chunk_context=settings.chunk_context,
    )


def make_model(given: Any, name: str, lineage: Lineage) -> ChatModel:
    """Make a chat model from a component's setting.

    given (dict[str, Any] | ChatModel): Its settings, or the model itself.
    name (str): The component, for messages.
    lineage (Lineage): Of the model, if it is made here.
    RAISES (UserError): Where settings are missing, unknown or can't be.
    """
    if not isinstance(given, Mapping):
        if given is None or not hasattr(given, "submit"):
            raise UserError(Errors.E244.format(name=name, found="nothing" if given is None else repr(given)))
        return given
    known = [field.name for field in fields(ChatSettings)]
    unknown = sorted(set(given) - set(known))
    needed = () if given.get("local") else ("base_url", "name")
    missing = [key for key in needed if not given.get(key)]
    if unknown or missing:
        found = f"unknown: {', '.join(unknown)}" if unknown else f"missing: {', '.join(missing)}"
        raise UserError(Errors.E244.format(name=name, found=f"{found}; known: {', '.join(known)}"))
    return ChatModel(ChatSettings(**given), lineage)


def _chunk_tokens(
    settings: StructuredLLMSettings, model: ChatModel, prompter: Prompter, name: str
) -> int | None:
    tokens, overlap = settings.chunk_tokens, settings.chunk_overlap
    if tokens is None and model.context_length:
        beside = prompter.overhead(model.count_tokens)
        # A reply that is shown in the prompt of the next pass.
        earlier = model.settings.max_tokens if settings.passes > 1 else 0
        around = 2 * _PIECES_OF_A_TOKEN * settings.chunk_context
        tokens = model.context_length - model.settings.max_tokens - beside - earlier - around
    if tokens is not None and tokens < FEWEST_CHUNK_TOKENS:
        raise UserError(Errors.E243.format(name=name, tokens=tokens))
    if overlap < 0 or (tokens and overlap >= tokens):
        raise UserError(Errors.E245.format(name=name, overlap=overlap, tokens=tokens))
    return tokens


def _read_template(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E503.format(path=path, reason=error)) from error


def _examples(
    settings: StructuredLLMSettings,
    files: NamedFiles,
    vocab: Vocab,
    name: str,
    issues: IssueLog,
    model: ChatModel,
    labels: LabelSet,
) -> tuple[list[Demonstration], int | None]:
    """RETURNS (tuple[list[Demonstration], int | None]): The examples, and the position of the store they are from."""
    given, corpora = settings.examples, settings.exclude or []
    # What corpora exclude is excluded as the examples are read, so that a saved pipeline needs none of them.
    named = {"examples": given, "exclude": list(corpora)} if given is not None and corpora else given
    chosen = StoreExamples.of(given)
    if chosen is None:

        def read(_: Any) -> list[dict[str, Any]]:
            found = _read_examples(given, vocab, labels, issues)
            excluded = read_excluded(corpora, vocab)
            kept = [one for one in found if not excluded or text_hash(one.text) not in excluded]
            if len(kept) < len(found):
                left = [one for one in found if one not in kept]
                issues.add(EXCLUDED_EXAMPLE, left[0].text[:60], count=len(left))
            return [example.to_dict() for example in kept]

        records = files.read("examples", named, read)
        return [Demonstration.from_dict(record) for record in records or ()], None

    def read_store(_: Any) -> dict[str, Any]:
        where = model.settings.store
        if where is None:
            raise UserError(Errors.E820.format(name=name))
        excluded = read_excluded(corpora, vocab)
        found = read_snapshot(where, chosen, labels=labels.names, excluded=excluded, issues=issues)
        if not found.examples:
            warnings.warn(Warnings.W365.format(name=name, path=where), stacklevel=2)
        return found.to_dict()

    snapshot = Snapshot.from_dict(files.read("examples", named, read_store))
    return snapshot.examples, snapshot.position


def _read_examples(given: Any, vocab: Vocab, labels: LabelSet, issues: IssueLog) -> list[Demonstration]:
    if isinstance(given, str):
        return read_demonstrations(Path(given), vocab, labels=labels.names, issues=issues)
    return [Demonstration.from_dict(record) for record in given]


def _make_demonstrations(
    examples: list[Demonstration], settings: StructuredLLMSettings, issues: IssueLog, nearly: float | None
) -> FixedDemonstrations | SimilarDemonstrations | None:
    if not examples or not settings.n_examples:
        return None
    k, same = settings.n_examples, {"nearly": nearly, "issues": issues}
    if settings.choose_examples == "embeddings":
        # Whose torch would hang in a forked worker.
        from spacy_ner_plus.models.embeddings.embedder import Embedder
        from spacy_ner_plus.models.runtime.forks import limit_threads_at_fork

        limit_threads_at_fork()
        embedder = Embedder(settings.embedding_model, device="cpu", precision="fp32")
        return EmbeddedDemonstrations(examples, k, embedder=embedder, **same)
    kind = SimilarDemonstrations if settings.choose_examples == "similar" else FixedDemonstrations
    return kind(examples, k, **same)
