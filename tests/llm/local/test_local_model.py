from pathlib import Path

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.local.local_model import CONTEXT_LENGTH, LocalModel, slots_of


def model(tiny_gguf, adapters=None, **given) -> LocalModel:
    return LocalModel.find(tiny_gguf, adapters, **given)


def test_local_model_is_known_by_its_content(tiny_gguf, tiny_adapters, tmp_path):
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(Path(tiny_gguf).read_bytes())
    renamed = {"x": tiny_adapters["b"], "y": tiny_adapters["a"]}
    one, other = model(tiny_gguf, tiny_adapters), model(str(copy), renamed)
    assert one.key == other.key != model(tiny_gguf).key
    assert one.identity("a") == other.identity("y") != other.identity("x")
    assert one.identity("") == model(tiny_gguf, threads=7).identity("") == (f"local:{one.sha256}", "")


def test_local_model_names_every_adapter_in_each_request(tiny_gguf, tiny_adapters):
    given = model(tiny_gguf, tiny_adapters)
    fields = {name: given.fields(name) for name in ("", "a", "b")}
    scales = {name: [each["scale"] for each in found["lora"]] for name, found in fields.items()}
    assert scales[""] == [0, 0]
    assert {tuple(scales["a"]), tuple(scales["b"])} == {(1, 0), (0, 1)}
    # A slot keeps the prompts of one of them.
    assert {found["id_slot"] for found in fields.values()} == {0, 1, 2}
    assert given.slots == 3
    assert model(tiny_gguf).fields("") == {}


def test_local_model_takes_what_the_process_may_use(tiny_gguf, monkeypatch):
    monkeypatch.setattr("spacy_ner_plus.llm.local.local_model.usable_cpus", lambda: 6)
    given = model(tiny_gguf)
    assert (given.threads, given.slots, given.context_length) == (6, 3, CONTEXT_LENGTH)
    assert [slots_of(threads) for threads in (1, 2, 4, 64)] == [1, 1, 2, 4]
    # No longer than it was trained with.
    assert model(tiny_gguf, context_length=10**6).context_length == 65_536


def test_local_model_refuses_what_is_no_adapter_and_no_whole_model(tiny_gguf, tiny_adapters, tmp_path):
    from gguf import GGUFWriter

    with pytest.raises(UserError, match=r"E871.*tiny\.gguf.*model, and not adapter"):
        model(tiny_gguf, {"a": tiny_gguf})
    with pytest.raises(UserError, match=r"E871.*a\.gguf.*adapter, and not model"):
        model(tiny_adapters["a"])
    path = tmp_path / "large-00001-of-00002.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_uint16("split.count", 2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(UserError, match=r"E871.*one of the 2 files.*--merge"):
        model(str(path))
