"""The package as it is written: its files, read once, and which of them imports which."""

import ast
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "spacy_ner_plus"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [path.relative_to(PACKAGE).as_posix() for path in FILES]


def module_name(path: Path) -> str:
    """RETURNS (str): The dotted name of a file of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


@cache
def parse(path: Path) -> ast.Module:
    """RETURNS (Module): A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf8"))


@cache
def imported(path: Path) -> frozenset[str]:
    """Names of everything that a file imports, wherever in it: at the top, in functions, for types alone.

    path (Path): A file of the package.
    RETURNS (frozenset[str]): Modules, ours by the file that an imported name comes from.
    """
    found = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return frozenset(found)


def import_graph() -> dict[str, set[str]]:
    """RETURNS (dict[str, set[str]]): Of each module of the package those of the package that it imports."""
    return {name: (imported(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """RETURNS (list[list[str]]): Groups of nodes that reach each other."""
    reached = {node: _reachable(graph, node) for node in graph}
    groups = {
        frozenset(other for other in reached[node] if node in reached[other])
        for node in graph
        if node in reached[node]
    }
    return sorted(sorted(group) for group in groups)


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    left = list(graph[start])
    while left:
        node = left.pop()
        if node not in found:
            found.add(node)
            left.extend(graph[node])
    return found
