import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from safetensors.torch import load_file

from spacy_ner_plus.causal import DevChats, FinetuneSettings, finetune
from spacy_ner_plus.causal.base import read_base
from spacy_ner_plus.causal.chats import encode_prompt
from spacy_ner_plus.causal.finetune import DEV_TOO_LONG
from spacy_ner_plus.causal.passes import reply_ids
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import adapter_to_gguf, folder_to_gguf
from tests.servers.llama_server import llama_server
from tests.tiny_causal import save_tiny_causal

NAMES = ["Ann", "Bob", "Rome", "Lee", "met", "12", "May", "in", "on", "2024"]
SYSTEM = {"role": "system", "content": "Find the names in the text."}
CHATS = [
    [
        SYSTEM,
        {"role": "user", "content": f"{name} met {other}."},
        {"role": "assistant", "content": json.dumps({"PER": [other, name]})},
    ]
    for name, other in zip(NAMES, reversed(NAMES), strict=True)
]
QUESTIONS = [chat[:-1] for chat in CHATS]
ANSWERS = [chat[-1]["content"] for chat in CHATS]
FEW = {"epochs": 2, "batch_size": 4, "learning_rate": 0.01, "rank": 4, "precision": "fp32"}


def replies(folder):
    """What the model in a folder replies to all questions."""
    import torch

    base = read_base(folder)
    prompts = [encode_prompt(base.tokenizer, question) for question in QUESTIONS]
    with torch.inference_mode():
        ids = reply_ids(base.model.eval(), prompts, max_new_tokens=40, end=base.tokenizer.eos_token_id)
    return [base.tokenizer.decode(each) for each in ids]


def served(file, adapter=None):
    with llama_server(model=file, slots=1, context_length=512, adapters=[adapter] if adapter else ()) as url:
        return [
            httpx.post(
                f"{url}/chat/completions",
                json={"messages": question, "temperature": 0, "max_tokens": 40},
                timeout=60,
            ).json()["choices"][0]["message"]["content"]
            for question in QUESTIONS
        ]


def exact(found):
    return sum(one == other for one, other in zip(found, ANSWERS, strict=True)) / len(ANSWERS)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "method"), [("llama", "lora"), ("smollm", "full"), ("qwen2", "lora")])
def test_finetune_learns_ten_records_by_heart(tmp_path, kind, method):
    base = save_tiny_causal(tmp_path / kind, kind)
    rate = {"llama": 0.02, "qwen2": 0.01, "smollm": 0.004}[kind]
    settings = FinetuneSettings(
        method=method, epochs=100, batch_size=5, learning_rate=rate, rank=16, layer_share=1.0,
        evaluate_every=10, max_new_tokens=40, precision="fp32", patience=0,
    )  # fmt: skip
    done = finetune(
        CHATS, base, tmp_path / "tuned", settings, dev=DevChats(QUESTIONS, exact), merge=method == "lora"
    )
    assert done.state.best[1] == 1
    # Through saving, and for an adapter through merging.
    folder = tmp_path / "tuned" / "merged" if method == "lora" else tmp_path / "tuned"
    assert replies(folder) == ANSWERS
    assert served(folder_to_gguf(folder, tmp_path / "tuned.gguf", dtype="f32")) == ANSWERS
    if method == "lora":
        file = folder_to_gguf(base, tmp_path / "base.gguf", dtype="f32")
        adapter = adapter_to_gguf(tmp_path / "tuned", base, tmp_path / "adapter.gguf")
        assert served(file, adapter) == ANSWERS


@pytest.mark.slow
def test_finetune_of_a_gguf_file_is_that_of_its_folder(tmp_path):
    folder = save_tiny_causal(tmp_path / "smollm")
    file = folder_to_gguf(folder, tmp_path / "base.gguf", dtype="f32")
    settings = FinetuneSettings(**FEW)
    losses = [
        finetune(CHATS, base, tmp_path / f"tuned{i}", settings).state.losses
        for i, base in enumerate((folder, file))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.slow
def test_finetune_says_what_it_did(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    chats = [*CHATS, [*QUESTIONS[0], {"role": "assistant", "content": " "}], [SYSTEM]]
    done = finetune(
        chats,
        base,
        tmp_path / "tuned",
        FinetuneSettings(**FEW),
        files_of=lambda given: {"more.txt": given.sha256},
    )
    assert done.examples == 10
    assert done.state.step == 6
    assert sorted(path.name for path in (tmp_path / "tuned").iterdir()) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja", "more.txt",
        "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "training.json",
    ]  # fmt: skip
    found = json.loads((tmp_path / "tuned" / "training.json").read_text(encoding="utf8"))
    assert found["base"]["name"] == str(base)
    assert len(found["base"]["sha256"]) == 64
    assert list(found["left_out"].values()) == [2]
    assert found["trained_parameters"] < found["parameters"]
    assert "10 examples" in (tmp_path / "tuned" / "README.md").read_text(encoding="utf8")


@pytest.mark.slow
def test_finetune_with_less_memory_learns_the_same(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    losses = [
        finetune(CHATS, base, tmp_path / f"tuned{i}", FinetuneSettings(**FEW, **less)).state.losses
        for i, less in enumerate(({}, {"accumulate": 2}, {"gradient_checkpointing": True}))
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
def test_finetune_gives_the_same_again(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    settings = FinetuneSettings(**FEW, dropout=0.1)
    weights = []
    for i in range(2):
        finetune(CHATS, base, tmp_path / f"tuned{i}", settings)
        weights.append(load_file(tmp_path / f"tuned{i}" / "adapter_model.safetensors"))
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


RUN = """
import sys
from pathlib import Path
from spacy_ner_plus.causal import FinetuneSettings, finetune
from tests.causal.test_finetune import CHATS, FEW
base, output = map(Path, sys.argv[1:])
settings = FinetuneSettings(**{**FEW, "epochs": 12}, dropout=0.1, checkpoint_seconds=0.001)
done = finetune(CHATS, base, output, settings)
print(done.state.step)
"""


@pytest.mark.slow
def test_finetune_goes_on_after_a_kill(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    output = tmp_path / "tuned"
    command = [sys.executable, "-c", RUN, str(base)]
    process = subprocess.Popen([*command, str(output)])
    while not (output / "checkpoint.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (output / "training.json").exists()
    for folder in (output, tmp_path / "other"):
        done = subprocess.run([*command, str(folder)], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == "36"
    one, other = (load_file(folder / "adapter_model.safetensors") for folder in (output, tmp_path / "other"))
    assert all(one[name].equal(other[name]) for name in one)
    assert not (output / "checkpoint.safetensors").exists()


def test_finetune_refuses_the_checkpoint_of_another_run(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")

    def fail(items, description, total=None, /):
        if description.startswith("Epoch 2"):
            raise KeyboardInterrupt
        return items

    with pytest.raises(KeyboardInterrupt):
        finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**FEW), progress=fail)
    with pytest.raises(UserError, match="E907"):
        finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**{**FEW, "seed": 1}))
    finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**{**FEW, "seed": 1}), overwrite=True)
    assert not (tmp_path / "tuned" / "checkpoint.safetensors").exists()


def test_finetune_leaves_a_finished_run_as_it_is(tmp_path):
    """A workflow that was cut after it runs its command again."""
    base = save_tiny_causal(tmp_path / "smollm")
    settings, dev = FinetuneSettings(**FEW), DevChats(QUESTIONS, exact, "share")
    first = finetune(CHATS, base, tmp_path / "tuned", settings, dev=dev)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "tuned").iterdir()}
    again = finetune(CHATS, base, tmp_path / "tuned", settings, dev=dev)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.examples, again.trained, again.total) == (first.examples, first.trained, first.total)
    assert again.state.step == first.state.step
    assert again.state.best == first.state.best
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "tuned").iterdir()} == before


def test_finetune_replaces_a_finished_run_only_where_it_is_told_to(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    output, settings = tmp_path / "tuned", FinetuneSettings(**FEW)
    finetune(CHATS, base, output, settings)
    before = (output / "adapter_model.safetensors").read_bytes()
    with pytest.raises(UserError, match="E941"):
        finetune(CHATS[1:], base, output, settings)
    with pytest.raises(UserError, match="E941"):
        finetune(CHATS, base, output, settings, merge=True)
    with pytest.raises(UserError, match="E941"):
        finetune(CHATS, base, output, settings, files_of=lambda _: {"a.cfg": "other"})
    assert (output / "adapter_model.safetensors").read_bytes() == before
    assert finetune(CHATS[1:], base, output, settings, overwrite=True).is_new
    assert (output / "adapter_model.safetensors").read_bytes() != before
    assert json.loads((output / "training.json").read_text(encoding="utf8"))["examples"] == len(CHATS) - 1


def test_finetune_overwrites_nothing_that_is_no_run(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "training.json").write_text("[]", encoding="utf8")
    with pytest.raises(UserError, match="E535"):
        finetune(CHATS, base, tmp_path / "mine", FinetuneSettings(**FEW), overwrite=True)
    assert (tmp_path / "mine" / "training.json").read_text(encoding="utf8") == "[]"


def test_finetune_refuses_what_cant_be(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    settings = FinetuneSettings(**FEW)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine", encoding="utf8")
    with pytest.raises(UserError, match="E535"):
        finetune(CHATS, base, tmp_path / "full", settings)
    with pytest.raises(UserError, match=r"E902.*no such folder"):
        finetune(CHATS, tmp_path / "nothing", tmp_path / "tuned", settings)
    with pytest.raises(UserError, match=r"E905.*there were none"):
        finetune([], base, tmp_path / "tuned", settings)
    with pytest.raises(UserError, match=r"E905.*more tokens than fit"):
        finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**FEW, max_length=8))
    with pytest.raises(UserError, match=r"E904.*bitsandbytes"):
        finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**{**FEW, "method": "qlora"}))
    with pytest.raises(UserError, match="E900"):
        FinetuneSettings(epochs=0)
    assert not (tmp_path / "tuned").exists()


def test_finetune_asks_no_dev_question_that_is_too_long(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    long = [{"role": "user", "content": "Ann met Bob. " * 200}]
    seen = []

    def score(replies):
        seen.append([reply is None for reply in replies])
        return 0.5

    settings = FinetuneSettings(**{**FEW, "epochs": 1, "max_length": 150, "max_new_tokens": 2})
    done = finetune(
        CHATS, base, tmp_path / "tuned", settings, dev=DevChats([long, QUESTIONS[0]], score, "luck")
    )
    assert seen == [[True, False]]
    assert {kind: issue.count for kind, issue in done.left_out} == {DEV_TOO_LONG: 1}
    assert done.metric == "luck"
    for chats in ([long], []):
        with pytest.raises(UserError, match="E937"):
            finetune(CHATS, base, tmp_path / "other", settings, dev=DevChats(chats, score))


def test_finetune_of_one_record(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    dev = DevChats(QUESTIONS[:1], lambda replies: 0.0)
    done = finetune(CHATS[:1], base, tmp_path / "tuned", FinetuneSettings(**FEW), dev=dev)
    assert (done.examples, done.state.step) == (1, 2)


def test_finetune_needs_a_chat_template(tmp_path):
    base = save_tiny_causal(tmp_path / "smollm")
    (base / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="E903"):
        finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**FEW))
