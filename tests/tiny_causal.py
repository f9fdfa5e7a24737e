"""Tiny chat models of the real classes, with random weights: real enough to be trained, saved and served."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'"
    " + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# Every printable sign, so that every reply is text.
_SIGNS = "".join(map(chr, range(32, 127))) + "\n"
_TEXT = [
    _SIGNS,
    "Ann Lee met Bob in Rome on 12 May 2024.",
    '{"PER": ["Ann Lee", "Bob"], "LOC": ["Rome"]}',
] * 3
_SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 8192,
}
# What each stands for: SmolLM2 ties its embeddings, Llama doesn't.
CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaForCausalLM", {"tie_word_embeddings": False}),
    "smollm": ("LlamaForCausalLM", {"tie_word_embeddings": True, "rope_theta": 100_000.0}),
    "qwen2": ("Qwen2ForCausalLM", {"tie_word_embeddings": True}),
}


def tiny_tokenizer(kind: str = "smollm") -> "PreTrainedTokenizerFast":
    """RETURNS (PreTrainedTokenizerFast): One that merges bytes, as SmolLM2's, or as Llama 2's for 'sentencepiece'."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if kind == "sentencepiece":
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
        names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    else:
        tokenizer = Tokenizer(models.BPE())
        parts = [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
        tokenizer.decoder = decoders.ByteLevel()
        special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        names = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(_TEXT, trainer)
    if kind == "sentencepiece":
        # They are bytes, not signs of their own.
        made = json.loads(tokenizer.to_str())
        made["added_tokens"] = [token for token in made["added_tokens"] if token["id"] < 3]
        tokenizer = Tokenizer.from_str(json.dumps(made))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names, chat_template=TEMPLATE)


def tiny_model(kind: str, tokenizer: "PreTrainedTokenizerFast", *, seed: int = 0) -> "PreTrainedModel":
    """RETURNS (PreTrainedModel): One of CLASSES, whose random weights are large enough to prefer some tokens."""
    import torch
    import transformers

    name, own = CLASSES[kind]
    cls = getattr(transformers, name)
    torch.manual_seed(seed)
    config = cls.config_class(
        vocab_size=len(tokenizer),
        initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **_SIZES,
        **own,
    )
    return cls(config).eval()


def save_tiny_causal(folder: Path, kind: str = "smollm", *, tokens: str = "smollm", seed: int = 0) -> Path:
    """Save a tiny model with its tokenizer.

    kind (str): One of CLASSES.
    tokens (str): As `tiny_tokenizer` takes it.
    RETURNS (Path): The folder.
    """
    tokenizer = tiny_tokenizer(tokens)
    model = tiny_model(kind, tokenizer, seed=seed)
    if tokens == "sentencepiece":
        # Single bytes, which may be no text, are never the likeliest.
        model.lm_head.weight.data[3:259] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
