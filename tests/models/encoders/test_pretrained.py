import time

import pytest
import torch
from huggingface_hub import constants

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.encoders import pretrained
from spacy_ner_plus.models.encoders.pretrained import (
    freeze_layers,
    load_encoder,
    load_token_classifier,
    max_window,
)
from tests.encoders import save_family
from tests.servers.hub_server import no_hub


@pytest.mark.parametrize("load", [load_encoder, load_token_classifier])
def test_encoder_refuses_an_adapter_in_place_of_a_model(tmp_path, load):
    """transformers would put it on its base by itself, without the head that was trained with it."""
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    base = save_family("bert", tmp_path / "base")
    config = peft.LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query"])
    adapted = peft.get_peft_model(AutoModelForTokenClassification.from_pretrained(base), config)
    adapted.save_pretrained(tmp_path / "adapter")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "adapter")
    with pytest.raises(UserError, match=r"adapter of peft.*merge_and_unload"):
        load(str(tmp_path / "adapter"))


@pytest.mark.parametrize(("kind", "longest"), [("wordpiece", 62), ("bpe", 62), ("sentencepiece", 62)])
def test_encoder_knows_its_longest_window(encoder_folders, kind, longest):
    encoder, tokenizer = load_encoder(encoder_folders[kind])
    assert max_window(encoder, tokenizer) == longest
    row = [*tokenizer.prefix, *[5] * longest, *tokenizer.suffix]
    encoder(input_ids=torch.tensor([row]))
    with pytest.raises((IndexError, RuntimeError)):
        encoder(input_ids=torch.tensor([[*row, 5]]))


def test_encoder_that_is_nowhere_is_one_message(tmp_path):
    with pytest.raises(UserError, match=r"E202.*no-such-encoder"):
        load_encoder(str(tmp_path / "no-such-encoder"))


def test_encoder_on_a_hub_that_nobody_reaches_is_one_message_within_seconds(monkeypatch, caplog):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with no_hub() as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        began = time.monotonic()
        with pytest.raises(UserError, match=r"E202.*'owner/model'.*can't be reached") as caught:
            load_encoder("owner/model")
    assert time.monotonic() - began < 5
    assert caught.value.__cause__ is None
    assert caplog.records == []


def test_encoder_is_found_by_the_packaged_name(monkeypatch, encoder_folder):
    # In place of 90 MB: which folder is loaded is what counts.
    monkeypatch.setattr(pretrained, "encoder_path_v1", {"all-MiniLM-L6-v2": encoder_folder}.get)
    encoder, _ = load_encoder("all-MiniLM-L6-v2")
    assert encoder.config.hidden_size == 32


def test_encoder_weights_as_pickle_are_refused(encoder_folder, tmp_path):
    encoder, tokenizer = load_encoder(encoder_folder)
    encoder.config.save_pretrained(tmp_path)
    tokenizer.hf_tokenizer.save_pretrained(tmp_path)
    torch.save(encoder.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"E202.*safetensors"):
        load_encoder(str(tmp_path))


def test_encoder_with_remote_code_is_refused(encoder_folder, tmp_path):
    import json
    import shutil

    shutil.copytree(encoder_folder, tmp_path / "remote")
    config_path = tmp_path / "remote" / "config.json"
    config = json.loads(config_path.read_text())
    config["model_type"] = "mine"
    config["auto_map"] = {"AutoConfig": "mine.MyConfig", "AutoModel": "mine.MyModel"}
    config_path.write_text(json.dumps(config))
    (tmp_path / "remote" / "mine.py").write_text("raise SystemExit('remote code ran')")
    with pytest.raises(UserError, match="E202"):
        load_encoder(str(tmp_path / "remote"))


def test_encoder_freezes_embeddings_and_lowest_layers(encoder_folder):
    encoder, _ = load_encoder(encoder_folder)
    freeze_layers(encoder, 1)
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert trained
    assert all(".1." in name for name in trained)


def test_encoder_has_no_more_layers_to_freeze(encoder_folder):
    encoder, _ = load_encoder(encoder_folder)
    with pytest.raises(UserError, match=r"E204.*9.*2"):
        freeze_layers(encoder, 9)


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_encoder_attention_dropout_is_as_set(encoder_folders, rate):
    for folder in encoder_folders.values():
        encoder, _ = load_encoder(folder, rate)
        rates = {
            getattr(encoder.config, name)
            for name in ("attention_probs_dropout_prob", "attention_dropout")
            if hasattr(encoder.config, name)
        }
        assert rates == {rate}
