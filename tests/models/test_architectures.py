import inspect
from dataclasses import fields, replace

import pytest
from spacy import registry

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.architectures import build_transformer_tagger_v1, build_transformer_tagger_v2
from spacy_ner_plus.models.inputs.layout import Windowing
from spacy_ner_plus.models.tagger_settings import TaggerSettings


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_architectures_are_registered(version):
    build = registry.architectures.get(f"spacy_ner_plus.TransformerTagger.{version}")
    assert build(encoder="x").name == "transformer_tagger"


@pytest.mark.parametrize("overlap", [-1, 100, 200])
def test_architectures_refuse_an_overlap_that_does_not_fit(overlap):
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v2")
    with pytest.raises(UserError, match=rf"E211.*{overlap}"):
        build(encoder="x", window=100, overlap=overlap)


def test_architectures_refuse_a_head_that_reads_nothing():
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v2")
    with pytest.raises(UserError, match=r"E230.*0"):
        build(encoder="x", head_layers=0)


@pytest.mark.parametrize(
    ("name", "value"), [("window", 200.5), ("line_features", "no"), ("case_features", "ever")]
)
def test_architectures_refuse_a_setting_of_another_type(name, value):
    with pytest.raises(UserError, match=rf"E234.*`{name}`.*{value}"):
        TaggerSettings(**{name: value})


def test_architectures_list_the_settings_as_they_are_defined():
    listed = inspect.signature(build_transformer_tagger_v2).parameters.values()
    assert [(p.name, p.annotation, p.default) for p in listed] == [
        (field.name, field.type, field.default) for field in fields(TaggerSettings)
    ]


def test_architectures_of_before_have_the_settings_and_windows_of_before():
    listed = inspect.signature(build_transformer_tagger_v1).parameters
    later = {"sentence_overlap", "head_seed", "lora", "layer_rates"}
    assert listed.keys() == {field.name for field in fields(TaggerSettings)} - later
    settings = build_transformer_tagger_v1().shims[0].settings
    assert settings.windowing == Windowing(200, 50, 24)


@pytest.mark.parametrize("build", [build_transformer_tagger_v1, build_transformer_tagger_v2])
@pytest.mark.parametrize("setting", [field.name for field in fields(TaggerSettings)])
def test_architectures_forward_each_setting(build, setting):
    if setting not in inspect.signature(build).parameters:
        pytest.skip("it came later")
    before = build().shims[0].settings
    default = getattr(before, setting)
    others = {bool: not default, str: "never"}
    given = {"window": 60, "lora": {"r": 4}, "layer_rates": max}.get(setting, others.get(type(default), 3))
    settings = build(**{setting: given}).shims[0].settings
    assert settings == replace(before, **{setting: given})


@pytest.mark.parametrize("value", [-1, 1.5, True])
def test_architectures_refuse_a_sentence_overlap_that_is_no_number_of_wordpieces(value):
    with pytest.raises(UserError, match=rf"E234.*`sentence_overlap`.*{value}"):
        build_transformer_tagger_v2(sentence_overlap=value)
