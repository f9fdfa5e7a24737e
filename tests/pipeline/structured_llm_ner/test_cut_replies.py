"""Texts whose replies are longer than a server lets them be."""

import warnings

import pytest
import spacy
from spacy.tokens import Doc

from tests.pipeline.structured_llm_ner.test_component import expected, found, pipeline
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer

FORMATS = ["label_lists", "entity_list", "inline_tags", "bio_lines", "guidelines", "per_type"]
NAMES = ["Anna", "Robert", "Oslo", "Bergen", "Li", "Charlotte", "Rome"]


def long_text(tokens: int) -> str:
    """A text with an entity every five tokens, each a word of its own, in sentences of ten."""
    words = []
    for number in range(tokens // 5):
        name = NAMES[number % len(NAMES)] + "".join("abcdefghij"[int(digit)] for digit in str(number))
        words += [name, "met", "some", "friends", "." if number % 2 else "and"]
    return " ".join(words)


def entities(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


@pytest.fixture
def server():
    with FaultServer(Behaviour(cuts=True)) as running:
        yield running


@pytest.mark.parametrize("format", FORMATS)
def test_long_texts_come_out_whole_without_any_setting(server, format):
    text = long_text(3000)
    doc = pipeline(server.url, format=format)(text)
    assert (len(doc.ents), doc._.ner_failure) == (600, "")
    assert found(doc) == expected(text)
    # Chunks are of a size whose replies aren't cut.
    assert all(entry["fault"] == "" for entry in server.requests)


def test_a_text_of_20000_tokens_comes_out_whole(server):
    text = long_text(20_000)
    doc = pipeline(server.url)(text)
    assert (len(doc.ents), doc._.ner_failure) == (4000, "")
    assert found(doc) == expected(text)


@pytest.mark.parametrize("format", FORMATS)
def test_a_chunk_whose_reply_is_cut_is_halved(server, format, tmp_path):
    text = long_text(1500)
    model = {"max_tokens": 200 if format == "per_type" else 500, "store": str(tmp_path / "s.sqlite")}
    nlp = pipeline(server.url, format=format, chunk_tokens=100_000, save_io=True, model=model)
    doc = nlp(text)
    assert (len(doc.ents), doc._.ner_failure) == (300, "")
    assert found(doc) == expected(text)
    usage = nlp.get_pipe("structured_llm_ner").client.usage
    assert usage.halved > 0
    assert usage.invalid == usage.reasked == 0
    # What was cut is kept for people, and paid for.
    assert len(doc.user_data["llm_io"]["structured_llm_ner"]["prompt"]) >= 3
    asked = len(server.requests)
    for retry in (False, True):
        again = pipeline(
            server.url, format=format, chunk_tokens=100_000, model={**model, "retry_invalid": retry}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert entities(again(text)) == entities(doc)
    assert len(server.requests) == asked


def test_a_model_that_goes_round_in_circles_is_asked_a_few_times_only():
    with FaultServer(Behaviour(cuts=True)) as server:
        server.behaviour.ramble = '"Xylophon", '
        nlp = pipeline(server.url, model={"max_tokens": 600, "structured": "off"}, chunk_tokens=100_000)
        with pytest.warns(UserWarning, match="entities missing"):
            doc = nlp(long_text(3000))
    assert len(server.requests) <= 5
    assert all(token.ent_iob_ == "" for token in doc)
    assert "cut off" in doc._.ner_failure


def test_a_model_that_writes_on_and_on_is_asked_a_bounded_number_of_times():
    with FaultServer(Behaviour(cuts=True)) as server:
        server.behaviour.ramble = "abc"
        nlp = pipeline(server.url, model={"max_tokens": 600, "structured": "off"}, chunk_tokens=100_000)
        with pytest.warns(UserWarning, match="entities missing"):
            nlp(long_text(5000))
    assert len(server.requests) <= 31 + 16


@pytest.mark.parametrize("format", FORMATS)
def test_of_a_reply_that_stays_cut_what_is_whole_is_used(server, format):
    text = "Anna met Robert in Oslo, and Charlotte met Bergen in Rome, Lima and Quito."
    # No whole reply has exactly so many, which would be taken for cut.
    limit = 10 if format == "per_type" else 18
    nlp = pipeline(server.url, format=format, model={"max_tokens": limit, "structured": "json_schema"})
    with pytest.warns(UserWarning, match="entities missing"):
        doc = nlp(text)
    assert 0 < len(doc.ents) < 8
    assert found(doc) <= expected(text)
    assert f"cut off at the limit of {limit} tokens" in doc._.ner_failure
    if format in ("inline_tags", "bio_lines"):
        # What the copy covers is known.
        assert [token.ent_iob_ for token in doc[-6:]] == [""] * 6
        assert doc[1].ent_iob_ == "O"
    else:
        assert all(token.ent_iob_ != "O" for token in doc)
    assert len(server.requests) == (5 if format == "per_type" else 2)


def test_cut_replies_a_text_that_the_server_refuses_as_too_long_is_asked_about_in_halves(tiny_gguf):
    """The estimate of tokens is short of the truth, such as for Chinese."""
    nlp = spacy.blank("zh")
    model = {"local": tiny_gguf, "threads": 1, "context_length": 2048, "max_tokens": 60}
    pipe = nlp.add_pipe(
        "structured_llm_ner", config={"labels": ["PER"], "chunk_tokens": 1500, "model": model}
    )
    text = "".join(chr(0x4E00 + i) + ("\u3002" if i % 20 == 19 else "") for i in range(800))
    doc = nlp(text)
    assert "exceeds" not in doc._.ner_failure
    assert pipe.usage_report()["halved"] > 0


def test_cut_replies_what_a_proxy_refuses_as_too_large_is_asked_about_in_halves():
    """With 413, and a page in any words."""
    text = long_text(600)
    behaviour = Behaviour(refuse_texts=(text,), refuse_status=413, refuse_message="Nein.")
    with FaultServer(behaviour) as server:
        nlp = pipeline(server.url)
        doc = nlp(text)
    assert (len(doc.ents), doc._.ner_failure) == (120, "")
    assert nlp.get_pipe("structured_llm_ner").usage_report()["halved"] == 1
