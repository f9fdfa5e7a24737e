import json

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.llm.store.store import Store
from tests.learning.inferences import make_inference


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "replies.sqlite"
    with Store(path) as opened:
        rows = []
        for number in range(60):
            variant = ("good", "[b]bad")[number % 2]
            cost = None if number == 7 else 0.001
            inference = make_inference(f"Text {number}", variant=variant, probability=0.5, cost=cost)
            opened.inferences.add(inference)
            rows.append((inference.id, "exact_match", variant == "good", ""))
        opened.feedback.add_many(rows)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["llm", "variants", *map(str, arguments)])


def test_llm_variants_prints_tables_and_writes_both_files(store, tmp_path):
    before = store.read_bytes()
    table, page = tmp_path / "variants.json", tmp_path / "variants.html"
    done = run(store, "--output", table, "--page", page)
    assert done.exit_code == 0, done.output
    assert "good is the best by Exact match: decided after" in done.stdout
    assert "[b]bad" in done.stdout
    assert "The cost of 1 answers isn't known" in done.stderr
    assert json.loads(table.read_text())["rule"]["best"] == "good"
    assert "<title>Variants of replies.sqlite</title>" in page.read_text(encoding="utf8")
    assert store.read_bytes() == before


@pytest.mark.parametrize(
    ("given", "code"),
    [(("--metric", "speed"), "E830"), (("--alpha", "1"), "E832"), (("--page", "STORE"), "E320")],
)
def test_llm_variants_refuses_what_it_cannot_do(store, given, code):
    before = store.read_bytes()
    done = run(store, *(str(store) if word == "STORE" else word for word in given))
    assert done.exit_code == 1
    assert code in done.stderr
    assert "Traceback" not in done.output
    assert store.read_bytes() == before


def test_llm_variants_of_no_store_or_an_empty_one(tmp_path):
    assert "typo.sqlite" in run(tmp_path / "typo.sqlite").stderr
    assert not (tmp_path / "typo.sqlite").exists()
    Store(tmp_path / "empty.sqlite").close()
    assert "E831" in run(tmp_path / "empty.sqlite").stderr
