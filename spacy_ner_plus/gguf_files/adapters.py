"""A LoRA adapter, as peft saves it, as a GGUF file that llama.cpp puts on a base."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.gguf_files.metadata import read_metadata
from spacy_ner_plus.gguf_files.models import architecture_of
from spacy_ner_plus.gguf_files.safetensors_files import read_json, read_tensors
from spacy_ner_plus.gguf_files.tensor_names import CLASSES, Heads, gguf_name
from spacy_ner_plus.gguf_files.writing import write_gguf

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_NAME = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
# They change the base, and the adapter is none of the base as it was.
_OF_ANOTHER_BASE = ("pissa", "olora", "corda")
# What peft can do and llama.cpp's adapters can't say.
_OTHERS = (
    "use_dora",
    "alpha_pattern",
    "modules_to_save",
    "trainable_token_indices",
    "lora_bias",
    "use_qalora",
    "layer_replication",
)


def adapter_to_gguf(adapter: Path, base: Path, out: Path) -> Path:
    """Write a LoRA adapter as a GGUF adapter.

    adapter (Path): A folder with adapter_config.json and adapter_model.safetensors.
    base (Path): The model that it belongs to: a folder, or a GGUF file.
    out (Path): The file, which is there whole or not at all.
    RETURNS (Path): The file.
    RAISES (UserError): Where a part is missing, or the adapter does what llama.cpp's can't.
    """
    adapter = Path(adapter)
    for name in (CONFIG, WEIGHTS):
        if not (adapter / name).is_file():
            raise UserError(Errors.E892.format(folder=adapter, file=name))
    config = read_json(adapter / CONFIG)
    if config.get("peft_type") != "LORA":
        raise UserError(Errors.E899.format(adapter=adapter, found=f"peft_type {config.get('peft_type')}"))
    others = [name for name in _OTHERS if config.get(name)]
    if config.get("bias", "none") != "none":
        others.append("bias")
    begun = str(config.get("init_lora_weights", "")).lower()
    if begun.startswith(_OF_ANOTHER_BASE):
        others.append(f"init_lora_weights = {begun}")
    if others:
        raise UserError(Errors.E899.format(adapter=adapter, found=others[0]))
    # llama.cpp divides by the rank, and not by its root.
    alpha = float(config["lora_alpha"])
    if config.get("use_rslora"):
        if config.get("rank_pattern"):
            raise UserError(Errors.E899.format(adapter=adapter, found="use_rslora with rank_pattern"))
        alpha *= math.sqrt(config["r"])
    heads = heads_of(Path(base))
    # No name: the same weights are the same file, whatever their folder is called.
    metadata = {"general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": alpha}
    tensors = _tensors(adapter, heads)
    return write_gguf(Path(out), heads.architecture, metadata, tensors, dtype="f32")


def heads_of(base: Path) -> Heads:
    """RETURNS (Heads): Of a model: a folder, or a GGUF file.
    RAISES (UserError): Where it can't be read, or is of an unknown class."""
    if base.is_dir():
        if not (base / "config.json").is_file():
            raise UserError(Errors.E892.format(folder=base, file="config.json"))
        config = read_json(base / "config.json")
        return Heads.of_config(config, architecture_of(config, base))
    metadata: dict[str, Any] = read_metadata(base)
    architecture = metadata.get("general.architecture")
    if architecture not in CLASSES or metadata.get("general.type", "model") != "model":
        raise UserError(Errors.E896.format(where=base, found=architecture, known=", ".join(CLASSES)))
    return Heads.of_metadata(metadata)


def _tensors(adapter: Path, heads: Heads) -> Iterator[tuple[str, np.ndarray]]:
    for name, tensor in read_tensors(adapter / WEIGHTS):
        match = _NAME.fullmatch(name)
        ours = match and f"{match[1]}.weight"
        theirs = ours and gguf_name(ours)
        # llama.cpp reads adapters of embeddings otherwise.
        if not theirs or theirs == "token_embd.weight":
            raise UserError(Errors.E899.format(adapter=adapter, found=f"the tensor '{name}'"))
        if match[2] == "B":
            tensor = heads.to_gguf(ours, tensor)
        yield f"{theirs}.lora_{match[2].lower()}", tensor
