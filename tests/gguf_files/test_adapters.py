import json

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import adapter_to_gguf, folder_to_gguf, read_metadata
from tests.gguf_files.test_models import greedy, served
from tests.tiny_causal import save_tiny_causal


def save_adapter(base, folder, **settings):
    """An adapter of random weights, whose effect is large."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    config = LoraConfig(**{"r": 4, "lora_alpha": 16, "target_modules": "all-linear", **settings})
    model = get_peft_model(model, config)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(std=0.2)
    model.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "settings"), [("llama", {}), ("qwen2", {"use_rslora": True})])
def test_adapters_reply_as_merged(tmp_path, kind, settings):
    base = save_tiny_causal(tmp_path / kind, kind)
    adapter = save_adapter(base, tmp_path / "adapter", **settings)
    file = folder_to_gguf(base, tmp_path / "model.gguf", dtype="f32")
    expected = greedy(base, adapter=adapter)
    assert expected != greedy(base)
    for source in (base, file):
        written = adapter_to_gguf(adapter, source, tmp_path / "adapter.gguf")
        assert served(file, adapter=written) == expected


def test_adapters_say_what_they_are(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    adapter = save_adapter(base, tmp_path / "adapter")
    found = read_metadata(adapter_to_gguf(adapter, base, tmp_path / "adapter.gguf"))
    assert found["general.type"] == "adapter"
    assert found["general.architecture"] == "llama"
    assert found["adapter.lora.alpha"] == 16


def test_adapters_that_llama_cpp_has_no_words_for_are_refused(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    adapter = save_adapter(base, tmp_path / "adapter")
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf8"))
    refused = {"use_dora": True, "init_lora_weights": "pissa_niter_4", "layer_replication": [[0, 2], [1, 2]]}
    for name, value in refused.items():
        path.write_text(json.dumps({**config, name: value}), encoding="utf8")
        with pytest.raises(UserError, match=rf"E899.*{name}"):
            adapter_to_gguf(adapter, base, tmp_path / "adapter.gguf")
    assert not (tmp_path / "adapter.gguf").exists()


def test_adapters_are_the_same_file_whatever_their_folder_is_called(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    adapter = save_adapter(base, tmp_path / "one")
    first = adapter_to_gguf(adapter, base, tmp_path / "first.gguf").read_bytes()
    adapter.rename(tmp_path / "two")
    assert adapter_to_gguf(tmp_path / "two", base, tmp_path / "second.gguf").read_bytes() == first
