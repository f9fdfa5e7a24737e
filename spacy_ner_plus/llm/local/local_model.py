"""A local model with its adapters, as they were found on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from spacy_ner_plus.cpus import usable_cpus
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.file_hashes import file_sha256
from spacy_ner_plus.gguf_files import read_metadata
from spacy_ner_plus.llm.local.find import find_adapter, find_model

# Tokens of prompt and reply together in each slot, where nothing else is given.
CONTEXT_LENGTH = 4096
# More requests would write more tokens a second together, and each has a prompt of its own to read first: with
# instructions of 600 tokens and texts of a sentence that pays after some fifty texts.
_THREADS_PER_SLOT = 2
_MOST_SLOTS = 4


def slots_of(threads: int) -> int:
    """RETURNS (int): How many requests a model answers at a time with so many threads."""
    return max(1, min(threads // _THREADS_PER_SLOT, _MOST_SLOTS))


def threads_of(given: int | None) -> int:
    """RETURNS (int): With how many threads a model computes: as many as the process may use, unless it is given."""
    return usable_cpus() if given is None else given


@dataclass(frozen=True)
class LocalModel:
    """Files of a model, and how they are to be served.

    path (Path): The GGUF file.
    sha256 (str): Of its bytes.
    adapters (Mapping[str, tuple[Path, str]]): By name: the GGUF file and its SHA-256.
    threads (int): To compute with.
    context_length (int): Tokens of prompt and reply together, in each slot.
    """

    path: Path
    sha256: str
    adapters: Mapping[str, tuple[Path, str]]
    threads: int
    context_length: int

    @classmethod
    def find(
        cls,
        local: str,
        adapters: Mapping[str, str] | None = None,
        *,
        threads: int | None = None,
        context_length: int | None = None,
    ) -> Self:
        """Find a model's files.

        local (str): As `find_model` takes it.
        adapters (Mapping[str, str] | None): By name, as `find_adapter` takes them.
        threads (int | None): To compute with; None for as many as the process may use.
        context_length (int | None): Tokens in each slot; None for CONTEXT_LENGTH. No more than it was trained with.
        RAISES (UserError): Where a file isn't there.
        """
        path = find_model(local)
        trained = _trained_length(path)
        found = {name: find_adapter(given, local) for name, given in (adapters or {}).items()}
        for adapter in found.values():
            _metadata(adapter, "adapter")
        return cls(
            path,
            file_sha256(path),
            {name: (adapter, file_sha256(adapter)) for name, adapter in found.items()},
            threads_of(threads),
            min(context_length or CONTEXT_LENGTH, trained),
        )

    @property
    def slots(self) -> int:
        """RETURNS (int): How many prompts are kept; with adapters one for each of them and the base, since what is
        kept of a prompt is of no use to another adapter."""
        return 1 + len(self.adapter_files) if self.adapters else slots_of(self.threads)

    @property
    def adapter_files(self) -> tuple[tuple[str, Path], ...]:
        """RETURNS (tuple[tuple[str, Path], ...]): SHA-256 and file of each, in the order in which they are loaded."""
        return tuple(sorted({sha256: path for path, sha256 in self.adapters.values()}.items()))

    @property
    def key(self) -> tuple[Any, ...]:
        """RETURNS (tuple[Any, ...]): What a server is that serves this model; whichever names things have."""
        return (
            self.sha256,
            tuple(sha256 for sha256, _ in self.adapter_files),
            self.threads,
            self.context_length,
        )

    def identity(self, name: str) -> tuple[str, str]:
        """RETURNS (tuple[str, str]): What stands for endpoint and model in a store: the content, and no place.

        name (str): The adapter; '' for the base.
        """
        return f"local:{self.sha256}", self.adapters[name][1] if name else ""

    def fields(self, name: str) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): What a request needs so that one adapter answers it, or the base for ''.

        llama.cpp applies whatever a request doesn't name, so each names all of them.
        """
        if not self.adapters:
            return {}
        hashes = [sha256 for sha256, _ in self.adapter_files]
        wanted = self.adapters[name][1] if name else None
        slot = 0 if wanted is None else 1 + hashes.index(wanted)
        return {
            "lora": [{"id": i, "scale": float(sha256 == wanted)} for i, sha256 in enumerate(hashes)],
            "id_slot": slot,
        }


def _trained_length(path: Path) -> int:
    metadata = _metadata(path, "model")
    if (parts := int(metadata.get("split.count", 0))) > 1:
        # One that is saved or known by its hash would be this part alone.
        reason = f"it is one of the {parts} files of a model: join them by llama-gguf-split --merge"
        raise UserError(Errors.E871.format(path=path, reason=reason))
    return int(metadata.get(f"{metadata.get('general.architecture')}.context_length", CONTEXT_LENGTH))


def _metadata(path: Path, kind: str) -> Mapping[str, Any]:
    metadata = read_metadata(path)
    found = metadata.get("general.type", "model")
    if found != kind:
        reason = f"it is a file of another kind: {found}, and not {kind}"
        raise UserError(Errors.E871.format(path=path, reason=reason))
    return metadata
