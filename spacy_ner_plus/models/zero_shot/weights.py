"""Weights in safetensors, in and out."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from spacy_ner_plus.models.zero_shot.snapshot import cant_load


def read_weights(weights: Path | bytes, name: str) -> dict[str, torch.Tensor]:
    """RETURNS (dict[str, Tensor]): Weights by name, also of those that are stored under another's name.

    RAISES (UserError): Where the file is cut off or isn't one.
    """
    try:
        if isinstance(weights, bytes):
            return load(weights)
        with safe_open(weights, framework="pt") as file:
            found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
            # Of weights that share memory one is stored, and the metadata has the names of the others.
            shared = {k: found[v] for k, v in (file.metadata() or {}).items() if v in found}
            return {**shared, **found}
    except (OSError, SafetensorError) as error:
        raise cant_load(name, f"its weights can't be read ({error}), which may be cut off") from None


def fill(network: torch.nn.Module, weights: Path | bytes, name: str) -> None:
    """Give a network its weights.

    RAISES (UserError): Where some are missing or of another shape: they would be random numbers.
    """
    found = read_weights(weights, name)
    try:
        missing, _ = network.load_state_dict(found, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise cant_load(name, f"its weights are of other shapes ({lines[-1]})") from None
    if missing:
        raise cant_load(name, f"weights are missing, such as {missing[0]}")


def pack_weights(network: torch.nn.Module) -> bytes:
    """RETURNS (bytes): All weights as safetensors, each with memory of its own."""
    seen: set[int] = set()
    state = {}
    for key, tensor in network.state_dict().items():
        tensor = tensor.detach().cpu().contiguous()
        if tensor.data_ptr() in seen:
            tensor = tensor.clone()
        seen.add(tensor.data_ptr())
        state[key] = tensor
    return save(state)
