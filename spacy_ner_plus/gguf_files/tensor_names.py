"""Which tensor of llama.cpp's is which of transformers', for models that are built as Llama is.

Llama's queries and keys are turned: transformers rotates the halves of a head, llama.cpp its pairs.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

# transformers' class: what llama.cpp calls it.
ARCHITECTURES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
}
# And back.
CLASSES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
_OUTSIDE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_INSIDE = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)")
_BLOCK = re.compile(r"blk\.(\d+)\.(.+)\.(weight|bias)")
_BACK = {theirs: ours for ours, theirs in _INSIDE.items()}
_OUTSIDE_BACK = {theirs: ours for ours, theirs in _OUTSIDE.items()}


def gguf_name(name: str) -> str | None:
    """RETURNS (str | None): What llama.cpp calls a tensor of transformers'; None where it has none such."""
    if match := _LAYER.fullmatch(name):
        part = _INSIDE.get(match[2])
        return part and f"blk.{match[1]}.{part}.{match[3]}"
    return _OUTSIDE.get(name)


def transformers_name(name: str) -> str | None:
    """RETURNS (str | None): What transformers calls a tensor of llama.cpp's; None where it has none such."""
    if match := _BLOCK.fullmatch(name):
        part = _BACK.get(match[2])
        return part and f"model.layers.{match[1]}.{part}.{match[3]}"
    return _OUTSIDE_BACK.get(name)


@dataclass(frozen=True)
class Heads:
    """How a model's queries and keys are laid out.

    architecture (str): As llama.cpp calls it.
    queries (int): How many heads there are.
    keys (int): How many of keys and values.
    """

    architecture: str
    queries: int
    keys: int

    @classmethod
    def of_config(cls, config: dict[str, Any], architecture: str) -> "Heads":
        """RETURNS (Heads): Those of a model's config.json."""
        queries = config["num_attention_heads"]
        return cls(architecture, queries, config.get("num_key_value_heads") or queries)

    @classmethod
    def of_metadata(cls, metadata: dict[str, Any]) -> "Heads":
        """RETURNS (Heads): Those of a GGUF file."""
        architecture = metadata["general.architecture"]
        queries = metadata[f"{architecture}.attention.head_count"]
        return cls(architecture, queries, metadata.get(f"{architecture}.attention.head_count_kv") or queries)

    def to_gguf(self, name: str, tensor: np.ndarray) -> np.ndarray:
        """RETURNS (np.ndarray): A tensor, or the output side of an adapter's, with its rows as llama.cpp has them.

        name (str): As transformers calls it.
        """
        heads = self._turned(name)
        return tensor if heads is None else _swap(tensor, heads, 2)

    def from_gguf(self, name: str, tensor: np.ndarray) -> np.ndarray:
        """RETURNS (np.ndarray): What `to_gguf` was given."""
        heads = self._turned(name)
        return tensor if heads is None else _swap(tensor, heads, tensor.shape[0] // heads // 2)

    def _turned(self, name: str) -> int | None:
        if self.architecture != "llama":
            return None
        part = name.rpartition(".self_attn.")[2].partition(".")[0]
        return {"q_proj": self.queries, "k_proj": self.keys}.get(part)


def _swap(tensor: np.ndarray, heads: int, rows: int) -> np.ndarray:
    # Of each head (rows x others) becomes (others x rows).
    parts = tensor.reshape(heads, rows, -1, *tensor.shape[1:])
    return np.ascontiguousarray(parts.swapaxes(1, 2).reshape(tensor.shape))
