"""The house: imports go one way, rooms have a size, each has its tests, and words that misled stay gone."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house.modules import (
    FILES,
    MODULES,
    NAMES,
    PACKAGE,
    circles,
    import_graph,
    imported,
    module_name,
    parse,
)

FLOORS = {
    "cli": 7,
    "workflows": 6,
    "annotation": 5,
    "learning": 5,
    "display": 5,
    "pipeline": 4,
    "data": 3,
    "models": 3,
    "causal": 3,
    "llm": 3,
    "evaluation": 3,
    "alignment": 2,
    "chunks": 2,
    "corpus": 2,
    "labels": 2,
    "gguf_files": 2,
    "annotated_labels": 1,
    "soft_tags": 1,
    "unplaced_mentions": 1,
    "json_keys": 0,
    "utf16": 0,
    "letters": 0,
    "files": 1,
    "file_hashes": 1,
    "spans": 1,
    "settings": 1,
    "hub_access": 1,
    "cache_folder": 1,
    "extras": 1,
    "issues": 0,
    "machine": 0,
    "cpus": 0,
    "sqlite_files": 0,
    "format_names": 0,
    "about": 0,
    "errors": 0,
    "resources": 0,
}


def room_of(name: str) -> str:
    """RETURNS (str): The room of the first floor plan that a dotted module is in; '' for the package itself."""
    return [*name.split("."), ""][1]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_house_imports_go_one_way(path):
    room = room_of(module_name(path))
    if room in ("", "__main__"):
        pytest.skip("the package's face and its command may import anything")
    for other in {room_of(name) for name in imported(path) & MODULES.keys()} - {""}:
        assert other == room or FLOORS[other] < FLOORS[room], f"{room} imports {other}"


def test_house_has_no_circles_between_files():
    """Imports for types alone count, too: a part that needs its component's type is a torn part of it."""
    assert circles(import_graph()) == []


ROOMS = sorted({path.parent for path in FILES})
# Circles between the rooms of a room, each with its reason.
ROOM_CIRCLES: dict[str, str] = {}


@pytest.mark.parametrize("room", ROOMS, ids=[path.relative_to(ROOT).as_posix() for path in ROOMS])
def test_house_has_no_circles_between_the_rooms_of_a_room(room):
    inside: dict[str, set[str]] = {}
    for name, others in import_graph().items():
        one = part_of(MODULES[name], room)
        if one:
            inside.setdefault(one, set()).update(
                other for module in others if (other := part_of(MODULES[module], room)) not in (None, one)
            )
    found = circles({one: others & inside.keys() for one, others in inside.items()})
    key = room.relative_to(PACKAGE).as_posix()
    assert bool(found) == (key in ROOM_CIRCLES), found


def part_of(path: Path, room: Path) -> str | None:
    """RETURNS (str | None): The file or folder of a room that a file is in; None where it is elsewhere, or the
    room's own `__init__`."""
    if not path.is_relative_to(room) or path == room / "__init__.py":
        return None
    return path.relative_to(room).parts[0].removesuffix(".py")


# What the network is made of: no spaCy, no transformers.
NETWORK = (
    "tagger",
    "bert_layers",
    "int8_layers",
    "activation_ranges",
    "attention",
    "dropout",
    "lora",
    "shared_layers",
)


@pytest.mark.parametrize("name", NETWORK)
def test_house_network_needs_torch_alone(name):
    others = imported(PACKAGE / "models" / "network" / f"{name}.py")
    ours = {f"spacy_ner_plus.models.network.{part}" for part in NETWORK}
    tops = {module.split(".")[0] for module in others - ours}
    assert tops - sys.stdlib_module_names <= {"torch"}


# Rooms of another size than 3 to 16 modules, each with its reason.
SIZES = {
    ".": "what all rooms stand on, an idea a file",
    "cli": "a command a file, and what they print with",
    "data/formats": "a format a file",
    "workflows": "what a command does a file",
    "resources": "what is shipped, and the one program that is run in another environment",
}


@pytest.mark.parametrize("room", ROOMS, ids=[path.relative_to(ROOT).as_posix() for path in ROOMS])
def test_house_rooms_have_a_size(room):
    modules = [path for path in room.glob("*.py") if path.name != "__init__.py"]
    rooms = [path for path in ROOMS if path.parent == room]
    fits = len(modules) <= 16 and len(modules) + len(rooms) >= 3
    key = room.relative_to(PACKAGE).as_posix()
    assert fits == (key not in SIZES), f"{key}: {len(modules)} modules and {len(rooms)} rooms"


def component_classes() -> dict[str, Path]:
    """RETURNS (dict[str, Path]): Classes of components, by name, with their files."""
    found: dict[str, Path] = {}
    bases = {"Pipe", "TrainablePipe"}
    for _ in range(3):
        for path in FILES:
            for node in ast.walk(parse(path)):
                if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & bases:
                    found[node.name] = path
        bases |= found.keys()
    return found


COMPONENTS = component_classes()


def test_house_knows_its_components():
    assert {"TransformerNER", "StructuredLLMNER"} <= COMPONENTS.keys()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_house_has_no_torn_methods(path):
    """A function whose first argument is a component of another file is a method of it: it belongs home, or gets a
    value (settings, extractor, prediction) to work on."""
    foreign = {name for name, home in COMPONENTS.items() if home != path}
    for function, first in first_arguments(path):
        words = set(re.findall(r"\w+", ast.unparse(first.annotation))) if first.annotation else set()
        torn = words & foreign or (not words and first.arg in ("pipe", "component"))
        assert not torn, f"{function}({first.arg}: {', '.join(sorted(words))})"


def first_arguments(path: Path) -> Iterator[tuple[str, ast.arg]]:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args]
            given = [argument for argument in arguments if argument.arg not in ("self", "cls")]
            if given:
                yield node.name, given[0]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_house_prints_only_in_commands(path):
    room = room_of(module_name(path))
    if room == "cli":
        pytest.skip("commands print")
    called = {ast.unparse(node.func) for node in ast.walk(parse(path)) if isinstance(node, ast.Call)}
    assert not called & {"print", "sys.stdout.write", "sys.stderr.write", "typer.echo", "typer.secho"}


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name == "workflows"], ids=lambda path: path.name
)
def test_house_workflows_know_no_command_line(path):
    tops = {name.split(".")[0] for name in imported(path)}
    assert not tops & {"typer", "click", "rich", "tqdm"}


def test_house_project_needs_neither_tests_nor_benchmarks():
    lines = (ROOT / "project.yml").read_text(encoding="utf8").splitlines()
    assert [line for line in lines if re.search(r"\b(tests|benchmarks)[./]", line)] == []


# Tests that mirror no module of the package, each with its reason.
OTHER_TESTS = {
    "annotation/review/label_studio/test_real": "a real Label Studio",
    "compatibility/test_llm": "what earlier versions wrote",
    "compatibility/test_metrics": "what earlier versions wrote",
    "compatibility/test_pipelines": "what earlier versions wrote",
    "data/formats/conll/test_strangers": "files in which all parts of the format meet",
    "data/formats/label_studio/test_real": "a real Label Studio",
    "data/formats/test_all": "what all formats hold to",
    "data/formats/test_round_trips": "what all formats that write hold to",
    "data/formats/test_fuzz": "what all formats do with files that are broken",
    "evaluation/test_rooms": "what all rooms of evaluation hold to",
    "house/test_extras": "setup.cfg",
    "house/test_guesses": "the house itself",
    "house/test_house": "the house itself",
    "pipeline/structured_llm_ner/test_cut_replies": "replies, halves and what is left, in each format",
    "llm/store/test_load": "all of a store under many threads, processes and kills",
    "llm/client/test_faults": "all layers of the client against a server that goes wrong",
    "llm/formats/test_formats": "what all formats hold to",
    "llm/formats/test_mutations": "replies of all formats, changed at random",
    "llm/formats/test_reply_table": "replies of all formats as models write them",
    "models/encoders/test_encoder_families": "what all families of encoders hold to",
    "pipeline/structured_llm_ner/test_package": "a packaged pipeline",
    "pipeline/zero_shot_ner/test_package": "a packaged pipeline",
    "pipeline/structured_llm_ner/test_real_servers": "servers that others wrote",
    "pipeline/structured_llm_ner/test_text_grammar": "grammars of texts, from the component to the store",
    "pipeline/transformer_ner/test_new_labels": "labels that come later, from the component to its losses",
    "pipeline/zero_shot_ner/test_training": "fine-tuning, from a config to a saved component",
    "pipeline/test_contract": "what all components hold to",
    "pipeline/test_real_pipelines": "all components in pipelines of spaCy's",
    "pipeline/transformer_ner/test_shared_models": "models that pipelines share",
    "servers/test_fault_server": "the tests' own servers",
    "servers/test_argilla_stub": "the tests' own servers",
    "servers/test_label_studio_stub": "the tests' own servers",
    "servers/test_servers": "the tests' own servers",
    "test_benchmark_tables": "benchmarks/",
    "test_benchmarks": "benchmarks/",
    "test_configs": "configs/",
    "test_project": "project.yml",
    "test_docs": "docs/",
    "test_python": "the package's Python face",
    "test_readme": "README.md",
    "test_registry": "setup.cfg",
    "workflows/test_full_disk": "all that is written",
    "test_spacy_commands": "spaCy's commands on configs/",
}


def test_house_tests_mirror_the_package():
    tests = ROOT / "tests"
    stems = {path.relative_to(tests).with_suffix("").as_posix() for path in tests.rglob("test_*.py")}
    modules = {path.relative_to(PACKAGE).with_suffix("").as_posix() for path in FILES}
    others = {stem for stem in stems if re.sub(r"(^|/)test_([^/]+)$", r"\1\2", stem) not in modules}
    assert others == OTHER_TESTS.keys()


# Words that misled readers, as a part of any name. The field has others.
GONE_PARTS = {
    "claim", "claims", "dialect", "entrant", "entrants", "errand", "homeless", "judged", "mates", "orthography",
    "rival", "rivals",
}  # fmt: skip
GONE_NAMES = {"Losses", "own_shim", "place_network", "settle_in_worker", "launch", "launch_scores"}
GONE_FILES = {
    "claims",
    "conversation",
    "exchange",
    "losses",
    "places",
    "report",
    "session",
    "shim",
    "utils",
    "util",
}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_house_words_that_misled_stay_gone(path):
    assert path.stem not in GONE_FILES
    found = set()
    for name in identifiers(path):
        parts = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
        found |= (parts & GONE_PARTS) | ({name.lstrip("_")} & GONE_NAMES)
    assert found == set()


def identifiers(path: Path) -> Iterator[str]:
    """YIELDS (str): All names in a file: of variables, attributes, functions, classes, arguments."""
    for node in ast.walk(parse(path)):
        for field in ("id", "attr", "name", "arg", "asname"):
            if isinstance(name := getattr(node, field, None), str):
                yield name
