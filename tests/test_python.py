"""The package's Python face, and the examples of docs/python.md."""

import re
import shutil
import subprocess
import sys

import pytest
import spacy
from spacy.tokens import DocBin

import spacy_ner_plus
from tests.conftest import ROOT, make_docs
from tests.workflows.patterns import make_ruler

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
HEAVY = ("spacy", "thinc", "torch", "transformers", "numpy", "scipy", "typer", "rich", "httpcore")


def loaded_after(code):
    """Top-level modules that a new process has after some code."""
    program = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_python_imports_nothing_heavy():
    assert loaded_after("import spacy_ner_plus").isdisjoint(HEAVY)
    functions = "from spacy_ner_plus import calibrate, compare, convert, evaluate, predict, render"
    assert loaded_after(functions).isdisjoint(HEAVY)


@pytest.mark.parametrize("name", spacy_ner_plus.__all__)
def test_python_has_all_its_names(name):
    assert getattr(spacy_ner_plus, name) is not None
    assert name in dir(spacy_ner_plus)


def test_python_names_are_those_that_type_checkers_see():
    source = (ROOT / "spacy_ner_plus" / "__init__.py").read_text(encoding="utf8")
    typed = re.findall(r"^    from (spacy_ner_plus\.[\w.]+) import (.+)$", source, flags=re.M)
    homes = {name: module for module, names in typed for name in names.split(", ")}
    for name, module in homes.items():
        assert spacy_ner_plus._HOMES[name] == module.removeprefix("spacy_ner_plus.")
    assert {*homes, "__version__"} == set(spacy_ner_plus.__all__)
    assert spacy_ner_plus._HOMES.keys() == homes.keys()


def test_python_knows_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        spacy_ner_plus.nothing  # noqa: B018


def test_python_page_lists_the_functions():
    listed = {
        name for row in re.findall(r"^\| (`.*?) \|", PAGE, flags=re.M) for name in re.findall(r"`(\w+)`", row)
    }
    assert listed == {name for name in spacy_ner_plus.__all__ if name.islower() and name != "__version__"}


@pytest.fixture
def folder(tmp_path, monkeypatch, trained_folder):
    """What the examples name."""
    shutil.copytree(trained_folder, tmp_path / "training" / "ours")
    make_ruler("good").to_disk(tmp_path / "training" / "stock")
    DocBin(docs=make_docs(spacy.blank("en").vocab) * 2).to_disk(tmp_path / "dev.spacy")
    documents = (
        "Anna B-PER\nleft O\n",
        "Acme B-ORG\nmoved O\n",
        "Oslo B-LOC\ngrew O\n",
        "Bo B-PER\nslept O\n",
    )
    (tmp_path / "requests.conll").write_text("-DOCSTART- O\n\n" + "\n-DOCSTART- O\n\n".join(documents))
    (tmp_path / "shard-07.jsonl").write_text('{"id": 1, "text": "Maria Lopez flew from Oslo to Paris ."}\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_examples_run(folder):
    names = {}
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert len(names["sentences"]) == 4
    assert names["handle"](["In Paris , John Smith met Maria Lopez ."])[0]["ents"][0][:2] == ("Paris", "LOC")
    assert {
        ent.label_
        for doc in DocBin().from_disk("corpus/train.spacy").get_docs(names["nlp"].vocab)
        for ent in doc.ents
    } == {"PER", "LOC", "COMPANY"}
    assert (folder / "report" / "comparison.json").exists()
    assert names["page"] == (folder / "differences.html").read_text(encoding="utf8")
    assert '"ents": [[0, 11, "PER"]' in (folder / "shard-07.jsonl.out").read_text()
