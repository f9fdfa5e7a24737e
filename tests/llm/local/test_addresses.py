import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.local.addresses import local_name, located
from spacy_ner_plus.pipeline.structured_llm_ner.settings import StructuredLLMSettings


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("local:smollm2", "smollm2"),
        (" local:models/mine ", "models/mine"),
        ("http://localhost:8080/v1", None),
        ("https://local:1/v1", None),
        ("", None),
    ],
)
def test_addresses_name_local_models(url, name):
    assert local_name(url) == name


def test_addresses_become_local_models_in_settings_and_variants():
    settings = StructuredLLMSettings(
        labels=["PER"],
        model={"base_url": "local:smollm2", "name": "default", "adapters": {"mine": "training/mine"}},
        variants=[{"name": "a", "model": {"name": "smollm2"}}, {"name": "b", "model": {"name": "mine"}}],
    )
    assert settings.model == {"local": "smollm2", "name": "", "adapters": {"mine": "training/mine"}}
    first, second = map(settings.of_variant, settings.variant_values)
    assert (first.model["name"], second.model["name"]) == ("", "mine")
    assert "local-llm" in settings.extras


def test_addresses_of_servers_stay():
    given = {"base_url": "http://localhost:8080/v1", "name": "default"}
    assert located(given) == given
    assert StructuredLLMSettings(labels=["PER"], model=given).model == given


def test_addresses_beside_another_local_model_are_refused():
    from spacy_ner_plus.llm.client.settings import ChatSettings

    with pytest.raises(UserError, match="E879"):
        ChatSettings(**located({"base_url": "local:one", "local": "two"}))
