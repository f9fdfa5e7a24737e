import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from spacy_ner_plus.causal import FinetuneSettings, finetune
from spacy_ner_plus.causal.base import read_base
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import folder_to_gguf
from tests.causal.test_finetune import CHATS, FEW
from tests.tiny_causal import save_tiny_causal, tiny_model, tiny_tokenizer


@pytest.fixture
def base(tmp_path):
    return save_tiny_causal(tmp_path / "base")


def change(path, **values):
    found = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**found, **values}), encoding="utf8")


def without_a_weight(folder):
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights["model.layers.1.self_attn.q_proj.weight"]
    save_file(weights, path, metadata={"format": "pt"})


def cut_short(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5_000])


def of_no_tokenizer(folder):
    (folder / "tokenizer.json").write_text("{}", encoding="utf8")


def of_another_size(folder):
    change(folder / "config.json", vocab_size=500)


def of_another_class_of_tokenizers(folder):
    # As transformers 5 writes it, and 4 can't read it.
    change(folder / "tokenizer_config.json", extra_special_tokens=["<|more|>"])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (without_a_weight, r"lacks 1 of its weights, such as model\.layers\.1\.self_attn\.q_proj\.weight"),
        (cut_short, "deserializing"),
        (of_no_tokenizer, "tokenizer can't be read"),
        (of_another_size, "size mismatch"),
        (of_another_class_of_tokenizers, "tokenizer can't be read"),
    ],
)
def test_base_that_is_broken_is_refused(base, broken, reason):
    broken(base)
    with pytest.raises(UserError, match=f"E902.*{reason}"):
        read_base(base)


def test_base_that_lacks_weights_in_a_gguf_file_is_refused(tmp_path, base):
    change(base / "config.json", num_hidden_layers=1)
    file = folder_to_gguf(base, tmp_path / "model.gguf", dtype="f32")
    data = file.read_bytes()
    # It says that there are as many layers as it has.
    assert read_base(file).model.config.num_hidden_layers == 1
    # The last tensor gets the name of one that is there.
    file.write_bytes(data.replace(b"blk.0.attn_q.weight", b"blk.9.attn_q.weight"))
    with pytest.raises(UserError, match=r"E902.*lacks 1 of its weights"):
        read_base(file)


def test_base_whose_tokenizer_knows_more_than_its_model(tmp_path, base):
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["2024"])
    tokenizer.save_pretrained(base)
    with pytest.raises(UserError, match=r"E902.*'2024'"):
        finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**FEW))
    # What no chat has is no matter, such as a token for padding.
    assert finetune(CHATS[1:3], base, tmp_path / "tuned", FinetuneSettings(**FEW)).examples == 2


def test_base_of_a_class_that_cant_be_trained_here(tmp_path):
    import transformers

    tokenizer = tiny_tokenizer()
    config = transformers.BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=1, n_head=2)
    transformers.BloomForCausalLM(config).save_pretrained(tmp_path / "bloom")
    tokenizer.save_pretrained(tmp_path / "bloom")
    with pytest.raises(UserError, match=r"E902.*BloomForCausalLM, can't be fine-tuned"):
        read_base(tmp_path / "bloom")


CLASSES = {
    "GPT2LMHeadModel": {"n_embd": 32, "n_layer": 2, "n_head": 2},
    "Gemma3ForCausalLM": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 16,
                          "intermediate_size": 32, "num_key_value_heads": 1},
    "GPTNeoXForCausalLM": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                           "intermediate_size": 32},
    "Phi3ForCausalLM": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "pad_token_id": 0,
                        "intermediate_size": 32, "num_key_value_heads": 1},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CLASSES))
def test_base_of_other_classes(tmp_path, name):
    """They keep keys and values in another way, or have other layers."""
    import transformers

    tokenizer = tiny_tokenizer()
    cls = getattr(transformers, name)
    sizes = {"vocab_size": len(tokenizer), "bos_token_id": 1, "eos_token_id": 2, **CLASSES[name]}
    cls(cls.config_class(**sizes)).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    settings = FinetuneSettings(**{**FEW, "epochs": 8, "learning_rate": 0.02})
    losses = finetune(CHATS, tmp_path / "base", tmp_path / "tuned", settings).state.losses
    assert losses[-1] < losses[0]


def test_base_in_the_cache_of_the_hub(tmp_path, base, monkeypatch):
    from huggingface_hub import constants

    folder = tmp_path / "hub" / "models--someone--tiny"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("a" * 40, encoding="utf8")
    shutil.copytree(base, folder / "snapshots" / ("a" * 40))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("transformers.utils.hub.TRANSFORMERS_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    found = read_base("someone/tiny")
    assert found.name == "someone/tiny"
    assert found.sha256 == read_base(base).sha256 != ""
    assert (found.path / "config.json").is_file()


def test_base_of_several_files(tmp_path):
    folder = tmp_path / "shards"
    tokenizer = tiny_tokenizer()
    tiny_model("smollm", tokenizer).save_pretrained(folder, max_shard_size="100KB")
    tokenizer.save_pretrained(folder)
    assert len(list(folder.glob("*.safetensors"))) > 1
    first = read_base(folder).sha256
    path = min(folder.glob("*.safetensors"))
    weights = load_file(path)
    save_file({name: weight + 1 for name, weight in weights.items()}, path, metadata={"format": "pt"})
    assert read_base(folder).sha256 != first
