"""Each extra alone: what works with the core, and what the message says where an extra is missing."""

import sys

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.extras import check_installed, from_extra
from tests.conftest import ROOT
from tests.environments import make_environment, run_in
from tests.servers.fault_server import FaultServer

MADE = ROOT / "tests" / "compatibility" / "made"


def test_extras_are_named_where_a_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "seqeval", None)
    with (
        pytest.raises(UserError, match=r"E540.*'seqeval'.*spacy-ner-plus\[evaluation\]"),
        from_extra("evaluation"),
    ):
        import seqeval  # noqa: F401
    with pytest.raises(UserError, match=r"E540.*'missing'.*spacy-ner-plus\[report\]"):
        check_installed("missing", "report")
    check_installed("json", "report")


def test_extras_that_are_broken_say_why():
    with pytest.raises(UserError, match=r"E541.*\[llm\].*needs another numpy"), from_extra("llm"):
        raise ImportError("needs another numpy")
    with pytest.raises(KeyError), from_extra("llm"):
        raise KeyError("passes")


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return make_environment(tmp_path_factory.mktemp("core"))


USE = """
import importlib.util, sys
others = ("seqeval", "scipy", "sklearn", "rapidfuzz", "spacy_llm", "spacy_transformers", "pandas")
assert not [name for name in others if importlib.util.find_spec(name)]
import spacy
from spacy.util import registry

if __name__ == "__main__":
    nlp = spacy.load(sys.argv[1])
    found = [(ent.text, ent.label_) for ent in nlp("Anna Berg lives in Oslo .").ents]
    nlp.to_disk("saved")
    again = spacy.load("saved").from_bytes(nlp.to_bytes())
    docs = again.pipe(["Anna Berg lives in Oslo ."] * 4, n_process=2, batch_size=2)
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == [found] * 4
    blank = spacy.blank("en")
    for name in ("ner_scorer.v1", "ner_scorer.v2", "llm_ner_scorer.v1"):
        registry.scorers.get(f"spacy_ner_plus.{name}")()
    for names in (registry.misc, registry.scorers, registry.architectures, registry.loggers, registry.factories):
        names.get_all()
    import spacy_ner_plus
    for name in dir(spacy_ner_plus):
        getattr(spacy_ner_plus, name)
    model = {"base_url": sys.argv[2], "name": "m"}
    blank.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": model})
    blank.to_disk("llm")
    try:
        blank("Anna")
    except spacy_ner_plus.UserError as error:
        print(error)
    else:
        sys.exit("asked")
"""


@pytest.mark.slow
def test_extras_are_not_needed_to_load_use_and_save(core, tmp_path):
    (tmp_path / "use.py").write_text(USE)
    done = run_in(core, "use.py", str(MADE / "transformer_ner"), "http://127.0.0.1:9/v1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("pip install 'spacy-ner-plus[llm]'")


def test_extras_missing_for_a_command_are_one_message(core, tmp_path):
    arguments = [
        "evaluate",
        str(MADE / "transformer_ner"),
        str(MADE / "gold.spacy"),
        "--output",
        "metrics.json",
    ]
    done = run_in(core, "-m", "spacy_ner_plus", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "Error: [E540] This needs the package 'seqeval', which isn't installed. It comes with an extra: "
        "pip install 'spacy-ner-plus[evaluation]'"
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_extras_evaluation_is_enough_to_evaluate(tmp_path):
    environment = make_environment(tmp_path / "environment", "evaluation")
    arguments = [
        "evaluate",
        str(MADE / "transformer_ner"),
        str(MADE / "gold.spacy"),
        "--output",
        "metrics.json",
    ]
    done = run_in(environment, "-m", "spacy_ner_plus", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "metrics.json").is_file()


LLM = """
import sys, spacy
nlp = spacy.blank("en")
model = {"base_url": sys.argv[1], "name": "m"}
examples = [{"text": "Robert left.", "spans": [[0, 6, "PER"]]}]
config = {"labels": ["PER", "ORG", "LOC", "MISC"], "model": model, "examples": examples}
nlp.add_pipe("structured_llm_ner", config=config)
print([ent.text for ent in nlp("Anna met Robert.").ents])
"""


@pytest.mark.slow
def test_extras_llm_is_enough_to_ask(tmp_path):
    environment = make_environment(tmp_path / "environment", "llm")
    with FaultServer() as server:
        done = run_in(environment, "-c", LLM, server.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['Anna', 'Robert']"
