import inspect
import json
from dataclasses import fields, replace

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.tagger_settings import TaggerSettings
from spacy_ner_plus.pipeline.transformer_ner.component import TransformerNER, make_transformer_ner
from spacy_ner_plus.pipeline.transformer_ner.settings import TransformerNERSettings
from tests.conftest import ROOT

OWN = {"nlp", "name", "model", "loss", "scorer"}
CHANGED = {
    "device": "cuda:7",
    "precision": "bf16",
    "precision_tolerance": 0.5,
    "overwrite_ents": True,
    "spans_key": "mine",
    "threshold": 0.25,
    "consistency": 0.75,
    "soft_temperature": 2.0,
    "soft_weight": 0.5,
    "soft_share": 0.25,
    "soft_agreement": 0.0,
}


def test_settings_are_listed_by_the_factory_as_they_are_defined():
    listed = inspect.signature(make_transformer_ner).parameters
    assert {name: p.annotation for name, p in listed.items() if name not in OWN} == {
        field.name: field.type for field in fields(TransformerNERSettings)
    }


def test_settings_have_the_defaults_of_the_factory():
    config = dict(Language.get_factory_meta("transformer_ner").default_config)
    model = dict(config.pop("model"))
    assert config.pop("loss") is None
    assert config.pop("scorer") == {"@scorers": "spacy.ner_scorer.v1"}
    assert TransformerNERSettings(**config) == TransformerNERSettings()
    assert config.keys() == {field.name for field in fields(TransformerNERSettings)}
    assert model.pop("@architectures") == "spacy_ner_plus.TransformerTagger.v2"
    assert TaggerSettings(**model) == TaggerSettings()


def test_settings_are_all_forwarded(monkeypatch):
    assert CHANGED.keys() == {field.name for field in fields(TransformerNERSettings)}
    given = []
    init = TransformerNER.__init__

    def note(self, vocab, model, name, settings, **others):
        given.append(settings)
        init(self, vocab, model, name, settings, **others)

    monkeypatch.setattr(TransformerNER, "__init__", note)
    spacy.blank("en").add_pipe("transformer_ner", config=CHANGED)
    assert given == [replace(TransformerNERSettings(), **CHANGED)]


@pytest.mark.parametrize(("setting", "code"), [("consistency", "E231"), ("threshold", "E220")])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_settings_that_are_no_share_are_refused(setting, code, value):
    with pytest.raises(UserError, match=rf"{code}.*{value}"):
        TransformerNERSettings(**{setting: value})


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("overwrite_ents", "yes", "true or false"),
        ("consistency", None, "E231"),
        ("device", None, "a string"),
        ("soft_temperature", 0.0, "a number above 0"),
        ("soft_weight", -0.5, "0 or more"),
        ("soft_share", 1.5, "1 or less"),
        ("soft_agreement", float("nan"), "0 or more"),
        ("precision", "fp8", "one of: auto, fp32, bf16, fp16, int8"),
    ],
)
def test_settings_of_another_type_are_refused(name, value, remedy):
    with pytest.raises(UserError, match=remedy):
        TransformerNERSettings(**{name: value})


@pytest.mark.parametrize("declared", [TransformerNERSettings, TaggerSettings])
def test_settings_are_told_in_the_docs_as_they_are_declared(declared):
    page = (ROOT / "docs" / "transformer_ner.md").read_text(encoding="utf8")
    for field in fields(declared):
        assert f"| `{field.name}` | `{json.dumps(field.default)}` | {field.metadata['meaning']} |" in page
