"""A tiny Llama model in llama.cpp's own file format: real enough to be served, too small to know anything.

Most of its weights are random. A few are set by hand, so that replies end: between JSON's brackets
stands a well-known name in quotes, then the bracket is closed; names that stand in the prompt are
likelier than others; the end of the reply is likely wherever it is allowed; bytes, which could make
invalid UTF-8, are never written. What is bound to a schema or a grammar is therefore short and valid.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gguf import GGUFWriter, TokenType

NAME = "tiny"
CONTEXT_LENGTH = 65_536
WIDTH, LAYERS, HEADS, FEED_FORWARD = 64, 2, 2, 128
HEAD_WIDTH = WIDTH // HEADS
# Roles are control tokens. With tools the model opens a call, as models that are trained for it do.
TEMPLATE = """\
{%- if tools %}<|tools|>
{%- for tool in tools %}{{ tool | tojson }}{% endfor -%}
Answer with <tool_call>{"name": ..., "arguments": ...}</tool_call></s>{% endif -%}
{%- for message in messages -%}
<|{{ message.role }}|>{% if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] -%}
<tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>
{%- endfor %}</s>
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif -%}"""
# What it writes beside characters: well-known names of no corpus in particular.
_NAMES = (
    "Africa America Anna Apple April August Berlin Boston Britain Canada China Chicago David England Europe "
    "Friday Germany Google India Italy James Japan John July June London Madrid Maria May Michael Microsoft "
    "Monday Oslo Paris Paul Peter Robert Rome Russia Saturday Smith Spain Sunday Texas Thursday Tokyo "
    "Tuesday Wednesday"
)
NAMES = _NAMES.split()
ROLES = ["<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|tools|>"]
CALL, CALL_END = "<tool_call>", "</tool_call>"

# Dimensions of the residual stream: what a token is, what layer 0 read in the prompt, and codes.
CONSTANT, IS_NAME, IS_LIST, IS_COLON, IS_REPLY, IS_TOOLS, HAS_TOOLS = range(7)
CODE = slice(8, 32)
COPIED = slice(32, 56)
# About what a norm multiplies the residual stream with, and the spread of random logits.
SCALE, NOISE = 4, 3
# How likely a token is, in logits: always, and more or less after what.
NEVER = -40
LIKELY = {
    "</s>": {CONSTANT: 20, IS_REPLY: -40},
    CALL: {CONSTANT: NEVER, IS_REPLY: 40, HAS_TOOLS: 40},
    CALL_END: {CONSTANT: NEVER, HAS_TOOLS: 55},
    "[": {CONSTANT: -3},
    "]": {CONSTANT: 6},
    "{": {CONSTANT: 0, IS_LIST: 7},
    "}": {CONSTANT: 7},
    ",": {CONSTANT: 2},
    ":": {CONSTANT: 0, IS_NAME: 18},
    "▁": {CONSTANT: -6, IS_COLON: 34},
    '"': {CONSTANT: -5, IS_NAME: 10},
    "1": {CONSTANT: -2},
}


def write_tiny_llama(path: Path, *, seed: int = 0) -> Path:
    """Write the model. The same seed gives the same bytes.

    path (Path): Where to; the folder exists.
    seed (int): Of the random weights.
    RETURNS (Path): The same path.
    """
    from gguf import GGUFWriter

    tokens = _tokens()
    writer = GGUFWriter(path, "llama")
    _add_metadata(writer, tokens)
    for name, weights in _weights([text for text, *_ in tokens], np.random.default_rng(seed)):
        writer.add_tensor(name, weights.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_tiny_adapter(path: Path, *, seed: int = 0) -> Path:
    """Write a LoRA adapter of the model, which changes what it prefers and not the form of its replies.

    RETURNS (Path): The same path.
    """
    from gguf import GGUFWriter

    rank, rng = 4, np.random.default_rng(seed)
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    name = "blk.1.ffn_down.weight"
    first, second = rng.standard_normal((rank, FEED_FORWARD)), rng.standard_normal((WIDTH, rank))
    second[: CODE.start] = 0
    writer.add_tensor(f"{name}.lora_a", first.astype(np.float32))
    writer.add_tensor(f"{name}.lora_b", 0.1 * second.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tokens() -> list[tuple[str, "TokenType", float]]:
    """Text, kind and score of each token. The scores say which pieces are merged first."""
    from gguf import TokenType

    special = [("<unk>", TokenType.UNKNOWN), ("<s>", TokenType.CONTROL), ("</s>", TokenType.CONTROL)]
    special += [(role, TokenType.CONTROL) for role in ROLES]
    special += [(text, TokenType.USER_DEFINED) for text in (CALL, CALL_END)]
    # Whatever is no printable ASCII is read as bytes.
    special += [(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)]
    characters = ["▁", *map(chr, range(33, 127))]
    # A name is found by merging its beginnings, one character at a time.
    beginnings = dict.fromkeys(name[:end] for name in NAMES for end in range(2, len(name) + 1))
    return [
        *((text, kind, 0.0) for text, kind in special),
        *((text, TokenType.NORMAL, -1.0) for text in characters),
        *((text, TokenType.NORMAL, float(len(text))) for text in beginnings),
        # Written, never read: nothing merges into them.
        *((f'"{name}"', TokenType.NORMAL, 0.0) for name in NAMES),
    ]


def _add_metadata(writer: "GGUFWriter", tokens: list[tuple[str, "TokenType", float]]) -> None:
    texts = [text for text, *_ in tokens]
    writer.add_name(NAME)
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(HEAD_WIDTH)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(texts)
    writer.add_token_types([int(kind) for _, kind, _ in tokens])
    writer.add_token_scores([score for *_, score in tokens])
    writer.add_unk_token_id(texts.index("<unk>"))
    writer.add_bos_token_id(texts.index("<s>"))
    writer.add_eos_token_id(texts.index("</s>"))
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def _weights(texts: list[str], rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    codes = rng.standard_normal((len(texts), CODE.stop - CODE.start))
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    yield "token_embd.weight", _embeddings(texts, codes)
    for layer in range(LAYERS):
        yield f"blk.{layer}.attn_norm.weight", np.ones(WIDTH)
        yield from _reading(layer) if layer == 0 else _random_attention(layer, rng)
        yield f"blk.{layer}.ffn_norm.weight", np.ones(WIDTH)
        yield f"blk.{layer}.ffn_gate.weight", _random(rng, FEED_FORWARD, WIDTH)
        yield f"blk.{layer}.ffn_up.weight", _random(rng, FEED_FORWARD, WIDTH)
        yield f"blk.{layer}.ffn_down.weight", _to_codes(_random(rng, WIDTH, FEED_FORWARD))
    yield "output_norm.weight", np.ones(WIDTH)
    yield "output.weight", _output(texts, codes, rng)


def _embeddings(texts: list[str], codes: np.ndarray) -> np.ndarray:
    embeddings = np.zeros((len(texts), WIDTH))
    embeddings[:, CONSTANT] = 1
    embeddings[:, CODE] = codes
    features = {
        "[": IS_LIST,
        ":": IS_COLON,
        "<|assistant|>": IS_REPLY,
        "<|tools|>": IS_TOOLS,
        **dict.fromkeys(NAMES, IS_NAME),
    }
    for row, text in enumerate(texts):
        if text in features:
            embeddings[row, features[text]] = 1
    return embeddings


def _reading(layer: int) -> Iterator[tuple[str, np.ndarray]]:
    """Head 0 copies the codes of the names in the prompt, head 1 sees whether there are tools."""
    query, key, value, output = (np.zeros((WIDTH, WIDTH)) for _ in range(4))
    # The rotary embedding turns a slow pair by a fortieth of a degree a token, which makes names of the
    # last message likelier than those of the instructions before it, and the slowest pair hardly ever.
    for head, feature, pair in ((0, IS_NAME, 9), (1, IS_TOOLS, HEAD_WIDTH // 2 - 1)):
        row = head * HEAD_WIDTH + 2 * pair
        query[row, CONSTANT] = key[row, feature] = 3
    width = CODE.stop - CODE.start
    value[:width, CODE] = output[COPIED, :width] = np.eye(width)
    value[HEAD_WIDTH, IS_TOOLS] = output[HAS_TOOLS, HEAD_WIDTH] = 1
    # The norm before this layer has made everything some four times as large.
    value /= SCALE
    for letter, weights in zip("qkv", (query, key, value), strict=True):
        yield f"blk.{layer}.attn_{letter}.weight", weights
    yield f"blk.{layer}.attn_output.weight", output


def _random_attention(layer: int, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    for letter in "qkv":
        yield f"blk.{layer}.attn_{letter}.weight", _random(rng, WIDTH, WIDTH)
    yield f"blk.{layer}.attn_output.weight", _to_codes(_random(rng, WIDTH, WIDTH))


def _output(texts: list[str], codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How likely each token is after what stands in the residual stream, about in logits."""
    output = np.zeros((len(texts), WIDTH))
    output[:, CODE.start :] = NOISE * _random(rng, len(texts), WIDTH - CODE.start)
    for row, text in enumerate(texts):
        output[row, CONSTANT] = (-4 if text.isalnum() else -6) if len(text) == 1 else NEVER
    for name in NAMES:
        for text, constant, reply in ((name, -2, 14), (f'"{name}"', 4, -10)):
            row = texts.index(text)
            output[row, [CONSTANT, IS_REPLY]] = constant, reply
            output[row, COPIED] = 8 * codes[texts.index(name)]
    for text, logits in LIKELY.items():
        row = texts.index(text)
        output[row, CODE.start :] /= NOISE
        output[row, list(logits)] = list(logits.values())
    return output / SCALE


def _random(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return rng.standard_normal((rows, columns)) / np.sqrt(columns)


def _to_codes(weights: np.ndarray) -> np.ndarray:
    """Random layers write among the codes alone, and softly, so that what is set by hand stands."""
    weights[: CODE.start] = 0
    return 0.3 * weights
