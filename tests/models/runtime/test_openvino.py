import subprocess
import sys

import numpy as np
import pytest
import spacy
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.openvino import CompiledTagger
from tests.conftest import make_pipeline, train

pytest.importorskip("openvino")
TEXTS = ["Anna lives in Oslo.", "Bob flew from Paris to Rome.\nThen he slept.", "", "x " * 90]


def load(folder, **settings):
    return spacy.load(folder, config={f"components.transformer_ner.{k}": v for k, v in settings.items()})


def scores_of(nlp) -> list[np.ndarray]:
    docs = [nlp.make_doc(text) for text in TEXTS]
    return nlp.get_pipe("transformer_ner").token_scorer.score(docs).split()


@pytest.mark.parametrize(("precision", "far"), [("fp32", 1e-3), ("bf16", 0.2)])
def test_openvino_runtime_scores_as_torch_does(trained_folder, precision, far):
    expected = scores_of(load(trained_folder, precision="fp32"))
    found = scores_of(load(trained_folder, device="openvino", precision=precision))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=far * max(1.0, np.abs(other).max(initial=0.0)))


def test_openvino_runtime_finds_the_same_entities(trained_folder):
    one, other = load(trained_folder, device="openvino"), load(trained_folder, device="cpu")
    for mine, theirs in zip(one.pipe(TEXTS), other.pipe(TEXTS), strict=True):
        assert [(e.start, e.end, e.label_) for e in mine.ents] == [
            (e.start, e.end, e.label_) for e in theirs.ents
        ]


def test_openvino_runtime_is_silent(trained_folder, caplog):
    load(trained_folder, device="openvino")(TEXTS[0])
    assert not caplog.records


def test_openvino_runtime_works_in_two_processes(trained_folder):
    nlp = load(trained_folder, device="openvino")
    expected = [[ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS)]
    found = [[ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS, n_process=2, batch_size=2)]
    assert found == expected


def test_openvino_runtime_trains_by_torch_and_predicts_what_was_learnt(encoder_folder):
    nlp = make_pipeline(encoder_folder, device="openvino")
    before = scores_of(nlp)[0]
    train(nlp, steps=5)
    after = scores_of(nlp)[0]
    assert np.abs(after - before).max() > 0.01


def test_openvino_runtime_isn_t_saved(trained_folder, tmp_path):
    nlp = load(trained_folder, device="openvino")
    nlp("Anna lives in Oslo.")
    nlp.to_disk(tmp_path / "saved")
    names = {path.name for path in (tmp_path / "saved" / "transformer_ner" / "model").iterdir()}
    assert names == {p.name for p in (trained_folder / "transformer_ner" / "model").iterdir()}


def test_openvino_runtime_missing_is_one_message(trained_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    nlp = load(trained_folder, device="openvino")
    with pytest.raises(UserError, match=r"E540.*spacy-ner-plus\[openvino\]"):
        nlp("Anna")


def test_openvino_runtime_refuses_int8(trained_folder):
    nlp = load(trained_folder, device="openvino", precision="int8")
    with pytest.raises(UserError, match=r"E226.*openvino"):
        nlp("Anna")


class Branching(torch.nn.Module):
    """An encoder whose code takes another path for short inputs, which no trace can hold."""

    class config:
        hidden_size = 4

    def __init__(self):
        super().__init__()
        self.embeddings = torch.nn.Embedding(200, 4)

    def get_input_embeddings(self):
        return self.embeddings

    def forward(self, input_ids, attention_mask):
        hidden = self.embeddings(input_ids)
        return type("Output", (), {"last_hidden_state": hidden if input_ids.shape[1] < 20 else -hidden})


def test_openvino_runtime_refuses_an_encoder_that_it_would_run_wrongly():
    with pytest.raises(UserError, match="E229"):
        CompiledTagger(Tagger(Branching(), n_tags=3), torch.float32)


def test_openvino_runtime_leaves_the_choice_of_cpus_to_the_system(trained_folder):
    """Two processes of one thread each would else share the first CPU."""
    nlp = load(trained_folder, device="openvino")
    nlp("Anna lives in Oslo.")
    compiled = nlp.get_pipe("transformer_ner").token_scorer.tagger.inference_network()._compiled
    assert compiled.get_property("ENABLE_CPU_PINNING") is False


@pytest.mark.slow
def test_openvino_runtime_leaves_ctrl_c_to_python_when_models_are_gone(trained_folder):
    # In a process of its own: where it fails, that process crashes.
    code = f"""
import signal, sys
import spacy
folder = sys.argv[1]
config = {{"components.transformer_ner.device": "openvino"}}
signal.signal(signal.SIGINT, signal.default_int_handler)
one, other = (spacy.load(folder, config=config) for _ in range(2))
for nlp in (one, other):
    nlp({TEXTS[0]!r})
del nlp, one
del other
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(trained_folder)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n")
