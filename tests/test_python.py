"""The package's Python face; the examples of docs/python.md are run by test_docs."""

import re
import subprocess
import sys

import pytest

import spacy_ner_plus
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf8")
# Not typer, on which errors stand, and which `import spacy` loads as well.
HEAVY = ("spacy", "thinc", "torch", "transformers", "numpy", "scipy", "rich", "httpcore")


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
