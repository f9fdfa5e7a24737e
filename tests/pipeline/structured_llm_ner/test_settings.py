import inspect
import json
import warnings
from dataclasses import MISSING, fields

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.alignment.align import MENTION_SIMILARITY
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.pipeline.structured_llm_ner.component import make_structured_llm_ner
from spacy_ner_plus.pipeline.structured_llm_ner.settings import StructuredLLMSettings
from spacy_ner_plus.settings import defaults
from tests.conftest import ROOT

# What the factory takes beside the settings.
BESIDE = {"nlp", "name", "scorer", "fuzzy_threshold"}


def component(**config):
    return spacy.blank("en").add_pipe("structured_llm_ner", config=config)


def test_settings_are_the_arguments_of_the_factory():
    taken = inspect.signature(make_structured_llm_ner).parameters
    declared = inspect.signature(StructuredLLMSettings).parameters
    assert taken.keys() - BESIDE == declared.keys()
    types = {name: parameter.annotation for name, parameter in declared.items()}
    assert {name: taken[name].annotation for name in declared} == types


def test_settings_have_the_defaults_of_the_factory():
    config = Language.get_factory_meta("structured_llm_ner").default_config
    declared = defaults(StructuredLLMSettings)
    assert {name: config[name] for name in declared} == declared
    assert component().settings == StructuredLLMSettings()
    assert StructuredLLMSettings().similarity_threshold == MENTION_SIMILARITY


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labels", ["PER"]),
        ("model", {"base_url": "http://a/v1", "name": "m"}),
        ("format", "bio_lines"),
        ("task", "Letters of a hospital."),
        ("template", "t.jinja"),
        ("examples", "e.jsonl"),
        ("n_examples", 2),
        ("choose_examples", "fixed"),
        ("embedding_model", "other"),
        ("occurrences", "first"),
        ("similarity_threshold", 0.7),
        ("samples", 3),
        ("chunk_tokens", 100),
        ("chunk_overlap", 7),
        ("progress", True),
        ("overwrite_ents", True),
        ("spans_key", "mine"),
        ("threshold", 0.25),
    ],
)
def test_settings_reach_the_component(name, value):
    assert getattr(component(**{name: value}).settings, name) == value


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"samples": 0}, "E240.*`samples`.* is 0. Give 1 or more"),
        ({"n_examples": -1}, "E240.*`n_examples`.* is -1. Give 0 or more"),
        ({"similarity_threshold": 0.0}, "E240.*`similarity_threshold`.* is 0.0. Give a number above 0"),
        ({"similarity_threshold": 85.0}, "E240.*`similarity_threshold`.* is 85.0. Give 1 or less"),
        ({"threshold": 1.5}, "E220"),
    ],
)
def test_settings_refuse_values_that_cannot_be(config, told):
    with pytest.raises(UserError, match=told):
        component(**config)


def test_settings_still_take_the_old_name_of_similarity_threshold():
    with pytest.warns(DeprecationWarning, match=r"W242.*`similarity_threshold`.*0\.9"):
        assert component(fuzzy_threshold=0.9).settings.similarity_threshold == 0.9


def test_settings_take_the_old_name_beside_the_new_one_where_they_agree():
    with pytest.warns(DeprecationWarning, match="W242"):
        taken = component(fuzzy_threshold=0.9, similarity_threshold=0.9)
    assert taken.settings.similarity_threshold == 0.9


def test_settings_refuse_the_old_name_beside_another_value_of_the_new_one():
    with pytest.raises(UserError, match=r"E248.*0\.9 and 0\.8"):
        component(fuzzy_threshold=0.9, similarity_threshold=0.8)


def test_settings_without_the_old_name_give_no_warning():
    with warnings.catch_warnings(action="error"):
        assert component(similarity_threshold=0.9).settings.similarity_threshold == 0.9


def test_settings_of_a_saved_pipeline_keep_the_old_name(tmp_path):
    nlp = spacy.blank("en")
    with pytest.warns(DeprecationWarning, match="W242"):
        nlp.add_pipe("structured_llm_ner", config={"fuzzy_threshold": 0.9})
    nlp.to_disk(tmp_path)
    with pytest.warns(DeprecationWarning, match="W242"):
        loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("structured_llm_ner").settings.similarity_threshold == 0.9


@pytest.mark.parametrize("declared", [StructuredLLMSettings, ChatSettings])
def test_settings_are_told_in_the_docs_as_they_are_declared(declared):
    page = (ROOT / "docs" / "structured_llm_ner.md").read_text(encoding="utf8")
    for field in fields(declared):
        default = "" if field.default is MISSING else f"`{json.dumps(field.default)}`"
        assert f"| `{field.name}` | {default} | {field.metadata['meaning']} |" in page
