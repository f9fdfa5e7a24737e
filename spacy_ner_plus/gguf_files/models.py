"""A model's folder, as transformers saves it, as one GGUF file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.gguf_files.rope import FACTORS, llama3_factors
from spacy_ner_plus.gguf_files.safetensors_files import model_files, read_json, read_tensors
from spacy_ner_plus.gguf_files.tensor_names import ARCHITECTURES, Heads, gguf_name
from spacy_ner_plus.gguf_files.tokenizers import read_tokenizer, to_metadata
from spacy_ner_plus.gguf_files.writing import DTYPES, FILE_TYPES, DType, write_gguf

# Made from the config by both sides.
_LEFT_OUT = "rotary_emb.inv_freq"


def folder_to_gguf(folder: Path, out: Path, *, dtype: DType = "f16") -> Path:
    """Write a folder with config.json, model.safetensors and tokenizer.json as a GGUF file.

    folder (Path): Of a Llama, Mistral, Qwen2 or Qwen3.
    out (Path): The file, which is there whole or not at all.
    dtype (str): 'f16', 'q8_0' or 'f32', of its matrices.
    RETURNS (Path): The file.
    RAISES (UserError): Where a part is missing, of another kind, or not known to mean the same to llama.cpp.
    """
    folder = Path(folder)
    if dtype not in DTYPES:
        raise UserError(Errors.E895.format(value=dtype, choices=", ".join(DTYPES)))
    if not (folder / "config.json").is_file():
        raise UserError(Errors.E892.format(folder=folder, file="config.json"))
    config = read_json(folder / "config.json")
    architecture = architecture_of(config, folder)
    # `rope_parameters` is how transformers 5 writes it.
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    try:
        factors = _rope_factors(config, rope, folder)
        # No name: the same weights are the same file, whatever their folder is called.
        metadata = {
            "general.type": "model",
            "general.file_type": FILE_TYPES[dtype],
            "general.quantization_version": 2,
            **_sizes(config, architecture, rope, folder),
            **to_metadata(read_tokenizer(folder), config["vocab_size"], folder),
        }
    except KeyError as error:
        raise UserError(Errors.E892.format(folder=folder, file=f"{error} in its JSON files")) from None
    tensors = _tensors(folder, config, Heads.of_config(config, architecture))
    if factors is not None:
        tensors = _and_factors(tensors, factors)
    return write_gguf(Path(out), architecture, metadata, tensors, dtype=dtype)


def architecture_of(config: dict[str, Any], where: Path) -> str:
    """RETURNS (str): What llama.cpp calls the class of a config.json.
    RAISES (UserError): Where it is none that is known."""
    names = config.get("architectures") or ["none"]
    if names[0] not in ARCHITECTURES:
        raise UserError(Errors.E896.format(where=where, found=names[0], known=", ".join(ARCHITECTURES)))
    return ARCHITECTURES[names[0]]


def _sizes(config: dict[str, Any], architecture: str, rope: dict[str, Any], folder: Path) -> dict[str, Any]:
    heads = Heads.of_config(config, architecture)
    width = config.get("head_dim") or config["hidden_size"] // heads.queries
    found: dict[str, Any] = {
        "block_count": config["num_hidden_layers"],
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": heads.queries,
        "attention.head_count_kv": heads.keys,
        "attention.key_length": width,
        "attention.value_length": width,
        "attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        "rope.freq_base": float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
        "rope.dimension_count": width,
        "vocab_size": config["vocab_size"],
    }
    if _rope_type(rope) == "linear":
        found |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(rope["factor"])}
    if config.get("hidden_act", "silu") != "silu":
        raise UserError(Errors.E897.format(folder=folder, setting=f"hidden_act = {config['hidden_act']}"))
    return {f"{architecture}.{key}": value for key, value in found.items()}


def _rope_type(rope: dict[str, Any]) -> str:
    return rope.get("rope_type") or rope.get("type") or "default"


def _rope_factors(config: dict[str, Any], rope: dict[str, Any], folder: Path) -> np.ndarray | None:
    """RETURNS (np.ndarray | None): What each frequency is divided by in Llama 3.1 and later; None for others."""
    kind = _rope_type(rope)
    if kind in ("default", "linear"):
        return None
    if kind != "llama3":
        raise UserError(Errors.E897.format(folder=folder, setting=f"rope type {kind}"))
    width = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return llama3_factors(rope, width, rope.get("rope_theta") or config.get("rope_theta") or 10_000.0)


def _and_factors(
    tensors: Iterator[tuple[str, np.ndarray]], factors: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    yield FACTORS, factors
    yield from tensors


def _tensors(folder: Path, config: dict[str, Any], heads: Heads) -> Iterator[tuple[str, np.ndarray]]:
    found = set()
    for path in model_files(folder):
        for name, tensor in read_tensors(path):
            if name.endswith(_LEFT_OUT):
                continue
            # One tensor is both: llama.cpp takes the embeddings where there is no other output.
            if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                continue
            theirs = gguf_name(name)
            if theirs is None:
                raise UserError(Errors.E898.format(path=path, name=name))
            found.add(theirs)
            yield theirs, heads.to_gguf(name, tensor)
    needed = {f"blk.{i}.attn_q.weight" for i in range(config["num_hidden_layers"])} | {"token_embd.weight"}
    if not config.get("tie_word_embeddings"):
        # Without it llama.cpp would take the embeddings.
        needed.add("output.weight")
    if missing := needed - found:
        raise UserError(Errors.E892.format(folder=folder, file=f"the weights {min(missing)}"))
