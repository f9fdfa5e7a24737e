import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.workflows.evaluated import add_ruler, make_corpus, make_gold


@pytest.fixture
def ruler(nlp):
    return add_ruler(nlp)


@pytest.fixture
def pipeline(ruler, tmp_path):
    ruler.to_disk(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


@pytest.fixture
def corpus(nlp, tmp_path):
    return make_corpus(tmp_path / "gold.spacy", [make_gold(nlp), make_gold(nlp)])


@pytest.fixture
def many(nlp, tmp_path):
    """As many documents as intervals need."""
    return make_corpus(tmp_path / "many.spacy", [make_gold(nlp)] * 12)


def test_evaluate_prints_table_agreement_losses_and_the_next_step(pipeline, corpus, tmp_path):
    result = CliRunner().invoke(app, ["evaluate", pipeline, str(corpus), "-o", str(tmp_path / "m.json")])
    assert result.exit_code == 0, result.output
    assert "gold.spacy: 2 documents, 18 tokens, 8 entities; own tokens" in result.stdout
    assert ["PER", "100.00", "100.00", "100.00", "2"] in [line.split() for line in result.stdout.splitlines()]
    assert "Agreement: spaCy - seqeval = +25.00 points: 2 predicted entities end inside" in result.stdout
    assert "2 x predicted entity ends inside a gold token" in result.stderr
    assert f"render {corpus} {tmp_path / 'm-predictions.spacy'}" in result.stderr


def test_evaluate_prints_what_is_new_where_it_tells_something(ruler, many, tmp_path, nlp):
    ruler.add_pipe("evaluate_asks")
    ruler.to_disk(tmp_path / "pipeline")
    train = make_corpus(tmp_path / "train.spacy", [make_gold(nlp, ["Oslo", "left"], ["B-LOC", "O"])])
    command = ["evaluate", str(tmp_path / "pipeline"), str(many), "--train", str(train)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "F1 95%" in lines[1]
    assert ["PER", "100.00", "100.00", "100.00", "100.0\N{EN DASH}100.0", "12"] in [
        line.split() for line in lines
    ]
    assert any(line.startswith("Other F1: exact 75.00  partial 87.50  type 75.00") for line in lines)
    assert "F1 by training: seen 66.67 (12 in gold), unseen 40.00 (36 in gold)" in result.stdout
    assert "Errors: 12 wrong label, 12 boundary too short" in result.stdout
    assert "evaluate_asks: requests 12, cost 0.5" in result.stdout
    assert "W301" in result.stderr
    assert "never predicted: ORG" in result.stderr


def test_evaluate_quotes_paths_in_the_command_that_it_recommends(pipeline, corpus, tmp_path):
    spaced = tmp_path / "my $corpus.spacy"
    corpus.rename(spaced)
    result = CliRunner().invoke(app, ["evaluate", pipeline, str(spaced), "-o", str(tmp_path / "m.json")])
    assert f"render '{spaced}' {tmp_path / 'm-predictions.spacy'}" in result.stderr
