import inspect
from dataclasses import fields

import pytest
from spacy import registry

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.architectures import build_transformer_tagger_v1
from spacy_ner_plus.models.tagger_settings import TaggerSettings


def test_architectures_are_registered():
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v1")
    assert build(encoder="x").name == "transformer_tagger"


@pytest.mark.parametrize("overlap", [-1, 100, 200])
def test_architectures_refuse_an_overlap_that_does_not_fit(overlap):
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v1")
    with pytest.raises(UserError, match=rf"E211.*{overlap}"):
        build(encoder="x", window=100, overlap=overlap)


def test_architectures_refuse_a_head_that_reads_nothing():
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v1")
    with pytest.raises(UserError, match=r"E230.*0"):
        build(encoder="x", head_layers=0)


@pytest.mark.parametrize(
    ("name", "value"), [("window", 200.5), ("line_features", "no"), ("case_features", "ever")]
)
def test_architectures_refuse_a_setting_of_another_type(name, value):
    with pytest.raises(UserError, match=rf"E234.*`{name}`.*{value}"):
        TaggerSettings(**{name: value})


def test_architectures_list_the_settings_as_they_are_defined():
    listed = inspect.signature(build_transformer_tagger_v1).parameters.values()
    assert [(p.name, p.annotation, p.default) for p in listed] == [
        (field.name, field.type, field.default) for field in fields(TaggerSettings)
    ]


@pytest.mark.parametrize("setting", [field.name for field in fields(TaggerSettings)])
def test_architectures_forward_each_setting(setting):
    default = getattr(TaggerSettings(), setting)
    given = {"window": 60, bool: not default, str: "never"}.get(
        setting if setting == "window" else type(default), 3
    )
    settings = build_transformer_tagger_v1(**{setting: given}).shims[0].settings
    assert settings == TaggerSettings(**{setting: given})
