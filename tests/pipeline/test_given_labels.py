from copy import deepcopy

import pytest
import spacy

CONFIGS = {
    "structured_llm_ner": {"model": {"base_url": "http://127.0.0.1:9/v1", "name": "m"}},
    "zero_shot_ner": {},
}


def asked(nlp, name):
    return sorted(nlp.get_pipe(name).labels)


@pytest.fixture(params=CONFIGS)
def given(request):
    """A pipeline whose component got other labels by `initialize` than its config has."""
    name = request.param
    nlp = spacy.blank("en")
    component = nlp.add_pipe(name, config={**CONFIGS[name], "labels": ["PER", "LOC"]})
    component.initialize(lambda: [], nlp=nlp, labels={"ORG": "companies"})
    return nlp, name


@pytest.mark.parametrize("how", ["disk", "bytes", "copy"])
def test_labels_that_initialize_was_given_are_asked_for_later(given, how, tmp_path):
    nlp, name = given
    if how == "disk":
        nlp.to_disk(tmp_path)
        again = spacy.load(tmp_path)
    elif how == "bytes":
        again = spacy.blank("en")
        again.add_pipe(name, config={**CONFIGS[name], "labels": ["PER", "LOC"]})
        again.from_bytes(nlp.to_bytes())
    else:
        again = deepcopy(nlp)
    assert asked(again, name) == ["ORG"]


def test_labels_that_are_given_when_a_pipeline_is_loaded_win(given, tmp_path):
    nlp, name = given
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path, config={f"components.{name}.labels": ["MISC"]})
    assert asked(again, name) == ["MISC"]


def test_labels_of_the_config_are_saved_nowhere_else(tmp_path):
    nlp = spacy.blank("en")
    config = {**CONFIGS["structured_llm_ner"], "labels": ["PER"]}
    nlp.add_pipe("structured_llm_ner", config=config).initialize(lambda: [], nlp=nlp)
    nlp.to_disk(tmp_path)
    assert "given_labels" not in (tmp_path / "structured_llm_ner" / "cfg").read_text(encoding="utf8")
