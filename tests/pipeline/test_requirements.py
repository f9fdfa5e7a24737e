"""What a pipeline's meta says that it requires, in every way that a component comes into it."""

import pytest
import spacy
from spacy.cli.package import get_meta

from spacy_ner_plus.about import __version__
from spacy_ner_plus.pipeline.requirements import require_extras
from tests.conftest import make_pipeline

MODEL = {"base_url": "http://127.0.0.1:9/v1", "name": "m"}
CONFIG = {"labels": ["PER"], "model": MODEL}
LLM = f"spacy-ner-plus[llm]>={__version__},<0.2.0"


def test_requirements_name_the_extra_once(nlp):
    nlp.add_pipe("structured_llm_ner", config=CONFIG)
    nlp.add_pipe("structured_llm_ner", "second", config=CONFIG)
    assert nlp.meta["requirements"] == [LLM]


def test_requirements_grow_with_the_settings(nlp):
    nlp.add_pipe("structured_llm_ner", config=CONFIG)
    embeddings = {**CONFIG, "choose_examples": "embeddings"}
    nlp.add_pipe("structured_llm_ner", "second", config=embeddings)
    nlp.add_pipe("structured_llm_ner", "third", config={**embeddings, "embedding_model": "./mine"})
    assert nlp.meta["requirements"] == [f"spacy-ner-plus[encoder,llm,select]<0.2.0,>={__version__}"]


@pytest.mark.parametrize(
    ("lora", "needs"),
    [
        ({"save": "adapter"}, True),
        ({"share_base": True}, True),
        ({"save": "merged"}, False),
        ({"r": 0}, False),
    ],
)
def test_requirements_name_the_encoder_on_which_an_adapter_stands(nlp, lora, needs):
    """What is saved holds no encoder then, and a wheel brings the one that comes as a package."""
    model = {
        "@architectures": "spacy_ner_plus.TransformerTagger.v2",
        "encoder": "all-MiniLM-L6-v2",
        "lora": lora,
    }
    nlp.add_pipe("transformer_ner", config={"model": model})
    nlp.add_pipe("transformer_ner", "other", config={"model": {**model, "encoder": "./mine"}})
    found = [f"spacy-ner-plus[encoder]>={__version__},<0.2.0"] if needs else []
    assert nlp.meta.get("requirements", []) == found


@pytest.mark.parametrize(
    "given", ["spacy-ner-plus>=0.1", "spacy_ner_plus[report]>=0.1", "Spacy.NER.plus>=0.1"]
)
def test_requirements_keep_the_versions_that_were_given(nlp, given):
    nlp.meta["requirements"] = ["mine==1", given, "not a requirement"]
    require_extras(nlp, "llm")
    mine, own, other = nlp.meta["requirements"]
    assert (mine, other) == ("mine==1", "not a requirement")
    assert "llm" in own
    assert own.endswith(">=0.1")


def test_requirements_are_there_after_loading_and_packaging(nlp, tmp_path):
    nlp.add_pipe("structured_llm_ner", config=CONFIG)
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert loaded.meta["requirements"] == [LLM]
    meta = get_meta(tmp_path / "saved", spacy.util.get_model_meta(tmp_path / "saved"))
    assert [text for text in meta["requirements"] if text.startswith("spacy-ner-plus")] == [LLM]


def test_requirements_of_what_an_older_version_saved_are_there_when_it_is_packaged(nlp, tmp_path):
    nlp.add_pipe("structured_llm_ner", config=CONFIG)
    del nlp.meta["requirements"]
    nlp.to_disk(tmp_path / "saved")
    meta = get_meta(tmp_path / "saved", spacy.util.get_model_meta(tmp_path / "saved"))
    assert meta["requirements"] == [LLM]


def test_requirements_come_along_with_a_component_of_another_pipeline(nlp, tmp_path):
    nlp.add_pipe("structured_llm_ner", config=CONFIG)
    other = spacy.blank("en")
    other.add_pipe("structured_llm_ner", source=nlp)
    other.to_disk(tmp_path / "saved")
    meta = get_meta(tmp_path / "saved", spacy.util.get_model_meta(tmp_path / "saved"))
    assert meta["requirements"] == [LLM]
    other.initialize()
    assert other.meta["requirements"] == [LLM]


def test_requirements_of_transformer_ner_are_the_core_alone(encoder_folder):
    assert "requirements" not in make_pipeline(encoder_folder).meta
