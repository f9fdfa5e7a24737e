"""The house: imports go one way, rooms of one floor don't import each other."""

import ast

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "spacy_ner_plus"
FLOORS = {
    "cli": 7,
    "workflows": 6,
    "annotation": 5,
    "display": 5,
    "pipeline": 4,
    "data": 3,
    "models": 3,
    "llm": 3,
    "evaluation": 3,
    "alignment": 2,
    "chunks": 2,
    "corpus": 2,
    "labels": 2,
    "files": 1,
    "spans": 1,
    "settings": 1,
    "issues": 0,
    "errors": 0,
    "resources": 0,
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("spacy_ner_plus"):
            rooms = node.module.split(".")[1:2] or [alias.name for alias in node.names]
            names.update(rooms)
        elif isinstance(node, ast.Import):
            names.update(
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("spacy_ner_plus.")
            )
    return names & FLOORS.keys()


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_house_imports_go_one_way(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room not in FLOORS:
        pytest.skip("no room of the house")
    for other in imported(path):
        assert other == room or FLOORS[other] < FLOORS[room], f"{room} imports {other}"


# What the network is made of: no spaCy, no transformers.
NETWORK = ("tagger", "bert_layers", "attention", "dropout")


@pytest.mark.parametrize("name", NETWORK)
def test_house_network_needs_torch_alone(name):
    tree = ast.parse((PACKAGE / "models" / "network" / f"{name}.py").read_text(encoding="utf8"))
    modules = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    ours = {f"spacy_ner_plus.models.network.{part}" for part in NETWORK}
    standard = {"collections.abc", "dataclasses"}
    assert {module for module in modules - ours - standard if module.split(".")[0] != "torch"} == set()
