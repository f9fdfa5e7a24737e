"""Inferences of a component: what is kept, when nothing is, and what a dry run leaves."""

import multiprocessing
import sqlite3
import time

import pytest
import spacy
from spacy.training import Example

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.inferences import Inferences
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.llm.store.text_hash import text_hash
from tests.pipeline.structured_llm_ner.pipelines import (
    GOLD,
    MISTAKES,
    NAME,
    TEXTS,
    gold_server,
    inferences,
    make_pipeline,
)
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.gold_server import GoldServer


@pytest.fixture(scope="module")
def server():
    with gold_server() as running:
        yield running


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.sqlite"


def tables(path) -> dict[str, int]:
    """RETURNS (dict[str, int]): How many rows each table of a store has."""
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    connection.close()
    return counts


def test_records_are_what_was_answered(server, path):
    nlp = make_pipeline(server.url, path, model={"prices": {"b": {"input": 1, "output": 2}}})
    docs = list(nlp.pipe(TEXTS))
    kept = inferences(path)
    assert [doc._.inference_id for doc in docs] == [one.id for one in kept]
    assert len({one.episode for one in kept}) == 1
    first = kept[0]
    assert (first.variant, first.probability, first.fallback_of, first.external) == ("", 1.0, "", "")
    assert (first.text, first.text_hash) == (TEXTS[0], text_hash(TEXTS[0]))
    assert (first.labels, first.format, first.model) == (("PER", "LOC"), "label_lists", "b")
    assert [(first.text[s.start : s.end], s.label) for s in first.entities] == GOLD[TEXTS[0]]
    assert first.scores == (1.0, 1.0)
    assert first.cost > 0
    with Store(path) as store:
        (key,) = first.request_keys
        reply = store.get(key)
    assert (reply.usage, reply.seconds) == (first.usage, first.seconds)


def test_records_of_a_rerun_are_those_of_before(server, path):
    nlp = make_pipeline(server.url, path)
    ids = [doc._.inference_id for doc in nlp.pipe(TEXTS)]
    before = tables(path)
    assert [doc._.inference_id for doc in nlp.pipe(TEXTS)] == ids
    again = make_pipeline(server.url, path, model={"replay_only": True})
    assert [doc._.inference_id for doc in again.pipe(TEXTS)] == ids
    assert tables(path) == before
    doc = nlp.make_doc(TEXTS[0])
    doc._.episode = "mine"
    own = nlp(doc)._.inference_id
    assert own not in ids
    assert [one.episode for one in inferences(path)[len(ids) :]] == ["mine"]
    # One that was killed and goes on: what was answered counts once.
    before = tables(path)
    doc = again.make_doc(TEXTS[0])
    doc._.episode = "mine"
    assert again(doc)._.inference_id == own
    assert tables(path) == before


def test_records_of_a_rerun_that_says_something_else_are_new(path):
    text = "Berg0 met Berg0 in Oslo."
    answers = []
    with GoldServer({text: [("Berg0", "PER"), ("Oslo", "LOC")]}, ["PER", "LOC"], MISTAKES) as server:
        for changed in ({"occurrences": "first"}, {"occurrences": "all"}, {"occurrences": "all"}):
            doc = make_pipeline(server.url, path, **changed)(text)
            answers.append((doc._.inference_id, [(ent.start_char, ent.end_char) for ent in doc.ents]))
    assert [len(places) for _, places in answers] == [2, 3, 3]
    assert answers[1] == answers[2]
    kept = {one.id: [(span.start, span.end) for span in one.entities] for one in inferences(path)}
    assert kept == dict(answers)


def test_records_of_a_text_that_is_there_several_times_are_one(server, path):
    nlp = make_pipeline(server.url, path)
    docs = [*nlp.pipe([TEXTS[0]] * 4), *nlp.pipe(TEXTS[:2] * 3, n_process=2, batch_size=1)]
    kept = inferences(path)
    assert [one.text for one in kept] == TEXTS[:2]
    assert {doc._.inference_id for doc in docs} == {one.id for one in kept}


def test_records_are_those_of_each_component(server, path):
    nlp = make_pipeline(server.url, path)
    model = {"base_url": server.url, "name": "b", "structured": "json_object"}
    for name, given in (("second", {"store": str(path)}), ("elsewhere", {})):
        nlp.add_pipe(NAME, name, config={"labels": ["PER", "LOC"], "model": model | given})
    doc = nlp(TEXTS[0])
    assert doc._.inference_ids == {one.component: one.id for one in inferences(path)}
    assert list(doc._.inference_ids) == [NAME, "second"]
    assert doc._.inference_id == doc._.inference_ids["second"]
    assert [*doc._.inference_ids.values()] == [*nlp(TEXTS[0])._.inference_ids.values()]


def test_records_refuse_an_episode_before_anything_is_asked(server, path):
    nlp, sent = make_pipeline(server.url, path), server.requests
    doc = nlp.make_doc(TEXTS[0])
    doc._.episode = ("letters", 1)
    with pytest.raises(UserError, match=r"doc\._\.episode"):
        nlp(doc)
    assert server.requests == sent
    # Where nothing is kept, it may be anything.
    assert make_pipeline(server.url)(doc).ents


def test_records_of_a_doc_without_an_answer_say_why(path):
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as server:
        nlp = make_pipeline(server.url, path)
        with pytest.warns(UserWarning, match="invalid reply"):
            doc = nlp(TEXTS[0])
    (inference,) = inferences(path)
    assert inference.id == doc._.inference_id
    assert (inference.valid, inference.failure, inference.entities) == (False, doc._.ner_failure, ())
    assert len(inference.request_keys) == 2


def test_records_need_a_store_and_words(server, path):
    assert make_pipeline(server.url)(TEXTS[0])._.inference_id == ""
    doc = make_pipeline(server.url, path)(" \n")
    assert doc._.inference_id == ""


def test_records_that_can_not_be_kept_stop_nothing(server, path, monkeypatch):
    def fail(self, inference, **_):
        raise StoreError("no", "the disk is full")

    monkeypatch.setattr(Inferences, "add_once", fail)
    with pytest.warns(UserWarning, match=r"W364.*the disk is full") as told:
        docs = list(make_pipeline(server.url, path).pipe(TEXTS))
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == list(GOLD.values())
    assert sum("W364" in str(one.message) for one in told) == 1


@pytest.mark.parametrize("n_process", [1, 2])
def test_records_have_an_episode_for_each_call_of_pipe(server, path, n_process):
    nlp = make_pipeline(server.url, path)
    for part in (TEXTS[:6], TEXTS[6:]):
        list(nlp.pipe(part, n_process=n_process, batch_size=2))
    kept = inferences(path)
    first, second = ({one.episode for one in kept if one.text in part} for part in (TEXTS[:6], TEXTS[6:]))
    assert len(first) == len(second) == 1
    assert first != second
    # And this process goes on with its own.
    assert not {nlp(f"{TEXTS[0]} Again.")._.inference_id} & {one.id for one in kept}
    assert inferences(path)[-1].episode not in first | second


@pytest.mark.slow
def test_records_have_one_episode_in_spawned_processes(server, path):
    nlp, before = make_pipeline(server.url, path), multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    try:
        for part in (TEXTS[:6], TEXTS[6:]):
            list(nlp.pipe(part, n_process=2, batch_size=2))
    finally:
        multiprocessing.set_start_method(before, force=True)
    kept = inferences(path)
    assert len({one.episode for one in kept}) == 2
    assert len({one.episode for one in kept if one.text in TEXTS[:6]}) == 1


def test_records_of_a_dry_run_are_none(server, path):
    variants = [{"name": "a", "model": {"name": "a"}}, {"name": "b"}]
    nlp = make_pipeline(server.url, path, variants=variants, dryrun=True)
    docs = list(nlp.pipe(TEXTS))
    assert {doc._.inference_id for doc in docs} == {""}
    counts = tables(path)
    assert (counts["inferences"], counts["draws"], counts["dry_texts"]) == (0, 0, len(TEXTS))
    assert counts["replies"]
    with Store(path, read_only=True) as store:
        assert store.dry_texts.all() == {text_hash(text) for text in TEXTS}
        assert store.feedback.totals("exact_match") == {}
    # Nothing is asked twice, and what is asked in earnest afterwards is kept.
    sent = server.requests
    pinned = make_pipeline(
        server.url, path, variants=variants, variant_sampling={"strategy": "pinned", "variant": "b"}
    )
    list(pinned.pipe(TEXTS))
    assert server.requests - sent < len(TEXTS)
    assert len(inferences(path)) == len(TEXTS)


def evaluate(url: str, path) -> float:
    nlp = make_pipeline(url, path, model={"max_concurrency": 1}, dryrun=True)
    examples = []
    for text, named in GOLD.items():
        ents = [(text.index(name), text.index(name) + len(name), label) for name, label in named]
        examples.append(Example.from_dict(nlp.make_doc(text), {"entities": ents}))
    return nlp.evaluate(examples)["ents_f"]


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes aren't forked here"
)
def test_records_of_a_dry_run_that_is_killed_and_goes_on_are_none(path):
    with gold_server() as server:
        answer, server.reply = server.reply, lambda request: time.sleep(0.05) or answer(request)
        process = multiprocessing.get_context("fork").Process(target=evaluate, args=(server.url, path))
        process.start()
        until = time.monotonic() + 60
        while time.monotonic() < until and server.requests < 6:
            time.sleep(0.01)
        process.kill()
        process.join()
        del server.reply
        committed, sent = tables(path)["replies"], server.requests
        assert 0 < committed < len(GOLD)
        assert evaluate(server.url, path) == 1.0
        # What a server does with a schema is found out by three probes.
        assert len(GOLD) - committed <= server.requests - sent <= len(GOLD) - committed + 3
    counts = tables(path)
    assert (counts["replies"], counts["dry_texts"]) == (len(GOLD), len(GOLD))
    assert (counts["inferences"], counts["draws"], counts["feedback"]) == (0, 0, 0)


def test_records_of_a_dry_run_tell_of_its_texts_among_the_examples(server, path):
    examples = [{"text": TEXTS[1], "spans": []}]
    nlp = make_pipeline(server.url, path, examples=examples, dryrun=True)
    with pytest.warns(UserWarning, match=r"1 x text of a dry run that is among the examples.*`exclude`"):
        list(nlp.pipe(TEXTS[:3]))


def annotate_local(path: str, store: str, texts: list[str]) -> None:
    nlp = spacy.blank("en")
    model = {"local": path, "threads": 1, "max_tokens": 60, "store": store}
    nlp.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": model})
    for _ in nlp.pipe(texts):
        pass


@pytest.mark.slow
def test_records_of_a_thousand_documents_by_a_local_model_survive_kills(tiny_gguf, path):
    """The server dies with its process; what was kept stays, and nothing is asked twice."""
    texts, context = (
        [f"Anna met Peter in Oslo on day {i}." for i in range(1000)],
        multiprocessing.get_context("fork"),
    )
    kills, kept = 0, 0
    while kills < 5:
        process = context.Process(target=annotate_local, args=(tiny_gguf, str(path), texts))
        process.start()
        until = time.monotonic() + 120
        while process.is_alive() and time.monotonic() < until:
            time.sleep(0.05)
            if path.exists() and tables(path).get("replies", 0) >= kept + 120:
                break
        process.kill()
        process.join()
        found = tables(path)["replies"]
        assert kept + 120 <= found < len(texts)
        kept, kills = found, kills + 1
    nlp = spacy.blank("en")
    model = {"local": tiny_gguf, "threads": 1, "max_tokens": 60, "store": str(path)}
    nlp.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": model})
    docs = list(nlp.pipe(texts))
    assert not any("no reply" in doc._.ner_failure for doc in docs)
    usage = nlp.get_pipe("structured_llm_ner").usage_report()
    assert (usage["stored"], usage["replies"]) == (kept, tables(path)["replies"] - kept)
    assert tables(path)["inferences"] >= len(texts)
