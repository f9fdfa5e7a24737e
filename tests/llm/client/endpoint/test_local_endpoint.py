"""A model on this machine, asked as one on a server is."""

from pathlib import Path

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.endpoint.local_endpoint import with_patience
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.local.server import LocalServer
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest
from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_for, open_model

TEXTS = [f"Anna met Peter and Maria in {place}." for place in ("Oslo", "Berlin", "Paris")]


def reply_of(model: ChatModel, text: str) -> ChatReply:
    return model.submit(ask_for(text), lambda reply: reply).result(timeout=60).value


def contents(model: ChatModel) -> list[str]:
    return [reply_of(model, text).content for text in TEXTS]


def test_local_endpoint_adapters_and_base_interleaved_reply_as_each_alone(tiny_gguf, tiny_adapters):
    """llama.cpp applies every adapter that a request doesn't name, and reads prompts again that another has read."""
    names = ["", "a", "b"]

    def open_one(name: str) -> ChatModel:
        return open_model(local=tiny_gguf, adapters=tiny_adapters, name=name, threads=1, max_tokens=60)

    alone = {}
    for name in names:
        with open_one(name) as model:
            alone[name] = contents(model)
    with open_model(local=tiny_gguf, threads=1, max_tokens=60) as model:
        assert contents(model) == alone[""]
    assert len({tuple(found) for found in alone.values()}) == 3
    models = {name: open_one(name) for name in names}
    futures = [
        (name, i, models[name].submit(ask_for(text), lambda reply: reply.content))
        for _ in range(2)
        for i, text in enumerate(TEXTS)
        for name in names
    ]
    for name, i, future in futures:
        assert future.result(timeout=60).value == alone[name][i]
    for model in models.values():
        model.close()


def test_local_endpoint_is_kept_by_its_content_in_a_store(tiny_gguf, tiny_adapters, tmp_path):
    store, copy = tmp_path / "s.sqlite", tmp_path / "elsewhere.gguf"
    copy.write_bytes(Path(tiny_gguf).read_bytes())
    given = {"store": str(store), "max_tokens": 60}
    with open_model(local=tiny_gguf, threads=1, **given) as model:
        first = reply_of(model, TEXTS[0])
        assert model.usage.probes == 0
        assert model.usage.cost == 0
    with open_model(local=str(copy), threads=2, adapters={"x": tiny_adapters["a"]}, **given) as model:
        assert reply_of(model, TEXTS[0]).content == first.content
        assert model.usage.stored == 1
    with open_model(local=str(copy), threads=2, adapters=tiny_adapters, name="a", **given) as model:
        reply_of(model, TEXTS[0])
        assert model.usage.stored == 0
    with Store(store) as opened:
        kept = [
            (each.request["base_url"].partition(":")[0], len(each.request["model"]))
            for each in opened.replies()
        ]
    assert sorted(kept) == [("local", 0), ("local", 64)]


def test_local_endpoint_starts_again_where_its_server_is_gone(tiny_gguf, monkeypatch):
    with open_model(local=tiny_gguf, threads=1, max_tokens=60) as model:
        first = reply_of(model, TEXTS[0])
        gone = model._client()._endpoint._server
        monkeypatch.setattr(LocalServer, "runs", lambda self: self is not gone)
        assert reply_of(model, TEXTS[0]).content == first.content
        assert model._client()._endpoint._server is not gone


def test_local_endpoint_keeps_replies_of_a_file_that_was_changed_as_those_of_what_it_is(
    tiny_gguf, tmp_path, monkeypatch
):
    path, store = tmp_path / "model.gguf", tmp_path / "s.sqlite"
    path.write_bytes(Path(tiny_gguf).read_bytes())
    with open_model(local=str(path), threads=1, max_tokens=60, store=str(store)) as model:
        reply_of(model, TEXTS[0])
        path.unlink()
        path.write_bytes(Path(tiny_gguf).read_bytes() + bytes(64))
        reply_of(model, TEXTS[1])  # by the server that runs, of what it was
        gone = model._client()._endpoint._server
        with monkeypatch.context() as patched:
            patched.setattr(LocalServer, "runs", lambda self: self is not gone)
            with pytest.raises(UserError, match=r"E947.*model\.gguf.*Load the pipeline again"):
                reply_of(model, TEXTS[2])
        model.close()
        reply_of(model, TEXTS[2])
    with Store(store) as opened:
        kept = [each.request["base_url"] for each in opened.replies()]
    assert [kept.count(each) for each in dict.fromkeys(kept)] == [2, 1]


def test_local_endpoint_has_time_for_replies_unless_it_is_set(tiny_gguf):
    given = with_patience(ChatSettings(local=tiny_gguf, timeout=7.0))
    assert (given.timeout, given.deadline) == (7.0, 3600.0)


def test_local_endpoint_holds_free_text_to_a_grammar(tiny_gguf):
    request = ChatRequest([{"role": "user", "content": "Say yes."}], grammar='root ::= "Oslo" | "Rome"')
    with open_model(local=tiny_gguf, threads=1, max_tokens=60) as model:
        reply = model.submit(request, lambda reply: reply).result(timeout=60).value
    assert (reply.content in ("Oslo", "Rome"), reply.mode) == (True, "grammar")


def test_local_endpoint_says_what_is_missing_when_it_is_first_asked(tmp_path):
    model = open_model(local=str(tmp_path / "none.gguf"))
    with pytest.raises(UserError, match=r"E872.*none\.gguf"):
        reply_of(model, TEXTS[0])
