import io
import json
from pathlib import Path

import pytest
import spacy
from spacy.cli.train import train as spacy_train
from spacy.tokens import DocBin

import spacy_ner_plus
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.train import train
from spacy_ner_plus.workflows.training.origin import hash_path
from tests.conftest import ROOT, make_docs

CONFIG = ROOT / "configs" / "transformer_ner.cfg"
# A logger that does what its setting says at the second evaluation.
CODE = """
import errno
import spacy

def failing(kind):
    def setup(nlp, stdout, stderr):
        def log(info):
            if info and info["step"]:
                raise {"cut": KeyboardInterrupt(), "disk": OSError(errno.ENOSPC, "No space left on device"),
                       "bug": RuntimeError("a bug")}[kind]
        return log, lambda: None
    return setup

spacy.registry.loggers("tests.failing.v1", func=failing)
"""


@pytest.fixture
def settings(nlp, tmp_path, encoder_folder):
    """Overrides that train a tiny encoder for two steps."""
    docs = make_docs(nlp.vocab)
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    DocBin(docs=docs[:3]).to_disk(tmp_path / "dev.spacy")
    sizes = {"window": 30, "overlap": 10, "lead": 6}
    return {
        "paths.train": str(tmp_path / "train.spacy"),
        "paths.dev": str(tmp_path / "dev.spacy"),
        "paths.encoder": encoder_folder,
        "vars.device": "cpu",
        "vars.epochs": 2,
        "vars.min_steps": 0,
        **{f"components.transformer_ner.model.{name}": size for name, size in sizes.items()},
    }


@pytest.fixture
def trained(settings, tmp_path):
    train(CONFIG, tmp_path / "out", overrides=settings)
    return tmp_path / "out"


def test_train_gives_what_spacy_train_gives(settings, trained, tmp_path):
    log = {"paths.log": str(trained / "log.jsonl")}
    spacy_train(CONFIG, tmp_path / "spacys", overrides={**settings, **log})
    for model in ("model-best", "model-last"):
        ours, theirs = trained / model, tmp_path / "spacys" / model
        for name in ("transformer_ner", "config.cfg", "tokenizer"):
            assert hash_path(ours / name) == hash_path(theirs / name)
        assert json.loads((ours / "meta.json").read_text())["labels"]["transformer_ner"] == [
            "LOC",
            "ORG",
            "PER",
        ]
    assert {path.name for path in trained.iterdir()} == {
        "model-best", "model-last", "log.jsonl", "training.json",
    }  # fmt: skip
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_train_leaves_a_model_of_the_same_origin(settings, trained):
    before = hash_path(trained)
    training = train(CONFIG, trained, overrides=settings)
    assert (training.trained, training.model, training.notes) == (False, trained / "model-best", [])
    assert hash_path(trained) == before
    assert train(CONFIG, trained, overrides=settings, force=True).trained


def test_train_says_what_of_a_model_that_is_left_is_another(settings, trained):
    origin = json.loads((trained / "training.json").read_text())
    origin["versions"]["spacy"] = "3.8.0"
    (trained / "training.json").write_text(json.dumps(origin))
    (trained / "model-best" / "README.md").write_text("a card")
    notes = train(CONFIG, trained, overrides=settings).notes
    assert notes == [
        f"It was trained by other versions: spacy 3.8.0, now {spacy.__version__}.",
        "Its files have changed since.",
    ]


def test_train_trains_again_what_has_another_origin(nlp, settings, trained):
    DocBin(docs=make_docs(nlp.vocab)[:5]).to_disk(settings["paths.train"])
    out = io.StringIO()
    training = train(CONFIG, trained, overrides={**settings, "training.dropout": 0.2}, stdout=out)
    assert training.trained
    assert training.changes == [
        "training.dropout is 0.2, not 0.1",
        f"'{settings['paths.train']}' has changed",
    ]
    assert "Training again: training.dropout is 0.2" in out.getvalue()
    # spaCy's table names the target, not the folder beside it.
    assert str(trained / "model-last") in out.getvalue()
    assert ".part" not in out.getvalue()


def test_train_trains_where_the_model_is_gone(settings, trained):
    (trained / "model-best" / "config.cfg").unlink()
    assert train(CONFIG, trained, overrides=settings).trained


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("cut", KeyboardInterrupt, None),
        ("disk", UserError, "E550.*No space left on device"),
        ("bug", RuntimeError, "a bug"),
    ],
)
def test_train_that_is_cut_leaves_the_model_that_was_there(settings, trained, tmp_path, kind, error, message):
    (tmp_path / "code.py").write_text(CODE)
    logger = {"@loggers": "tests.failing.v1", "kind": kind}
    config = spacy.util.load_config(CONFIG, interpolate=False)
    config["training"]["logger"] = logger
    config.to_disk(tmp_path / "failing.cfg")
    before = hash_path(tmp_path)
    with pytest.raises(error, match=message):
        train(tmp_path / "failing.cfg", trained, overrides=settings, code=tmp_path / "code.py")
    assert hash_path(tmp_path) == before
    assert train(CONFIG, trained, overrides=settings).trained is False


def test_train_calibrates_before_the_model_takes_its_place(nlp, settings, tmp_path):
    DocBin(docs=make_docs(nlp.vocab) * 20).to_disk(settings["paths.dev"])
    training = train(CONFIG, tmp_path / "out", overrides=settings, calibrated=True)
    temperature = spacy.load(training.model).get_pipe("transformer_ner").cfg["temperature"]
    assert training.calibrated.reason == ""
    assert temperature == pytest.approx(training.calibrated.temperature)
    assert "<svg" in (tmp_path / "out" / "reliability.svg").read_text()
    assert not train(CONFIG, tmp_path / "out", overrides=settings, calibrated=True).trained


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"paths.train": "nowhere.spacy"}, r"E214.*nowhere\.spacy"),
        ({"paths.dev": "nowhere.spacy"}, r"E550.*nowhere\.spacy"),
        ({"training.epoch": 3}, r"E553.*training\.epoch'.*training\."),
        ({"vars.epoch": 3}, r"E553.*'vars\.epoch'.*'vars\.epochs'"),
        ({"components.transformer_ner.factory": "nothing"}, "E550.*nothing"),
        ({"paths.encoder": "no/such/folder"}, "no/such/folder"),
    ],
)
def test_train_refuses_what_cannot_be_trained_on(settings, tmp_path, overrides, message):
    with pytest.raises(UserError, match=message):
        train(CONFIG, tmp_path / "out", overrides={**settings, **overrides})
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_train_refuses_a_file_as_folder_and_calibration_without_a_corpus(settings, tmp_path):
    with pytest.raises(UserError, match=r"E303.*train\.spacy.*file"):
        train(CONFIG, settings["paths.train"], overrides=settings)
    with pytest.raises(UserError, match=r"E552.*transformer_ner\.cfg"):
        train(CONFIG, tmp_path / "out", overrides={**settings, "paths.dev": None}, calibrated=True)


def test_train_is_there_from_python():
    assert spacy_ner_plus.train is train
    assert Path(CONFIG).exists()
