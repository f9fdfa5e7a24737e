import json

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from spacy_ner_plus.causal import DevChats, FinetuneSettings, finetune
from spacy_ner_plus.causal.checkpoint import NAME
from tests.causal.test_finetune import CHATS, FEW, QUESTIONS
from tests.tiny_causal import TEMPLATE, save_tiny_causal

SETTINGS = {**FEW, "epochs": 3, "checkpoint_seconds": 1e-9, "max_new_tokens": 4, "patience": 0}


def weights_of(folder):
    return load_file(folder / "adapter_model.safetensors")


class Cut:
    """Scores that get better, and a run that is cut while the dev texts of an epoch are answered."""

    def __init__(self, at=0):
        self.at = at
        self.calls = 0

    def __call__(self, replies):
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return len(replies) / 100


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 2, 3])
def test_training_that_was_cut_after_an_epochs_last_step(tmp_path, at):
    base = save_tiny_causal(tmp_path / "base")
    settings = FinetuneSettings(**SETTINGS)
    whole = finetune(CHATS, base, tmp_path / "whole", settings, dev=DevChats(QUESTIONS, Cut()))
    with pytest.raises(KeyboardInterrupt):
        finetune(CHATS, base, tmp_path / "cut", settings, dev=DevChats(QUESTIONS, Cut(at)))
    found = finetune(CHATS, base, tmp_path / "cut", settings, dev=DevChats(QUESTIONS, Cut()))
    assert found.state.losses == pytest.approx(whole.state.losses)
    assert found.state.scores == whole.state.scores
    assert [epoch for epoch, _ in found.state.scores] == [1, 2, 3]
    one, other = weights_of(tmp_path / "whole"), weights_of(tmp_path / "cut")
    assert all(one[name].equal(other[name]) for name in one)


def cut(base, output, **settings):
    """A run of which a checkpoint is left, and its settings."""
    given = FinetuneSettings(**{**SETTINGS, **settings})
    with pytest.raises(KeyboardInterrupt):
        finetune(CHATS, base, output, given, dev=DevChats(QUESTIONS, Cut(1)))
    return given


def test_training_goes_on_where_the_template_writes_the_date(tmp_path):
    base = save_tiny_causal(tmp_path / "base")
    (base / "chat_template.jinja").write_text("{{ strftime_now('%f') }}" + TEMPLATE, encoding="utf8")
    settings = cut(base, tmp_path / "tuned")
    assert finetune(CHATS, base, tmp_path / "tuned", settings, dev=DevChats(QUESTIONS, Cut())).state.step == 9


def test_training_goes_on_wherever_the_base_lies(tmp_path, monkeypatch):
    base = save_tiny_causal(tmp_path / "base")
    settings = cut(base, tmp_path / "tuned")
    base.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert finetune(CHATS, "moved", "tuned", settings, dev=DevChats(QUESTIONS, Cut())).state.step == 9


def test_training_removes_what_a_killed_run_was_writing(tmp_path):
    base = save_tiny_causal(tmp_path / "base")
    settings = cut(base, tmp_path / "tuned")
    (tmp_path / "tuned" / f".{NAME}.12-34.part").write_bytes(b"much")
    (tmp_path / ".tuned.12-34.part").mkdir()
    (tmp_path / ".other.12-34.part").mkdir()
    with pytest.raises(KeyboardInterrupt):
        finetune(CHATS, base, tmp_path / "tuned", settings, dev=DevChats(QUESTIONS, Cut(1)))
    assert [path.name for path in (tmp_path / "tuned").iterdir()] == [NAME]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.12-34.part", "base", "tuned"]


def test_training_goes_on_where_it_was_killed_between_two_folders(tmp_path):
    """The one with the checkpoint was put aside for that with the model, which hadn't its name yet."""
    base = save_tiny_causal(tmp_path / "base")
    settings = cut(base, tmp_path / "tuned")
    (tmp_path / "tuned").rename(tmp_path / ".tuned.12-34.before.part")
    (tmp_path / ".tuned.12-34.part").mkdir()
    totals = []

    def hear(items, description, total=None, /):
        totals.append(total)
        return items

    finetune(CHATS, base, tmp_path / "tuned", settings, dev=DevChats(QUESTIONS, Cut()), progress=hear)
    assert totals[0] == 0  # The steps of the first epoch were done.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "tuned"]


def test_training_goes_on_as_precisely_as_it_began(tmp_path):
    """It is measured, and at another time something else may have kept the CPU busy."""
    base = save_tiny_causal(tmp_path / "base")
    settings = cut(base, tmp_path / "tuned", precision="auto")
    path = tmp_path / "tuned" / NAME
    with safe_open(path, framework="pt") as file:
        state = json.loads(file.metadata()["state"])
    state["precision"] = {"fp32": "bf16", "bf16": "fp32"}[state["precision"]]
    save_file(load_file(path), path, metadata={"state": json.dumps(state)})
    done = finetune(CHATS, base, tmp_path / "tuned", settings, dev=DevChats(QUESTIONS, Cut()))
    assert done.precision == state["precision"]
