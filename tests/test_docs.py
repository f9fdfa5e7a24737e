"""What README and docs/ show runs, offline."""

import shutil
import subprocess
import sys

import pytest
import spacy
from spacy.tokens import DocBin

from tests.conftest import ROOT, TAGS, TEXTS, make_docs, wordpiece_tokenizer
from tests.encoders import SIZES
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.snippets import VALUES, Run, read_page
from tests.workflows.patterns import make_ruler

PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/**/*.ipynb")]
)
PROJECT = ROOT / "training" / "synthetic" / "model-best"
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]


@pytest.fixture(scope="module")
def chat_url():
    with FaultServer(Behaviour()) as server:
        yield server.url


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Files and folders that pages take as given."""
    folder = tmp_path_factory.mktemp("given")
    blank = spacy.blank("en")
    DocBin(docs=make_docs(blank.vocab) * 2).to_disk(folder / "corpus.spacy")
    make_ruler("good").to_disk(folder / "ruler")
    documents = [
        "\n".join(f"{word} {tag}" for word, tag in zip(text.split(), tags.split(), strict=True))
        for text, tags in zip(TEXTS, TAGS, strict=True)
    ]
    (folder / "conll.txt").write_text("-DOCSTART- O\n\n" + "\n\n-DOCSTART- O\n\n".join(documents) + "\n")
    (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A tiny encoder with random weights that reads windows as long as published ones do."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = wordpiece_tokenizer()
    BertModel(BertConfig(vocab_size=len(tokenizer), **SIZES)).save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def value_of(request, made):
    def give(name: str) -> str:
        if name == "ENCODER":
            return request.getfixturevalue("encoder")
        if name == "GLINER":
            pytest.importorskip("gliner")
            return request.getfixturevalue("zero_shot_folders")["uni-deberta"]
        if name == "MINILM":
            return "all-MiniLM-L6-v2"
        if name == "PIPELINE":
            return str(request.getfixturevalue("trained_folder"))
        if name == "CHAT":
            return request.getfixturevalue("chat_url")
        if name == "LOCAL":
            return request.getfixturevalue("tiny_gguf")
        if name == "TRAINED":
            # README's first command leaves it; where it hasn't run, the page runs with a small one.
            return str(PROJECT if PROJECT.exists() else request.getfixturevalue("trained_folder"))
        if name == "CONFIGS":
            return str(ROOT / "configs")
        if name == "SYNTHETIC":
            return str(ROOT / "assets" / "synthetic" / "dev.json")
        if name == "METRICS":
            return str(request.getfixturevalue("metrics_file"))
        if name == "TOKENCLASS":
            return str(request.getfixturevalue("token_classifier"))
        paths = {"CONLL": "conll.txt", "CORPUS": "corpus.spacy", "RULER": "ruler", "TEXTS": "texts.txt"}
        return str(made / paths[name])

    return give


@pytest.fixture(scope="module")
def metrics_file(made, trained_folder):
    from spacy_ner_plus import evaluate

    evaluate(trained_folder, made / "corpus.spacy", made / "metrics.json")
    return made / "metrics.json"


@pytest.fixture(scope="module")
def token_classifier(encoder, tmp_path_factory):
    """A token classification model as the hub has it, with random weights."""
    from transformers import AutoConfig, AutoModelForTokenClassification

    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    folder = tmp_path_factory.mktemp("token-classifier")
    shutil.copytree(encoder, folder, dirs_exist_ok=True)
    config = AutoConfig.from_pretrained(
        folder, id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)}
    )
    AutoModelForTokenClassification.from_config(config).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_docs_show_what_runs(path, value_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Run(path, value_of, compare_output=PROJECT.exists()).read()


def test_docs_leave_few_blocks_unrun():
    """Each has its reason beside it; one more is a decision."""
    unrun = {
        name: count
        for name, path in zip(NAMES, PAGES, strict=True)
        if (
            count := sum(
                block.kind == "test" and block.source.startswith("no-run") for block in read_page(path)
            )
        )
    }
    assert unrun == {"docs/tutorials/packaging.md": 1, "docs/zero_shot_ner.md": 1}


def test_docs_values_are_made(value_of):
    assert all(value_of(name) for name in VALUES)


def test_docs_are_a_site_whose_links_lead_somewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "spacy-ner-plus" in (tmp_path / "site" / "index.html").read_text(encoding="utf8")
    assert (tmp_path / "site" / "repository" / "configs" / "cnn_ner.cfg").exists()


def test_docs_reference_is_what_the_code_says():
    command = [sys.executable, str(ROOT / "docs" / "reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
