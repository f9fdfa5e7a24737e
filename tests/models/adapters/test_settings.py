import json
from dataclasses import fields

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.adapters.settings import LoraSettings
from spacy_ner_plus.models.tagger_settings import TaggerSettings
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("r", -1, "0 or more"),
        ("r", 1.5, "a whole number"),
        ("alpha", 0, "a number above 0"),
        ("dropout", 1.0, "0.9 or less"),
        ("targets", "query", "'all-linear' or a list of names"),
        ("targets", [], "a list of names"),
        ("targets", [1], "a list of names"),
        ("rate_factor", 0, "a number above 0"),
        ("save", "both", "one of: merged, adapter"),
        ("share_base", "yes", "true or false"),
        ("rank", 8, "no such setting; there are: r, alpha"),
    ],
)
def test_settings_of_an_adapter_that_do_not_fit_are_refused(name, value, remedy):
    with pytest.raises(UserError, match=rf"E911.*`lora\.{name}`.*{remedy}"):
        TaggerSettings(lora={name: value})


def test_settings_of_an_adapter_refuse_to_save_a_shared_encoder_merged():
    with pytest.raises(UserError, match="E912"):
        LoraSettings(share_base=True, save="merged")


@pytest.mark.parametrize(
    ("given", "saves"), [({}, False), ({"share_base": True}, True), ({"save": "adapter"}, True)]
)
def test_settings_of_an_adapter_say_what_is_saved(given, saves):
    assert LoraSettings(**given).saves_adapter is saves


def test_settings_of_an_adapter_of_no_rank_mean_full_training():
    assert TaggerSettings().adapter is None
    assert TaggerSettings(lora={"r": 0}).adapter is None
    assert TaggerSettings(lora={}).adapter == LoraSettings()


def test_settings_of_an_adapter_are_told_in_the_docs_as_they_are_declared():
    page = (ROOT / "docs" / "transformer_ner.md").read_text(encoding="utf8")
    for field in fields(LoraSettings):
        assert f"| `{field.name}` | `{json.dumps(field.default)}` | {field.metadata['meaning']} |" in page
