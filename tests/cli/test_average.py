import pytest
import spacy
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.conftest import train


@pytest.fixture(scope="module")
def folders(trained_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("averaged")
    for steps in (1, 2):
        nlp = spacy.load(trained_folder)
        train(nlp, steps=steps, rate=1e-4)
        nlp.to_disk(folder / str(steps))
    return [str(folder / name) for name in "12"]


def run(*arguments):
    return CliRunner().invoke(app, ["average", *map(str, arguments)])


def test_average_shows_f1_of_each_and_of_the_average(folders, small_corpus, tmp_path):
    result = run(*folders, tmp_path / "averaged", "--dev", small_corpus)
    assert result.exit_code == 0, result.output
    for name in (*folders, "in the mean", "averaged"):
        assert f"{name}: F1 1.0000" in result.output
    assert "aren't calibrated" in result.output
    assert spacy.load(tmp_path / "averaged").pipe_names == ["transformer_ner"]


def test_average_without_a_development_set_shows_no_f1(folders, tmp_path):
    result = run(*folders, tmp_path / "averaged")
    assert result.exit_code == 0, result.output
    assert "F1" not in result.output
    assert "the temperature is the mean of the pipelines', 1.000" in result.output


@pytest.mark.parametrize(("count", "words"), [(1, "one path"), (2, "two paths")])
def test_average_says_what_it_takes(folders, count, words):
    result = run(*folders[:count])
    assert result.exit_code == 1
    assert "E950" in result.output
    assert words in " ".join(result.output.split())


def test_average_of_what_is_not_there_is_one_message(folders, tmp_path):
    result = run(folders[0], tmp_path / "nowhere", tmp_path / "averaged")
    assert result.exit_code == 1
    assert "E501" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "averaged").exists()


def test_average_says_that_a_threshold_is_set(folders, tmp_path):
    nlp = spacy.load(folders[0])
    nlp.get_pipe("transformer_ner").cfg["threshold"] = 0.75
    nlp.to_disk(tmp_path / "strict")
    result = run(tmp_path / "strict", folders[1], tmp_path / "averaged")
    assert "threshold stays at 0.75" in result.output
    assert spacy.load(tmp_path / "averaged").get_pipe("transformer_ner").threshold == pytest.approx(0.75)
