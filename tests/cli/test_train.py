import signal
import subprocess
import sys
import time

import pytest
from spacy.tokens import DocBin

from tests.conftest import ROOT, make_docs

CONFIG = ROOT / "configs" / "transformer_ner.cfg"


@pytest.fixture
def arguments(nlp, tmp_path, encoder_folder):
    """Of a training of two steps."""
    DocBin(docs=make_docs(nlp.vocab)).to_disk(tmp_path / "corpus.spacy")
    settings = {
        "paths.train": tmp_path / "corpus.spacy",
        "paths.dev": tmp_path / "corpus.spacy",
        "paths.encoder": encoder_folder,
        "vars.device": "cpu",
        "vars.min_steps": 0,
        "vars.epochs": 2,
        "components.transformer_ner.model.window": 30,
        "components.transformer_ner.model.overlap": 10,
        "components.transformer_ner.model.lead": 6,
    }
    options = [text for key, value in settings.items() for text in (f"--{key}", str(value))]
    return ["train", str(CONFIG), str(tmp_path / "out"), *options]


def start(arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "spacy_ner_plus", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(arguments):
    process = start(arguments)
    out, err = process.communicate()
    return process.returncode, out, err


def test_train_command_refuses_options_that_are_neither_its_own_nor_settings(arguments):
    code, _, err = run([*arguments, "--calibrat"])
    assert code == 2
    assert "--calibrat" in err


@pytest.mark.slow
def test_train_command_that_is_ended_leaves_the_model(arguments, tmp_path):
    code, out, err = run(arguments)
    assert code == 0, err
    assert "ENTS_F" in out
    assert f"Trained: {tmp_path / 'out' / 'model-best'}" in err
    before = (tmp_path / "out" / "training.json").read_bytes()
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start([*arguments, "--vars.epochs", "100000"])
        while process.poll() is None and not list(tmp_path.glob(".out.*.part/model-last/meta.json")):
            time.sleep(0.1)
        process.send_signal(number)
        _, err = process.communicate()
        assert process.returncode == 130
        assert f"The model in '{tmp_path / 'out'}' is as it was." in err
        assert "Traceback" not in err
        assert (tmp_path / "out" / "training.json").read_bytes() == before
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    code, out, err = run(arguments)
    assert code == 0
    assert f"Already trained: {tmp_path / 'out' / 'model-best'}" in err
    assert "ENTS_F" not in out
