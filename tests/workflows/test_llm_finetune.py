import json

import pytest
import spacy
from spacy.tokens import Doc

from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import read_metadata
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.local.local_model import LocalModel
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.workflows.finetuning.lessons import OTHER_LABEL, lessons
from spacy_ner_plus.workflows.llm_finetune import UNSEEN, finetune_llm, write_gguf
from tests.tiny_causal import save_tiny_causal

FEW = {"epochs": 1, "batch_size": 4, "rank": 2, "precision": "fp32", "max_new_tokens": 8}


# How the class that UniversalNER and GoLLIE are of is asked, in short.
TEMPLATE = (
    "{% for message in messages %}{{ 'USER: ' + message['content'] + ' ASSISTANT:' if message['role'] != 'assistant'"
    " else ' ' + message['content'] + eos_token }}{% endfor %}"
)


@pytest.fixture
def docs():
    vocab = spacy.blank("en").vocab
    first = Doc(vocab, words=["Ann", "met", "Bob", "in", "Rome"], ents=["B-PER", "O", "B-PER", "O", "B-LOC"])
    second = Doc(vocab, words=["Nothing", "here"], ents=["O", "O"])
    return [first, second]


def test_finetune_llm_needs_labels_of_the_corpus(tmp_path, docs):
    base = save_tiny_causal(tmp_path / "base")
    with pytest.raises(UserError, match=r"E901.*LOC, PER.*ORG"):
        finetune_llm(docs, tmp_path / "tuned", base=base, labels=["ORG"])
    with pytest.raises(UserError, match="E305"):
        finetune_llm(docs[1:], tmp_path / "tuned", base=base)
    with pytest.raises(UserError, match=r"E506.*'epoch' is no setting"):
        finetune_llm(docs, tmp_path / "tuned", base=base, settings={"epoch": 1})
    assert not (tmp_path / "tuned").exists()


CHAT = [{"role": "user", "content": "Ann met Bob."}, {"role": "assistant", "content": "Ann, Bob"}]


def test_finetune_llm_of_chats_takes_nothing_that_would_change_nothing(tmp_path, docs):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"messages": CHAT}), encoding="utf8")
    for given in ({"labels": ["PER"]}, {"format": "label_lists"}, {"task": "mail"}, {"lang": "de"}):
        with pytest.raises(UserError, match=rf"E938.*`{next(iter(given))}`"):
            finetune_llm(path, tmp_path / "tuned", base="nothing", **given)
    with pytest.raises(UserError, match=r"E937.*Docs.*no \.jsonl"):
        finetune_llm(path, tmp_path / "tuned", base="nothing", dev=docs)
    with pytest.raises(UserError, match=r"E937.*holds chats"):
        finetune_llm(docs, tmp_path / "tuned", base="nothing", dev=path)


def test_finetune_llm_says_which_labels_nothing_is_learnt_of(tmp_path, docs):
    base = save_tiny_causal(tmp_path / "base")
    done = finetune_llm(
        docs, tmp_path / "tuned", base=base, labels=["LOC", "ORG", "DATE"], dev=docs, settings=FEW
    )
    counted = {kind: (issue.count, issue.example) for kind, issue in done.left_out}
    others = OTHER_LABEL.format(label="PER")
    assert counted == {
        UNSEEN: (2, "ORG, DATE"),
        others: (2, "Ann"),
        f"dev {others}": (2, "Ann"),
    }
    noted = json.loads((tmp_path / "tuned" / "training.json").read_text(encoding="utf8"))
    assert noted["left_out"] == {kind: count for kind, (count, _) in counted.items()}
    assert noted["dev_metric"] == "strict F1"


def test_finetune_llm_refuses_a_place_where_it_cant_write(tmp_path, docs):
    (tmp_path / "file").write_text("", encoding="utf8")
    with pytest.raises(UserError, match=r"E303.*is a file"):
        finetune_llm(docs, tmp_path / "file" / "tuned", base="nothing")
    with pytest.raises(UserError, match="E535"):
        finetune_llm(docs, tmp_path / "file", base="nothing")


@pytest.mark.parametrize(
    "labels",
    [["LOC", "PER"], {"LOC": "Places.", "PER": None}, {"LOC": {"examples": ["Rome"]}, "PER": "People."}],
)
def test_finetune_llm_writes_labels_with_all_that_is_said_of_them(tmp_path, docs, labels):
    base = save_tiny_causal(tmp_path / "base")
    finetune_llm(docs, tmp_path / "tuned", base=base, labels=labels, own_instructions=True, settings=FEW)
    nlp = load(tmp_path / "tuned")
    (request,) = nlp.get_pipe("structured_llm_ner").extractor_of(None).requests(docs[0])
    prompter = Prompter(get_format("inline_tags"), load_labels(labels))
    assert list(request.messages) == lessons(prompter, docs, IssueLog())[0][:-1]


def load(folder, **changes):
    """The pipeline that the written config makes."""
    config = spacy.util.load_config(folder / "structured_llm_ner.cfg", overrides=changes)
    return spacy.util.load_model_from_config(config, auto_fill=True)


@pytest.mark.slow
def test_finetune_llm_writes_a_pipeline_that_loads_from_anywhere(tmp_path, docs, monkeypatch):
    save_tiny_causal(tmp_path / "some base")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    settings = {**FEW, "epochs": 1}
    finetune_llm(docs, "my=model", base="some base", settings=settings)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert write_gguf(tmp_path / "my=model", "adapter.gguf").is_file()
    # What it replies means nothing.
    doc = load(tmp_path / "my=model")("Ann met Bob.")
    assert "E8" not in (doc._.ner_failure or "")
    load(tmp_path / "my=model").to_disk("assembled")
    # Taken to another place, with its base.
    for name in ("my=model", "some base"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    changes = {"paths.tuned": "my=model", "paths.base": "some base"}
    assert "E8" not in (
        load(tmp_path / "elsewhere" / "my=model", **changes)("Ann met Bob.")._.ner_failure or ""
    )
    assert "E8" not in (spacy.load("assembled")("Ann met Bob.")._.ner_failure or "")
    with pytest.raises(UserError, match=r"E939.*some base"):
        write_gguf("my=model", "adapter.gguf")
    assert write_gguf("my=model", "adapter.gguf", base="some base").is_file()


@pytest.mark.slow
def test_finetune_llm_with_another_chat_template_is_asked_by_it(tmp_path, docs, monkeypatch):
    """A base with an adapter on it would be asked by its own, or by llama.cpp's."""
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    base = save_tiny_causal(tmp_path / "base")
    (tmp_path / "chat.jinja").write_text(TEMPLATE, encoding="utf8")
    settings = {**FEW, "epochs": 1}
    finetune_llm(
        docs, tmp_path / "tuned", base=base, chat_template=tmp_path / "chat.jinja", settings=settings
    )
    nlp = load(tmp_path / "tuned")
    model = nlp.config.interpolate()["components"]["structured_llm_ner"]["model"]
    local = LocalModel.find(model["local"], model.get("adapters"))
    assert read_metadata(local.path)["tokenizer.chat_template"] == TEMPLATE
    assert not local.adapters


@pytest.mark.parametrize(("ends", "expected"), [("<think>\\n", False), ("", None)])
def test_finetune_llm_lets_a_model_end_its_thoughts(tmp_path, docs, ends, expected):
    base = save_tiny_causal(tmp_path / "base")
    template = base / "chat_template.jinja"
    text = template.read_text(encoding="utf8").replace(
        "{{ '<|im_start|>assistant\\n' }}", f"{{{{ '{ends}' }}}}"
    )
    template.write_text(text, encoding="utf8")
    finetune_llm(docs, tmp_path / "tuned", base=base, settings=FEW)
    model = load(tmp_path / "tuned").config["components"]["structured_llm_ner"]["model"]
    assert model.get("text_grammar") is expected


@pytest.mark.slow
def test_finetune_llm_writes_a_pipeline_that_asks_as_it_has_learnt(tmp_path, docs):
    base = save_tiny_causal(tmp_path / "base")
    save_docs(docs, tmp_path / "train.spacy")
    done = finetune_llm(
        tmp_path / "train.spacy", tmp_path / "tuned", base=base, dev=docs, format="label_lists", settings=FEW
    )
    assert done.examples == 2
    found = json.loads((tmp_path / "tuned" / "training.json").read_text(encoding="utf8"))
    assert (found["format"], found["labels"]) == ("label_lists", "LOC, PER")
    nlp = load(tmp_path / "tuned")
    pipe = nlp.get_pipe("structured_llm_ner")
    (request,) = pipe.extractor_of(None).requests(docs[0])
    template = (tmp_path / "tuned" / "template.jinja").read_text(encoding="utf8")
    prompter = Prompter(get_format("label_lists"), load_labels(["LOC", "PER"]), template=template)
    assert list(request.messages) == lessons(prompter, docs, IssueLog())[0][:-1]


def test_gguf_of_an_adapter_whose_base_is_in_the_cache_of_the_hub(tmp_path, docs, monkeypatch):
    from huggingface_hub import constants

    base = save_tiny_causal(tmp_path / "base")
    finetune_llm(docs, tmp_path / "tuned", base=base, settings=FEW)
    path = tmp_path / "tuned" / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**config, "base_model_name_or_path": "someone/tiny"}), encoding="utf8")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(UserError, match=r"E939.*someone/tiny"):
        write_gguf(tmp_path / "tuned", tmp_path / "adapter.gguf")
    folder = tmp_path / "hub" / "models--someone--tiny"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("a" * 40, encoding="utf8")
    (folder / "snapshots").mkdir()
    base.rename(folder / "snapshots" / ("a" * 40))
    assert write_gguf(tmp_path / "tuned", tmp_path / "adapter.gguf").is_file()
    path.write_text(json.dumps({**config, "base_model_name_or_path": None}), encoding="utf8")
    with pytest.raises(UserError, match=r"E939.*doesn't name"):
        write_gguf(tmp_path / "tuned", tmp_path / "adapter.gguf")


@pytest.mark.slow
def test_finetune_llm_of_chats_and_gguf(tmp_path):
    base = save_tiny_causal(tmp_path / "base")
    messages = [{"role": "user", "content": "Ann met Bob."}, {"role": "assistant", "content": "Ann, Bob"}]
    rows = [json.dumps({"messages": messages})] * 3
    (tmp_path / "train.jsonl").write_text("\n".join(rows), encoding="utf8")
    done = finetune_llm(
        tmp_path / "train.jsonl",
        tmp_path / "tuned",
        base=base,
        dev=tmp_path / "train.jsonl",
        merge=True,
        settings=FEW,
    )
    assert done.examples == 3
    assert [epoch for epoch, _ in done.state.scores] == [1]
    assert write_gguf(tmp_path / "tuned", tmp_path / "adapter.gguf").is_file()
    assert write_gguf(tmp_path / "tuned" / "merged", tmp_path / "model.gguf", dtype="q8_0").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["per_type", "guidelines"])
def test_finetune_llm_of_the_class_of_llama_2(tmp_path, docs, name):
    base = save_tiny_causal(tmp_path / "base", "llama", tokens="sentencepiece")
    (tmp_path / "chat.jinja").write_text(TEMPLATE, encoding="utf8")
    done = finetune_llm(
        docs, tmp_path / "tuned", base=base, format=name, chat_template=tmp_path / "chat.jinja", settings=FEW
    )
    assert done.examples == (4 if name == "per_type" else 2)
    assert write_gguf(tmp_path / "tuned", tmp_path / "adapter.gguf").is_file()
