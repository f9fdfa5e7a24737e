import httpx
import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import folder_to_gguf, read_metadata
from tests.servers.llama_server import llama_server
from tests.tiny_causal import save_tiny_causal

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
