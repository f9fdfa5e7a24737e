import hashlib
import warnings
from dataclasses import replace

import pytest

from spacy_ner_plus.causal import FinetuneSettings, finetune
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.local import find
from spacy_ner_plus.llm.local.find import find_adapter, find_by_hash, find_model
from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS
from spacy_ner_plus.llm.local.local_model import LocalModel
from spacy_ner_plus.llm.local.server import local_server
from tests.tiny_causal import save_tiny_causal

CONTENT = b"GGUF and more"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's folder, and a known model of a few bytes, which no package has."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(folder))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    known = replace(KNOWN_MODELS["smollm2"], sha256=sha256, module="no_such_package_here")
    monkeypatch.setitem(KNOWN_MODELS, "smollm2", known)
    (folder / "models").mkdir(parents=True)
    return folder / "models" / known.file


def test_find_says_how_a_known_model_is_installed(cache):
    with pytest.raises(UserError, match=r"E873.*spacy-ner-plus llm install smollm2"):
        find_model("smollm2")


def test_find_takes_what_was_installed_and_no_other_file_of_its_name(cache):
    cache.write_bytes(CONTENT)
    assert find_model("smollm2") == cache
    cache.write_bytes(b"GGUF cut")
    with pytest.raises(UserError, match="E874"):
        find_model("smollm2")


def test_find_takes_an_installed_wheel_without_importing_it(cache, tmp_path, monkeypatch):
    package = tmp_path / "site" / "a_model_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError", encoding="utf8")
    (package / cache.name).write_bytes(CONTENT)
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setitem(KNOWN_MODELS, "smollm2", replace(KNOWN_MODELS["smollm2"], module="a_model_package"))
    assert find_model("smollm2") == package / cache.name
    assert find_by_hash(KNOWN_MODELS["smollm2"].sha256) == package / cache.name


def test_find_refuses_what_is_no_model(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"PK..")
    with pytest.raises(UserError, match=r"E871.*isn't a GGUF file"):
        find_model(str(tmp_path / "x.gguf"))
    with pytest.raises(UserError, match=r"E871.*lacks config.json"):
        find_model(str(tmp_path))
    with pytest.raises(UserError, match=r"E872.*'qwen'.*smollm2"):
        find_model("qwen")
    (tmp_path / "adapter_config.json").write_text("{}", encoding="utf8")
    with pytest.raises(UserError, match=r"E871.*it is an adapter"):
        find_model(str(tmp_path))
    with pytest.raises(UserError, match=r"E871.*isn't there"):
        find_adapter(str(tmp_path / "none"), "smollm2")


def test_find_has_nowhere_to_keep_files_where_the_user_wants_none_kept(monkeypatch):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", "off")
    assert find.models_folder() is None
    with pytest.raises(UserError, match=r"E870.*SPACY_NER_PLUS_CACHE"):
        find.kept_models_folder()


def test_find_gives_the_same_weights_the_same_file_whatever_their_folder_is_called(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    folder = save_tiny_causal(tmp_path / "one")
    first = find_model(str(folder))
    content = first.read_bytes()
    folder.rename(tmp_path / "two")
    assert find_model(str(tmp_path / "two")) == first
    first.unlink()
    assert find_model(str(tmp_path / "two")).read_bytes() == content


def test_find_warns_of_an_adapter_that_was_trained_on_other_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    base, other = save_tiny_causal(tmp_path / "base"), save_tiny_causal(tmp_path / "other", seed=1)
    settings = FinetuneSettings(epochs=1, rank=2, precision="fp32")
    chat = [{"role": "user", "content": "Ann met Bob."}, {"role": "assistant", "content": "Ann, Bob"}]
    finetune([chat], base, tmp_path / "tuned", settings)
    with pytest.warns(UserWarning, match=r"W387.*base.*other"):
        find_adapter(str(tmp_path / "tuned"), str(other))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_adapter(str(tmp_path / "tuned"), str(base))
        # The same weights, it may be: a file has another hash.
        find_adapter(str(tmp_path / "tuned"), str(find_model(str(base))))


def test_find_says_where_converted_files_can_t_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "file" / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}")
    with pytest.raises(UserError, match=r"E946.*model.*file/cache.*SPACY_NER_PLUS_CACHE"):
        find_model(str(folder))


@pytest.mark.slow
def test_find_converts_a_folder_and_its_adapter_once(tmp_path, monkeypatch):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    folder, adapter = save_tiny_causal(tmp_path / "base"), tmp_path / "adapter"
    base = AutoModelForCausalLM.from_pretrained(folder)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(adapter)
    first = LocalModel.find(str(folder), {"a": str(adapter)}, threads=1)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "models").iterdir()}
    assert set(files) == {first.path, first.adapters["a"][0]}
    assert local_server(first).runs()
    assert LocalModel.find(str(folder), {"x": str(adapter)}, threads=1).key == first.key
    assert {path: path.stat().st_mtime_ns for path in files} == files
    (adapter / "adapter_config.json").write_text("{}", encoding="utf8")
    with pytest.raises(UserError):
        LocalModel.find(str(folder), {"a": str(adapter)}, threads=1)
