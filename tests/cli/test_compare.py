import re

import pytest
import typer
from typer.testing import CliRunner

from spacy_ner_plus.cli.compare import compare_command
from spacy_ner_plus.cli.scores import show_comparison
from spacy_ner_plus.workflows.compare import RESULT, compare
from spacy_ner_plus.workflows.evaluate import evaluate
from tests.workflows.patterns import save_compared


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pipelines and their metrics on one corpus; another corpus."""
    return save_compared(tmp_path_factory.mktemp("compare"))


def sources(folder, *names):
    return [str(folder / name) for name in names]


def test_compare_prints_where_the_comparison_is(folder, tmp_path):
    alone = typer.Typer()
    alone.command()(compare_command)
    result = CliRunner().invoke(
        alone, [*sources(folder, "good.json", "poor.json"), "--output", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert "good is the best" in result.stdout
    assert str(tmp_path / RESULT) in result.stderr


def test_compare_shows_scores_differences_and_the_winner(folder, tmp_path, capsys):
    show_comparison(compare(*sources(folder, "good.json", "poor.json"), target=tmp_path))
    shown = capsys.readouterr().out
    assert "gold.spacy: 30 documents, 40 entities" in shown
    assert re.search(r"^good +100\.00 +100\.00 +100\.00 +100\.0.100\.0", shown, flags=re.M)
    assert re.search(
        r"good - poor: \+\d+\.\d\d points of F1 \(95% .* p 0\.0\d+ corrected.*: good is better", shown
    )
    assert "good is the best, and not by chance." in shown


def test_compare_says_that_and_why_nothing_was_tested(folder, tmp_path, capsys):
    show_comparison(compare(*sources(folder, "good.json", "poor.json"), target=tmp_path, resamples=0))
    said = capsys.readouterr()
    assert "Not tested: no resamples were asked for (--resamples 0). good has the highest" in said.out
    assert "told apart" not in said.out
    assert "--resamples 0" not in said.err


def test_compare_says_that_few_documents_are_not_tested(folder, tmp_path, capsys):
    few = {"gold": folder / "gold.spacy", "limit": 5}
    metrics = [
        evaluate(source, few["gold"], limit=few["limit"]) for source in sources(folder, "good", "poor")
    ]
    show_comparison(compare(*metrics, target=tmp_path, **few))
    said = capsys.readouterr().out
    assert "Not tested: the corpus has 5 documents, and with fewer than 10" in said
    assert "told apart" not in said
