"""The component before real servers: llama.cpp's, and the TensorZero gateway in front of it."""

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from tests.servers.fixtures import API_KEY
from tests.servers.tensorzero_gateway import MODEL
from tests.servers.tiny_llama import NAME

TEXTS = [f"Anna met Bob in Oslo on day {i}." for i in range(12)]


def pipeline(url: str, name: str = NAME, format: str = "label_lists", **model):
    nlp = spacy.blank("en")
    settings = {"base_url": url, "name": name, "max_tokens": 512, **model}
    nlp.add_pipe("structured_llm_ner", config={"labels": "conll", "format": format, "model": settings})
    return nlp


def unparsed(docs) -> list[str]:
    """Failures, but for those of replies in the right form whose words, drawn at random, the text doesn't have."""
    failures = [doc._.ner_failure for doc in docs]
    return [failure for failure in failures if failure and not failure.startswith("not one of the mentions")]


@pytest.mark.parametrize("name", ["label_lists", "entity_list", "per_type"])
def test_real_servers_llama_cpp_gives_replies_that_all_parse(llama_url, name):
    docs = list(pipeline(llama_url, format=name).pipe(TEXTS))
    assert [doc.text for doc in docs] == TEXTS
    assert unparsed(docs) == []


@pytest.mark.parametrize("name", ["bio_lines", "guidelines"])
def test_real_servers_llama_cpp_takes_a_grammar(llama_url, name):
    docs = list(pipeline(llama_url, format=name, grammar_field="grammar").pipe(TEXTS[:4]))
    assert unparsed(docs) == []


def test_real_servers_llama_cpp_gives_probabilities(llama_url):
    docs = pipeline(llama_url, logprobs=True).pipe(TEXTS)
    scores = [ent._.score for doc in docs for ent in doc.ents]
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert any(score < 1.0 for score in scores) or not scores


def test_real_servers_key_comes_from_the_environment(llama_url_with_key, monkeypatch):
    monkeypatch.setenv("TEST_KEY", API_KEY)
    doc = pipeline(llama_url_with_key, api_key_env="TEST_KEY")(TEXTS[0])
    assert unparsed([doc]) == []


def test_real_servers_missing_key_is_one_message(llama_url_with_key, monkeypatch):
    monkeypatch.delenv("TEST_KEY", raising=False)
    with pytest.raises(UserError, match="TEST_KEY"):
        pipeline(llama_url_with_key, api_key_env="TEST_KEY")(TEXTS[0])


def test_real_servers_tensorzero_stands_between(tensorzero_url):
    docs = list(pipeline(tensorzero_url, MODEL).pipe(TEXTS))
    assert unparsed(docs) == []
