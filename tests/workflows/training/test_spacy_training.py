import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.training.spacy_training import load_config
from tests.conftest import ROOT

CONFIG = ROOT / "configs" / "transformer_ner.cfg"


def test_load_config_takes_overrides():
    config = load_config(CONFIG, {"vars.epochs": 3})
    assert config["vars"]["epochs"] == 3
    assert config["training"]["dropout"] == 0.1


def test_load_config_needs_a_file(tmp_path):
    with pytest.raises(UserError, match=r"E101.*no\.cfg.*no such file"):
        load_config(tmp_path / "no.cfg", {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not a config", "no section headers"),
        ("[training]\nseed = ${system.seed}", "system.seed"),
    ],
)
def test_load_config_says_what_is_wrong(tmp_path, text, reason):
    (tmp_path / "bad.cfg").write_text(text)
    with pytest.raises(UserError, match=rf"E550.*bad\.cfg.*{reason}"):
        load_config(tmp_path / "bad.cfg", {})


def test_load_config_refuses_overrides_of_what_is_not_there():
    with pytest.raises(UserError, match=r"E550.*nothing"):
        load_config(CONFIG, {"nothing.epochs": 1})
