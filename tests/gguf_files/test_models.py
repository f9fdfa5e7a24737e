import json

import httpx
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import folder_to_gguf, read_checkpoint, read_metadata
from tests.servers.llama_server import llama_server
from tests.tiny_causal import save_tiny_causal, tiny_model, tiny_tokenizer

MESSAGES = [
    {"role": "system", "content": "Find 12 names."},
    {"role": "user", "content": "Ann met Bob in Rome, 2024."},
]
LENGTH = 24


def greedy(folder, messages=MESSAGES, *, adapter=None):
    """What transformers replies."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    # llama.cpp adds the beginning of a text where the tokenizer does.
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
    # llama.cpp also ends where a text ends.
    ends = [tokenizer.eos_token_id, *tokenizer.all_special_ids]
    with torch.inference_mode():
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=LENGTH,
            do_sample=False,
            eos_token_id=[number for number in ends if number != tokenizer.bos_token_id],
        )
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)


def served(file, messages=MESSAGES, *, adapter=None):
    """What llama.cpp replies."""
    with llama_server(model=file, slots=1, context_length=512, adapters=[adapter] if adapter else ()) as url:
        body = {"messages": messages, "temperature": 0, "max_tokens": LENGTH, "cache_prompt": False}
        reply = httpx.post(f"{url}/chat/completions", json=body, timeout=60)
    reply.raise_for_status()
    return reply.json()["choices"][0]["message"]["content"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["llama", "smollm", "qwen2"])
def test_models_reply_as_transformers_has_them(tmp_path, kind):
    folder = save_tiny_causal(tmp_path / kind, kind)
    file = folder_to_gguf(folder, tmp_path / "model.gguf", dtype="f32")
    expected = greedy(folder)
    assert expected.strip()
    assert served(file) == expected


@pytest.mark.slow
def test_models_with_a_tokenizer_as_llama_2_has(tmp_path):
    folder = save_tiny_causal(tmp_path / "llama", "llama", tokens="sentencepiece")
    file = folder_to_gguf(folder, tmp_path / "model.gguf", dtype="f32")
    assert served(file) == greedy(folder)


@pytest.mark.slow
def test_models_in_bfloat16_and_several_types(tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    folder = save_tiny_causal(tmp_path / "smollm")
    model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.bfloat16)
    model.save_pretrained(folder)
    files = {
        dtype: folder_to_gguf(folder, tmp_path / f"{dtype}.gguf", dtype=dtype)
        for dtype in ("f32", "f16", "q8_0")
    }
    sizes = [file.stat().st_size for file in files.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert served(files["f16"]) == served(files["f32"])
    assert served(files["q8_0"])


def test_models_say_what_they_are(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    file = folder_to_gguf(folder, tmp_path / "model.gguf")
    found = read_metadata(file)
    assert found["general.architecture"] == "llama"
    assert found["llama.block_count"] == 2
    assert found["tokenizer.ggml.pre"] == "smollm"
    assert found["tokenizer.ggml.tokens"][found["tokenizer.ggml.eos_token_id"]] == "<|im_end|>"
    assert "<|im_start|>" in found["tokenizer.chat_template"]


def test_models_with_a_tokenizer_of_unknown_meaning_are_refused(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    path = folder / "tokenizer.json"
    path.write_text(path.read_text(encoding="utf8").replace('"Digits"', '"Whitespace"'), encoding="utf8")
    with pytest.raises(UserError, match=r"E893.*Whitespace"):
        folder_to_gguf(folder, tmp_path / "model.gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["smollm"]


def test_models_of_other_classes_are_refused(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    path = folder / "config.json"
    path.write_text(path.read_text(encoding="utf8").replace("LlamaFor", "GemmaFor"), encoding="utf8")
    with pytest.raises(UserError, match=r"E896.*GemmaForCausalLM"):
        folder_to_gguf(folder, tmp_path / "model.gguf")


def test_models_need_all_their_files(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"E892.*model\.safetensors"):
        folder_to_gguf(folder, tmp_path / "model.gguf")
    with pytest.raises(UserError, match=r"E895.*q4"):
        folder_to_gguf(folder, tmp_path / "model.gguf", dtype="q4")


def change(path, **values):
    found = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**found, **values}), encoding="utf8")


def test_models_are_the_same_file_whatever_their_folder_is_called(tmp_path):
    folder = save_tiny_causal(tmp_path / "one")
    first = folder_to_gguf(folder, tmp_path / "first.gguf").read_bytes()
    folder.rename(tmp_path / "two")
    assert folder_to_gguf(tmp_path / "two", tmp_path / "second.gguf").read_bytes() == first


def test_models_without_an_output_are_refused(tmp_path):
    """llama.cpp would take the embeddings for it."""
    folder = save_tiny_causal(tmp_path / "llama", "llama")
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"E892.*output\.weight"):
        folder_to_gguf(folder, tmp_path / "model.gguf")


def test_models_that_dont_say_all_are_refused(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    config = json.loads((folder / "config.json").read_text(encoding="utf8"))
    del config["rms_norm_eps"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf8")
    with pytest.raises(UserError, match=r"E892.*rms_norm_eps"):
        folder_to_gguf(folder, tmp_path / "model.gguf")


@pytest.mark.parametrize(("value", "dtypes"), [(1e5, ["f16"]), (np.nan, ["f16", "q8_0", "f32"])])
def test_models_with_numbers_that_a_type_doesnt_hold_are_refused(tmp_path, value, dtypes):
    folder = save_tiny_causal(tmp_path / "smollm")
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = value
    save_file(weights, folder / "model.safetensors")
    for dtype in ("f16", "q8_0", "f32"):
        if dtype in dtypes:
            with pytest.raises(UserError, match=r"E940.*blk\.0\.ffn_up"):
                folder_to_gguf(folder, tmp_path / f"{dtype}.gguf", dtype=dtype)
        else:
            folder_to_gguf(folder, tmp_path / f"{dtype}.gguf", dtype=dtype)


def test_models_are_read_from_the_files_that_transformers_reads(tmp_path):
    """Of an earlier model in parts an index and parts may be left."""
    folder = save_tiny_causal(tmp_path / "smollm")
    expected = folder_to_gguf(folder, tmp_path / "model.gguf").read_bytes()
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, folder / "old.safetensors")
    index = {"weight_map": dict.fromkeys(weights, "old.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf8")
    assert folder_to_gguf(folder, tmp_path / "again.gguf").read_bytes() == expected


def test_models_in_several_files(tmp_path):
    tokenizer = tiny_tokenizer()
    tiny_model("smollm", tokenizer).save_pretrained(tmp_path / "parts", max_shard_size="100KB")
    tokenizer.save_pretrained(tmp_path / "parts")
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    whole = save_tiny_causal(tmp_path / "whole")
    found, expected = (
        dict(read_checkpoint(folder_to_gguf(folder, tmp_path / "model.gguf")).tensors())
        for folder in (tmp_path / "parts", whole)
    )
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in found)


def test_models_with_the_positions_of_llama_3_go_there_and_back(tmp_path):
    folder = save_tiny_causal(tmp_path / "llama", "llama")
    scaling = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 8192}  # fmt: skip
    change(folder / "config.json", rope_theta=500_000.0, rope_scaling=scaling)
    found = read_checkpoint(folder_to_gguf(folder, tmp_path / "model.gguf"))
    assert found.config["rope_scaling"] == scaling
    assert "model.norm.weight" in dict(found.tensors())
    change(folder / "config.json", rope_scaling={**scaling, "high_freq_factor": 5.0})
    with pytest.raises(UserError, match="E897"):
        read_checkpoint(folder_to_gguf(folder, tmp_path / "model.gguf"))
