"""How many wordpieces an encoder takes, and how many words have."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from spacy_ner_plus.models.zero_shot.checkpoint import TOKENIZER_CONFIG, to_json

# Most of them where neither tokenizer nor encoder has a limit: several times what the words of a window have, unless
# one of them is no word, such as an encoded file.
MOST = 4096
# Their positions are relative, and any number of them can be told apart well enough.
_RELATIVE = {"deberta", "deberta-v2", "t5", "mt5", "umt5"}


def piece_limit(tokenizer: Any, encoder: torch.nn.Module) -> int:
    """Find out how many wordpieces an encoder takes; more would be cut off without a word, or fail.

    tokenizer (PreTrainedTokenizerBase): It cuts at its `model_max_length`.
    encoder (Module): A base model of transformers.
    RETURNS (int): With special tokens.
    """
    limits = [MOST, tokenizer.model_max_length]
    positions = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    if isinstance(positions, torch.nn.Embedding):
        # RoBERTa and its relatives number positions from the padding id on.
        offset = 0 if positions.padding_idx is None else positions.padding_idx + 1
        limits.append(positions.num_embeddings - offset)
    elif encoder.config.model_type not in _RELATIVE:
        limits.append(getattr(encoder.config, "max_position_embeddings", None) or MOST)
    # Said of tokenizers without a limit, on their first text.
    tokenizer.deprecation_warnings["Asking-to-truncate-to-max_length"] = True
    return int(min(limits))


def word_sizes(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """RETURNS (list[int]): How many wordpieces each word has where it stands among the others."""
    sizes = [0] * len(words)
    if words:
        # The backend's own call, which neither warns of long texts nor cuts them.
        backend = tokenizer.backend_tokenizer
        truncation = backend.truncation
        backend.no_truncation()
        try:
            for word in backend.encode(list(words), is_pretokenized=True, add_special_tokens=False).word_ids:
                if word is not None:
                    sizes[word] += 1
        finally:
            if truncation is not None:
                backend.enable_truncation(**truncation)
    return sizes


def tokenizer_files(tokenizer: Any) -> dict[str, bytes]:
    """RETURNS (dict[str, bytes]): A tokenizer's files by name, without a path of this machine."""
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
        files = {path.name: path.read_bytes() for path in paths}
    config = {**_load(files[TOKENIZER_CONFIG])}
    if config.get("tokenizer_class") == "TokenizersBackend":
        # transformers 5's name for it, which 4 doesn't know; 5 knows both.
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
    return {**files, TOKENIZER_CONFIG: to_json(config)}


def _load(data: bytes) -> dict[str, Any]:
    import json

    return json.loads(data)
