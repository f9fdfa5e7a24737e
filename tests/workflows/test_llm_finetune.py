import json

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.formats import FORMATS, get_format
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.workflows.llm_finetune import (
    OTHER_LABEL,
    PARTLY,
    dev_lessons,
    finetune_llm,
    lessons,
    read_chats,
    write_gguf,
)
from tests.tiny_causal import save_tiny_causal

FEW = {"epochs": 1, "batch_size": 4, "rank": 2, "precision": "fp32", "max_new_tokens": 8}


@pytest.fixture
def docs():
    vocab = spacy.blank("en").vocab
    first = Doc(vocab, words=["Ann", "met", "Bob", "in", "Rome"], ents=["B-PER", "O", "B-PER", "O", "B-LOC"])
    second = Doc(vocab, words=["Nothing", "here"], ents=["O", "O"])
    return [first, second]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_lessons_of_all_formats_are_read_as_they_were_written(docs, name):
    prompter = Prompter(get_format(name), load_labels(["LOC", "PER"]))
    left_out = IssueLog()
    chats = lessons(prompter, docs, left_out)
    dev = dev_lessons(prompter, docs)
    assert dev.chats == [chat[:-1] for chat in chats]
    assert dev.score([chat[-1]["content"] for chat in chats]) == 1
    assert dev.score(["?" * 400 for _ in chats]) == 0
    assert not len(left_out)
    # What a run asks first.
    for doc, start in zip(docs, (0, len(chats) // 2), strict=True):
        requests = prompter.requests(doc.text)
        assert requests[0].messages == chats[start][:-1]


def test_lessons_leave_out_what_isnt_known(docs):
    docs[1].set_ents([Span(docs[1], 0, 1, label="MISC")], default="missing")
    left_out = IssueLog()
    chats = lessons(Prompter(get_format("label_lists"), load_labels(["PER"])), docs, left_out)
    assert json.loads(chats[0][-1]["content"]) == {"PER": ["Ann", "Bob"]}
    assert {kind: issue.count for kind, issue in left_out} == {OTHER_LABEL: 1, PARTLY: 1}


def test_finetune_llm_needs_labels_of_the_corpus(tmp_path, docs):
    base = save_tiny_causal(tmp_path / "base")
    with pytest.raises(UserError, match=r"E901.*LOC, PER.*ORG"):
        finetune_llm(docs, tmp_path / "tuned", base=base, labels=["ORG"])
    with pytest.raises(UserError, match="E305"):
        finetune_llm(docs[1:], tmp_path / "tuned", base=base)
    with pytest.raises(UserError, match=r"E506.*'epoch' is no setting"):
        finetune_llm(docs, tmp_path / "tuned", base=base, settings={"epoch": 1})
    assert not (tmp_path / "tuned").exists()


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
    config = spacy.util.load_config(tmp_path / "tuned" / "structured_llm_ner.cfg")
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    pipe = nlp.get_pipe("structured_llm_ner")
    (request,) = pipe.extractor_of(None).requests(docs[0])
    template = (tmp_path / "tuned" / "template.jinja").read_text(encoding="utf8")
    prompter = Prompter(get_format("label_lists"), load_labels(["LOC", "PER"]), template=template)
    assert list(request.messages) == lessons(prompter, docs, IssueLog())[0][:-1]


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


def test_chats_of_another_form_are_refused(tmp_path):
    path = tmp_path / "train.jsonl"
    for line in ("{}", "[]", '{"messages": [{"role": "user"}]}', "no JSON"):
        path.write_text(f'{{"messages": []}}\n{line}\n', encoding="utf8")
        with pytest.raises(UserError, match=r"E891.*line 2"):
            read_chats(path)
    with pytest.raises(UserError, match="E101"):
        read_chats(tmp_path / "nothing.jsonl")


# How the class that UniversalNER and GoLLIE are of is asked, in short.
TEMPLATE = (
    "{% for message in messages %}{{ 'USER: ' + message['content'] + ' ASSISTANT:' if message['role'] != 'assistant'"
    " else ' ' + message['content'] + eos_token }}{% endfor %}"
)


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
