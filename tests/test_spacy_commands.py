"""spaCy's own commands on our configs and on what they train: docs/spacy_commands.md, cell by cell."""

import json
import re
import shlex
from pathlib import Path

import pytest
import spacy
from spacy.cli import app
from spacy.tokens import DocBin
from spacy.util import load_config
from thinc.api import fix_random_seed
from typer.testing import CliRunner

from tests.conftest import ROOT, make_docs, make_examples
from tests.servers.fault_server import FaultServer

PAGE = (ROOT / "docs" / "spacy_commands.md").read_text(encoding="utf8")
HEADER, *ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]
# (command, config, what the table says)
CELLS = [
    (row[0].strip("`"), config, cell.split(" (")[0])
    for row in ROWS
    if row[0].startswith("`")
    for configs, cell in zip(HEADER[1:], row[1:], strict=True)
    for config in configs.split(", ")
]


def named(command: str) -> str:
    """The command alone: `debug data` of `debug data CONFIG --paths.train TRAIN`."""
    return re.match(r"[a-z -]+(?= )", command)[0]


# What a test needs beside the command: less work, and encoders that are there.
MORE = {
    "benchmark speed": ["--batches", "30", "--warmup", "0", "--batch-size", "1"],
    "find-threshold": ["--n_trials", "2"],
    "package": ["--build", "none"],
}


def spacy_command(*args):
    result = CliRunner().invoke(app, [str(arg) for arg in args], prog_name="spacy")
    return result.exit_code, result.output


def test_spacy_commands_table_has_all_configs_and_commands():
    assert {config for _, config, _ in CELLS} == {path.stem for path in (ROOT / "configs").glob("*.cfg")}
    assert {cell for _, _, cell in CELLS} == {"runs", "filled", "no"}
    assert set(MORE) <= {named(command) for command, _, _ in CELLS}
    # Every note that a cell refers to is there.
    assert set(re.findall(r" \((\d)\) \|", PAGE)) == set(re.findall(r"^(\d)\. ", PAGE, flags=re.M))


@pytest.fixture(scope="session")
def chat_model():
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="session")
def trains(tmp_path_factory):
    """A corpus of so many documents that `debug data` doesn't call it a mistake."""
    path = tmp_path_factory.mktemp("trains") / "train.spacy"
    DocBin(docs=make_docs(spacy.blank("en").vocab) * 20).to_disk(path)
    return path


@pytest.fixture
def llm_overrides(chat_model):
    return {"vars.llm_url": chat_model.url, "vars.llm_model": "m"}


@pytest.fixture
def pipeline(trained_by, llm_overrides, tmp_path):
    """Gives what a config makes."""

    def pipeline_of(config: Path) -> Path:
        if config.stem != "structured_llm_ner":
            return trained_by(config) / "model-best"
        overrides = [word for name, value in llm_overrides.items() for word in (f"--{name}", value)]
        store = ["--paths.store", tmp_path / "store.sqlite"]
        assert spacy_command("assemble", config, tmp_path / "llm", *overrides, *store)[0] == 0
        return tmp_path / "llm"

    return pipeline_of


@pytest.mark.parametrize(("command", "name", "says"), CELLS, ids=[f"{n}-{named(c)}" for c, n, _ in CELLS])
def test_spacy_commands_do_what_the_table_says(
    command, name, says, pipeline, trains, small_corpus, train_overrides, llm_overrides, tmp_path, monkeypatch
):
    if name in ("stock_ner", "shared_encoder"):
        pytest.importorskip("spacy_transformers")
    # `debug profile` writes where it runs.
    monkeypatch.chdir(tmp_path)
    config = ROOT / "configs" / f"{name}.cfg"
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": "Anna Berg lives in Oslo."}) + "\n")
    (tmp_path / "packages").mkdir()
    places = {
        "CONFIG": config,
        "FILLED": tmp_path / "filled.cfg",
        "NAME": load_config(config)["nlp"]["pipeline"][-1],
        "TRAIN": trains,
        "DEV": small_corpus,
        "LABELS": tmp_path / "labels",
        "OUTPUT": tmp_path / "output",
        "OUTPUT.spacy": tmp_path / "output.spacy",
        "TEXTS": tmp_path / "texts.jsonl",
        "PACKAGES": tmp_path / "packages",
    }
    if "PIPELINE" in command:
        places["PIPELINE"] = pipeline(config)
    args = [places.get(word, word) for word in shlex.split(command)]
    args += MORE.get(named(command), [])
    if "CONFIG" in command and named(command) not in ("init fill-config", "debug diff-config"):
        overrides = llm_overrides if name == "structured_llm_ner" else train_overrides
        given = {f"--{key}": value for key, value in overrides.items()}
        args += [word for key, value in given.items() if key not in args for word in (key, value)]
    code, output = spacy_command(*args)
    if says == "filled":
        assert code != 0
        assert spacy_command("init", "fill-config", config, tmp_path / "filled.cfg")[0] == 0
        code, output = spacy_command(*(tmp_path / "filled.cfg" if arg == config else arg for arg in args))
    assert code == (1 if says == "no" else 0), output


def loss(nlp):
    """By which networks of the same weights are known."""
    fix_random_seed(0)
    return nlp.update(make_examples(nlp), sgd=False, drop=0.0)[nlp.pipe_names[-1]]


@pytest.mark.parametrize("name", ["cnn_ner", "transformer_ner", "stock_ner", "shared_encoder"])
@pytest.mark.parametrize("frozen", [False, True])
def test_spacy_commands_train_on_from_a_trained_pipeline(name, frozen, trained_by, train_overrides, tmp_path):
    if name in ("stock_ner", "shared_encoder"):
        pytest.importorskip("spacy_transformers")
    path = ROOT / "configs" / f"{name}.cfg"
    source = trained_by(path) / "model-best"
    config = load_config(path)
    names = config["nlp"]["pipeline"]
    config["components"] = {component: {"source": str(source)} for component in names}
    config["training"]["frozen_components"] = names if frozen else []
    config.to_disk(tmp_path / "again.cfg")
    given = [word for key, value in train_overrides.items() for word in (f"--{key}", value)]
    code, output = spacy_command("train", tmp_path / "again.cfg", "--output", tmp_path / "again", *given)
    assert code == 0, output
    before, after = spacy.load(source), spacy.load(tmp_path / "again" / "model-last")
    assert (loss(before) == pytest.approx(loss(after), rel=1e-6)) == frozen
    assert after.resume_training().learn_rate == pytest.approx(config["vars"]["learn_rate"])


def test_spacy_commands_pretrain_what_a_config_starts_from(small_corpus, tmp_path):
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": "Anna Berg lives in Oslo and works ."}) + "\n")
    config = tmp_path / "pretraining.cfg"
    assert (
        spacy_command("init", "fill-config", ROOT / "configs" / "cnn_ner.cfg", config, "--pretraining")[0]
        == 0
    )
    given = [
        "--paths.train",
        small_corpus,
        "--paths.dev",
        small_corpus,
        "--paths.raw_text",
        tmp_path / "texts.jsonl",
    ]
    given += ["--pretraining.component", "transformer_ner", "--pretraining.layer", "tok2vec"]
    given += ["--pretraining.max_epochs", "1"]
    code, output = spacy_command("pretrain", config, tmp_path / "weights", *given)
    assert code == 0, output
    given += ["--initialize.init_tok2vec", tmp_path / "weights" / "model0.bin", "--training.max_steps", "1"]
    code, output = spacy_command("train", config, "--output", tmp_path / "trained", *given)
    assert code == 0, output
    assert spacy.load(tmp_path / "trained" / "model-last").resume_training().learn_rate == pytest.approx(
        0.001
    )


def test_spacy_commands_assemble_a_chat_model_that_can_be_called_as_if_it_were_trained(pipeline):
    """It learns nothing, and nothing fails: it may stand beside components that do."""
    nlp = spacy.load(pipeline(ROOT / "configs" / "structured_llm_ner.cfg"))
    nlp.initialize()
    nlp.resume_training()
    assert nlp.update(make_examples(nlp)) == {}
