"""A GGUF file as transformers would have it: config, tokenizer and weights."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.gguf_files.metadata import TensorPlace, read_header
from spacy_ner_plus.gguf_files.rope import FACTORS, llama3_scaling
from spacy_ner_plus.gguf_files.tensor_names import CLASSES, Heads, transformers_name
from spacy_ner_plus.gguf_files.tokenizers import Tokenizer, from_metadata

# What others follow from.
_OPTIONAL = ("attention.head_count_kv", "attention.key_length", "rope.freq_base")
_SIZES = {
    "block_count": "num_hidden_layers",
    "context_length": "max_position_embeddings",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.key_length": "head_dim",
    "rope.freq_base": "rope_theta",
}


@dataclass(frozen=True)
class Checkpoint:
    """A model that was read from a GGUF file.

    path (Path): The file.
    config (dict[str, Any]): config.json.
    tokenizer (Tokenizer): Its tokenizer and chat template.
    """

    path: Path
    config: dict[str, Any]
    tokenizer: Tokenizer

    def tensors(self) -> Iterator[tuple[str, np.ndarray]]:
        """YIELDS (tuple[str, np.ndarray]): Names as transformers has them, and weights as floats of 32 bits.
        RAISES (UserError): For one that transformers' class doesn't have."""
        config = self.config
        heads = Heads(config["model_type"], config["num_attention_heads"], config["num_key_value_heads"])
        data = np.memmap(self.path, dtype=np.uint8, mode="r")
        for theirs, place in read_header(self.path)[1].items():
            if theirs == FACTORS:  # in the config
                continue
            name = transformers_name(theirs)
            if name is None:
                raise UserError(Errors.E898.format(path=self.path, name=theirs))
            yield name, heads.from_gguf(name, _weights(self.path, data, theirs, place))


def _weights(path: Path, data: np.ndarray, name: str, place: TensorPlace) -> np.ndarray:
    """RETURNS (np.ndarray): A tensor as floats of 32 bits.
    RAISES (UserError): Where it is of a type that isn't known, or isn't there."""
    with from_extra("finetune"):
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
        from gguf.quants import dequantize

    try:
        kind = GGMLQuantizationType(place.kind)
    except ValueError:
        reason = f"'{name}' has a type of the number {place.kind}"
        raise UserError(Errors.E890.format(path=path, reason=reason)) from None
    block, size = GGML_QUANT_SIZES[kind]
    *rows, columns = place.shape
    width = columns // block * size
    end = place.offset + math.prod(rows) * width
    if end > len(data):
        raise UserError(Errors.E890.format(path=path, reason="it ends too early"))
    packed = data[place.offset : end].reshape(*rows, width)
    try:
        return dequantize(packed, kind).astype(np.float32).reshape(place.shape)
    except NotImplementedError:
        reason = f"'{name}' has the type {kind.name}"
        raise UserError(Errors.E890.format(path=path, reason=reason)) from None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a model's GGUF file.

    RETURNS (Checkpoint): Its parts; weights are read when they are asked for.
    RAISES (UserError): Where it is no model of a kind that is known.
    """
    metadata, places = read_header(path)
    architecture = metadata.get("general.architecture")
    if architecture not in CLASSES or metadata.get("general.type", "model") != "model":
        raise UserError(Errors.E896.format(where=path, found=architecture, known=", ".join(CLASSES)))
    scaling = metadata.get(f"{architecture}.rope.scaling.type", "none")
    if scaling != "none":
        raise UserError(Errors.E897.format(folder=path, setting=f"rope.scaling.type = {scaling}"))
    config: dict[str, Any] = {"architectures": [CLASSES[architecture]]}
    for theirs, ours in _SIZES.items():
        value = metadata.get(f"{architecture}.{theirs}")
        if value is not None:
            config[ours] = value
    needed = {theirs: ours for theirs, ours in _SIZES.items() if theirs not in _OPTIONAL}
    lacks = [f"{architecture}.{theirs}" for theirs, ours in needed.items() if ours not in config]
    lacks += [key for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.model") if key not in metadata]
    if lacks:
        raise UserError(Errors.E890.format(path=path, reason=f"it doesn't say {lacks[0]}"))
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    config["model_type"] = architecture
    config["vocab_size"] = len(metadata["tokenizer.ggml.tokens"])
    if FACTORS in places:
        config["rope_scaling"] = _scaling(path, places[FACTORS], config)
    config["tie_word_embeddings"] = "output.weight" not in places
    tokenizer = from_metadata(metadata, path)
    vocab = {text: number for number, text in enumerate(metadata["tokenizer.ggml.tokens"])}
    for name, text in tokenizer.special.items():
        if name != "unk":
            config[f"{name}_token_id"] = vocab[text]
    return Checkpoint(path, config, tokenizer)


def _scaling(path: Path, place: TensorPlace, config: dict[str, Any]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): `rope_scaling`.
    RAISES (UserError): Where it isn't known which one it is."""
    factors = _weights(path, np.memmap(path, dtype=np.uint8, mode="r"), FACTORS, place)
    width = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    found = llama3_scaling(factors, width, config.get("rope_theta", 10_000.0))
    if found is None:
        raise UserError(Errors.E897.format(folder=path, setting="factors of frequencies that Llama 3 hasn't"))
    return found
