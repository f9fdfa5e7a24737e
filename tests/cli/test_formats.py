import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.format_names import format_names


def run(*words):
    # Wide enough for a table's cells to stay whole.
    return CliRunner().invoke(app, ["formats", *words], env={"COLUMNS": "200"})


def test_formats_is_a_table_of_all():
    done = run()
    assert done.exit_code == 0
    rows = [line for line in done.output.splitlines() if line.startswith("│")]
    assert {row.split()[1] for row in rows} >= set(format_names())


@pytest.mark.parametrize("name", format_names())
def test_formats_shows_what_a_format_looks_like(name):
    done = run(name)
    assert done.exit_code == 0
    assert f"\n{name} is read" in done.output


def test_formats_shows_options_with_defaults():
    done = run("jsonl")
    assert "│ align   │ split" in done.output
    assert "It has no place for: sentences" in done.output


def test_formats_refuses_an_unknown_name():
    done = run("nothing")
    assert done.exit_code == 1
    assert "E113" in done.output
    assert "Traceback" not in done.output
