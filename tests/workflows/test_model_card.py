import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.model_card import model_card
from tests.workflows.patterns import save_compared


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pipelines and their metrics on one corpus; another corpus."""
    return save_compared(tmp_path_factory.mktemp("compare"))


def test_model_card_is_written_for_a_pipeline(folder):
    card = model_card(folder / "good", folder / "good.json")
    assert card == folder / "good" / "README.md"
    assert "model-index" in card.read_text(encoding="utf8")


def test_model_card_takes_the_name_and_version_of_the_package_to_be(folder):
    card = model_card(folder / "good", folder / "good.json", name="mine", version="1.2.3").read_text()
    assert 'spacy.load("en_mine")' in card
    assert "| **Version** | 1.2.3 |" in card
    assert "name: en_mine" in card


def test_model_card_refuses_metrics_of_another_pipeline(folder):
    with pytest.raises(UserError, match=r"E324.*labels LOC, ORG, PER were scored, and here are ORG, PER"):
        model_card(folder / "poor", folder / "good.json")
    assert not (folder / "poor" / "README.md").exists()


def test_model_card_needs_a_pipeline(folder, tmp_path):
    with pytest.raises(UserError, match="E501"):
        model_card(tmp_path, folder / "good.json")
