"""Gold and predictions are matched in one place, once; what counts, explains and shows them takes what came of it."""

import ast

import pytest
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.evaluation.matching import matched_doc
from spacy_ner_plus.workflows.evaluate import evaluate
from spacy_ner_plus.workflows.render import render
from tests.conftest import ROOT

PACKAGE = ROOT / "spacy_ner_plus"
EVALUATION = PACKAGE / "evaluation"
# From the first to the last; none imports one that comes after it.
ROOMS = (
    ("matching",),
    ("counting",),
    ("errors", "confidence", "statistics"),
    ("metrics",),
    ("comparison",),
    ("pages",),
)
# In `matching`, what only holds what was matched.
VALUES = {"MatchedDoc", "Entity", "GoldDoc", "Overlap", "read_golds", "best_pairs"}
# Notebooks give Docs to these.
ENTRANCES = {"display.py": {"match_doc"}}


def imports(path):
    """Modules that a file imports from, each with the names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            yield from ((alias.name, set()) for alias in node.names)


def files(*rooms):
    return sorted(path for room in rooms for path in (EVALUATION / room).glob("*.py"))


@pytest.mark.parametrize(
    "path",
    [*files(*(room for floor in ROOMS[1:] for room in floor)), PACKAGE / "display.py"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_rooms_take_matched_documents_and_match_none(path):
    for module, names in imports(path):
        assert not module.startswith("spacy.training"), f"{module} has Example and Alignment"
        assert module != "spacy.scorer", "spaCy's scorer has a place of its own, spacy_scores.py"
        if ".evaluation.matching" in module:
            assert names - ENTRANCES.get(path.name, set()) <= VALUES


@pytest.mark.parametrize("floor", range(len(ROOMS)))
def test_rooms_import_only_what_comes_before_them(floor):
    before = {room for rooms in ROOMS[:floor] for room in rooms}
    for room in ROOMS[floor]:
        for path in files(room):
            for module, _ in imports(path):
                if module.startswith("spacy_ner_plus.evaluation."):
                    other = module.split(".")[2]
                    known = before | {room, "defaults", "failures"}
                    assert other in known, f"{path.name} of {room} imports {module}"


@pytest.fixture
def calls(monkeypatch):
    """How often predictions of a document are laid on gold, whoever asks for it."""
    counted = []

    def project(predicted, gold):
        counted.append(gold.text)
        return matched_doc.project.real(predicted, gold)

    project.real = matched_doc.project
    monkeypatch.setattr(matched_doc, "project", project)
    return counted


@pytest.fixture
def golds(nlp):
    return [Doc(nlp.vocab, words=["Anna", "in", f"Town{i}"], ents=["B-PER", "O", "B-LOC"]) for i in range(12)]


def test_rooms_evaluate_matches_once_a_document(nlp, golds, calls, tmp_path):
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Anna"}])
    evaluate(nlp, golds, tmp_path / "m.json", train=golds, resamples=50)
    assert sorted(calls) == sorted(gold.text for gold in golds)


def test_rooms_render_matches_once_a_document(golds, calls, tmp_path):
    DocBin(docs=golds).to_disk(tmp_path / "gold.spacy")
    render(tmp_path / "gold.spacy", tmp_path / "gold.spacy", show_all=True)
    assert sorted(calls) == sorted(gold.text for gold in golds)
