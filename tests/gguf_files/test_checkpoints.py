import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import folder_to_gguf, read_checkpoint
from tests.tiny_causal import save_tiny_causal


@pytest.mark.parametrize("kind", ["llama", "smollm", "qwen2"])
def test_checkpoints_are_what_was_written(tmp_path, kind):
    folder = save_tiny_causal(tmp_path / kind, kind)
    found = read_checkpoint(folder_to_gguf(folder, tmp_path / "model.gguf", dtype="f32"))
    weights = load_file(folder / "model.safetensors")
    tensors = dict(found.tensors())
    assert tensors.keys() == weights.keys()
    assert all(np.array_equal(tensors[name], weights[name]) for name in weights)
    config = json.loads((folder / "config.json").read_text(encoding="utf8"))
    for key in ("architectures", "hidden_size", "tie_word_embeddings", "eos_token_id", "model_type"):
        assert found.config[key] == config[key], key


def test_checkpoints_read_text_as_the_tokenizer_did(tmp_path):
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    folder = save_tiny_causal(tmp_path / "smollm")
    found = read_checkpoint(folder_to_gguf(folder, tmp_path / "model.gguf"))
    tokenizer = Tokenizer.from_str(json.dumps(found.tokenizer.tokenizer))
    original = AutoTokenizer.from_pretrained(folder)
    for text in ("<|im_start|>user\nAnn met  Bob on 12 May 2024.<|im_end|>\n", " in\tRome", "née 東京"):
        ids = tokenizer.encode(text).ids
        assert ids == original(text).input_ids
        assert tokenizer.decode(ids, skip_special_tokens=False) == original.decode(ids)
    # Not what begins a turn, as transformers' own reader has it.
    assert found.tokenizer.special["eos"] == "<|im_end|>"


def test_checkpoints_that_ended_early_are_refused(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    file = folder_to_gguf(folder, tmp_path / "model.gguf")
    data = file.read_bytes()
    file.write_bytes(data[:-5_000])
    with pytest.raises(UserError, match="E890"):
        list(read_checkpoint(file).tensors())
    file.write_bytes(data[:1_000])
    with pytest.raises(UserError, match="E890"):
        read_checkpoint(file)


def test_checkpoints_that_dont_say_all_are_refused(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    file = folder_to_gguf(folder, tmp_path / "model.gguf")
    file.write_bytes(file.read_bytes().replace(b"llama.block_count", b"llama.block_kount"))
    with pytest.raises(UserError, match=r"E890.*llama\.block_count"):
        read_checkpoint(file)
