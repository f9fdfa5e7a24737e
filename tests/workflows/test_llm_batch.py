import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import SpanGroup

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.batch.batch_api import BatchAPI
from spacy_ner_plus.llm.batch.collection import CUT, REFUSAL, STOPPED, TWICE, UNKNOWN, UNREAD
from spacy_ner_plus.llm.batch.lines import BROKEN, EMPTY, FILTERED, NOT_RUN, REFUSED
from spacy_ner_plus.llm.batch.state import BatchState
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.workflows.llm import list_replies
from spacy_ner_plus.workflows.llm_batch import batch_status, collect_batches, drop_batches, submit_batches
from tests.servers.batch_server import BatchServer
from tests.servers.known_answers import LABELS, names_by_label
from tests.workflows.chat import TEXTS, save_corpus, save_pipeline

MODEL = "components.structured_llm_ner.model"


@pytest.fixture
def server():
    with BatchServer() as running:
        yield running


@pytest.fixture
def pipeline(server, tmp_path):
    return save_pipeline(server, tmp_path)


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS))
    return path


def replay(pipeline):
    """Run a pipeline from its store alone."""
    nlp = spacy.load(pipeline, config={f"{MODEL}.replay_only": True})
    return list(nlp.pipe(TEXTS))


def names(doc):
    return {name for found in names_by_label(doc.text).values() for name in found}


def counts(issues):
    return {kind: issue.count for kind, issue in issues}


def test_llm_batch_counts_a_request_about_two_equal_texts_once_also_while_it_waits(pipeline, texts):
    texts.write_text("\n".join([*TEXTS, TEXTS[0]]))
    assert submit_batches(pipeline, texts).requests == 4
    assert submit_batches(pipeline, texts).waiting == 4


def test_llm_batch_collected_replies_are_a_run_that_replays_for_nothing(server, pipeline, texts):
    done = submit_batches(pipeline, texts)
    assert (done.requests, [batch.requests for batch in done.batches]) == (4, [4])
    assert done.cost > 0
    (status,) = batch_status(pipeline)
    assert (status.status, status.completed, status.is_over) == ("in_progress", 0, False)
    assert collect_batches(pipeline).replies == {}
    server.end()
    collected = collect_batches(pipeline)
    assert collected.replies == {"valid": 4}
    assert collected.cost == pytest.approx(0.5 * (400 * 1.0 + 40 * 2.0) / 1e6)
    assert counts(collected.issues) == {}
    calls = len(server.calls)
    for doc in replay(pipeline):
        assert {ent.text for ent in doc.ents} == names(doc)
    assert len(server.calls) == calls
    # Nothing is left, and nothing is submitted or kept twice.
    assert batch_status(pipeline) == []
    assert collect_batches(pipeline).replies == {}
    assert submit_batches(pipeline, texts).requests == 0
    assert len(server.batches) == 1


def test_llm_batch_holds_the_questions_about_each_label(server, pipeline, texts):
    per_type = {"components.structured_llm_ner.format": "per_type"}
    overrides = [f"{key}={value}" for key, value in per_type.items()]
    assert submit_batches(pipeline, texts, overrides=overrides).requests == 4 * len(LABELS)
    server.end()
    assert collect_batches(pipeline, overrides=overrides).replies == {"valid": 4 * len(LABELS)}
    nlp = spacy.load(pipeline, config={f"{MODEL}.replay_only": True, **per_type})
    for doc in nlp.pipe(TEXTS):
        assert {ent.text for ent in doc.ents} == names(doc)


def test_llm_batch_says_what_became_of_each_request(server, pipeline, texts):
    said = {
        TEXTS[0]: {"content": "no idea"},
        TEXTS[1]: {"finish_reason": "content_filter", "content": ""},
        TEXTS[2]: {"error": {"message": "flagged by the safety system", "code": "content_filter"}},
        TEXTS[3]: {"finish_reason": "length", "content": '{"PER": ["An'},
    }
    server.spoil = said.get
    submit_batches(pipeline, texts)
    server.end(extra=(b'{"custom', b'{"custom_id": "f00", "response": null, "error": {"code": "x"}}'))
    collected = collect_batches(pipeline)
    assert counts(collected.issues) == {UNREAD: 1, EMPTY: 1, FILTERED: 1, CUT: 1, BROKEN: 1, UNKNOWN: 1}
    assert (collected.questions, collected.unanswered) == (2, 2)
    assert collected.replies == {"invalid": 1, "cut": 1}
    assert {row.reply.status for row in list_replies(replies_of(pipeline))} == {"invalid", "cut"}
    assert collected.issues.kinds[FILTERED].example == "400: flagged by the safety system"


def replies_of(pipeline):
    return os.path.join(os.path.dirname(pipeline), "replies.sqlite")


def test_llm_batch_tells_refusals_and_stopped_replies_apart(server, pipeline, texts):
    said = {
        TEXTS[0]: {"finish_reason": "content_filter", "content": '{"PER": '},
        TEXTS[1]: {"content": None, "refusal": "I can't help with that."},
    }
    server.spoil = said.get
    submit_batches(pipeline, texts)
    server.end()
    collected = collect_batches(pipeline)
    assert counts(collected.issues) == {STOPPED: 1, REFUSAL: 1}
    assert collected.replies == {"invalid": 2, "valid": 2}


def test_llm_batch_asks_a_second_time_in_the_next_batch(server, pipeline, texts):
    server.spoil = {TEXTS[0]: {"content": "no idea"}}.get
    submit_batches(pipeline, texts)
    server.end()
    assert collect_batches(pipeline).questions == 1
    server.spoil = lambda text: None
    again = submit_batches(pipeline, texts)
    assert (again.requests, again.seconds) == (1, 1)
    (request,) = server.requests(again.batches[0].id)
    assert [message["role"] for message in request["body"]["messages"][-2:]] == ["assistant", "user"]
    server.end()
    assert collect_batches(pipeline).replies == {"valid": 1}
    assert submit_batches(pipeline, texts).requests == 0
    assert all({ent.text for ent in doc.ents} == names(doc) for doc in replay(pipeline))


@pytest.mark.parametrize("ended", ["expired", "cancelled"])
def test_llm_batch_keeps_what_was_done_before_the_end(server, pipeline, texts, ended):
    submit_batches(pipeline, texts)
    server.end(ended, most=1)
    collected = collect_batches(pipeline)
    assert (collected.replies, counts(collected.issues)) == ({"valid": 1}, {NOT_RUN: 3})
    assert collected.unanswered == 3
    assert submit_batches(pipeline, texts).requests == 3


def test_llm_batch_that_the_server_does_not_take_is_submitted_again(server, pipeline, texts):
    submit_batches(pipeline, texts)
    server.batches["batch_0"] |= {
        "status": "failed",
        "errors": {
            "object": "list",
            "data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit"}],
        },
    }
    (status,) = batch_status(pipeline)
    assert status.problems == ("Enqueued token limit",)
    collected = collect_batches(pipeline)
    assert collected.unanswered == 4
    assert [issue.example for _, issue in collected.issues] == ["Enqueued token limit"]
    assert submit_batches(pipeline, texts, limit=2).requests == 2


def test_llm_batch_splits_what_is_too_much_for_one(server, pipeline, texts):
    done = submit_batches(pipeline, texts, max_requests=3)
    assert [batch.requests for batch in done.batches] == [3, 1]
    (length,) = {len(server.files[batch["input_file_id"]][1]) for batch in [server.batches["batch_1"]]}
    drop_batches(pipeline, ["batch_0", "batch_1"])
    done = submit_batches(pipeline, texts, max_megabytes=2.5 * length / 1e6)
    assert [batch.requests for batch in done.batches] == [2, 2]
    drop_batches(pipeline, ["batch_2", "batch_3"])
    with pytest.raises(UserError, match="E693"):
        submit_batches(pipeline, texts, max_megabytes=0.5 * length / 1e6)
    assert len(server.batches) == 4
    server.end()
    assert collect_batches(pipeline).batches == []


@pytest.mark.parametrize("fault", ["lost", "drop", 500, 429])
@pytest.mark.parametrize("call", ["POST /v1/files", "POST /v1/batches"])
def test_llm_batch_is_created_once_whatever_gets_lost(server, pipeline, texts, call, fault):
    server.faults[call] = [fault]
    done = submit_batches(pipeline, texts, overrides=[f"{MODEL}.retry_base=0.01"])
    assert len(server.batches) == 1
    assert [batch.id for batch in done.batches] == ["batch_0"]


@pytest.mark.parametrize("is_created", [True, False])
def test_llm_batch_goes_on_where_a_command_was_killed(server, pipeline, texts, monkeypatch, is_created):
    create = BatchAPI.create

    def killed(self, *arguments):
        if is_created:
            create(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(BatchAPI, "create", killed)
    with pytest.raises(KeyboardInterrupt):
        submit_batches(pipeline, texts)
    (status,) = batch_status(pipeline)
    assert (status.status, status.batch.requests) == ("planned", 4)
    monkeypatch.setattr(BatchAPI, "create", create)
    # What isn't created yet isn't what the pipeline asks any more.
    other = [] if is_created else ["components.structured_llm_ner.format=entity_list"]
    done = submit_batches(pipeline, texts, overrides=other)
    assert (done.requests, done.waiting) == ((0, 4) if is_created else (4, 0))
    assert [batch.requests for batch in done.batches] == [4]
    assert len(server.batches) == 1
    server.end()
    assert collect_batches(pipeline, overrides=other).replies == {"valid": 4}


def test_llm_batch_waits_until_the_server_knows_its_file(server, pipeline, texts):
    server.is_late = 2
    submit_batches(pipeline, texts, overrides=[f"{MODEL}.retry_base=0.001"])
    server.is_late = 9
    with pytest.raises(UserError, match=r"E685.*Cannot find file"):
        submit_batches(pipeline, texts, overrides=[f"{MODEL}.retry_base=0.001", f"{MODEL}.temperature=0.1"])
    assert len(server.batches) == 1


def test_llm_batch_tells_a_command_that_another_one_is_at_work(pipeline, texts):
    submit_batches(pipeline, texts)
    with BatchState(Path(f"{replies_of(pipeline)}-batches")), pytest.raises(UserError, match="E688"):
        batch_status(pipeline)
    assert len(batch_status(pipeline)) == 1


def test_llm_batch_is_not_created_twice_where_that_can_not_be_known(server, pipeline, texts):
    server.faults["POST /v1/batches"] = ["lost"]
    server.has_list = False
    with pytest.raises(UserError, match=r"E690.*llm batch drop"):
        submit_batches(pipeline, texts)
    with pytest.raises(UserError, match="E690"):
        submit_batches(pipeline, texts)
    assert len(server.batches) == 1
    (status,) = batch_status(pipeline)
    assert drop_batches(pipeline, [status.batch.name]) == 4
    assert len(submit_batches(pipeline, texts).batches) == 1


def test_llm_batch_collects_again_after_a_download_that_broke_off(server, pipeline, texts):
    submit_batches(pipeline, texts)
    server.end()
    path = f"GET /v1/files/{server.batches['batch_0']['output_file_id']}/content"
    server.faults[path] = ["half", 503]
    assert collect_batches(pipeline, overrides=[f"{MODEL}.retry_base=0.01"]).replies == {"valid": 4}


def test_llm_batch_keeps_each_reply_once_also_after_a_kill(server, pipeline, texts, monkeypatch):
    submit_batches(pipeline, texts)
    server.end()
    add, added = Store.add, []

    def killed(self, *arguments, **options):
        if len(added) == 2:
            raise KeyboardInterrupt
        added.append(add(self, *arguments, **options))

    monkeypatch.setattr(Store, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        collect_batches(pipeline)
    monkeypatch.setattr(Store, "add", add)
    assert collect_batches(pipeline).replies == {"valid": 4}
    assert len(list_replies(replies_of(pipeline))) == 4


def test_llm_batch_takes_the_first_of_two_lines(server, pipeline, texts):
    submit_batches(pipeline, texts)
    key = server.requests("batch_0")[0]["custom_id"]
    twice = {
        "custom_id": key,
        "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "no"}}]}},
    }
    late = {"custom_id": key, "response": None, "error": {"code": "batch_expired", "message": "late"}}
    server.end(extra=(json.dumps(twice).encode(), json.dumps(late).encode()))
    collected = collect_batches(pipeline)
    assert (collected.replies, counts(collected.issues)) == ({"valid": 4}, {TWICE: 2})


def test_llm_batch_waits_for_files_that_are_not_there_yet(server, pipeline, texts):
    submit_batches(pipeline, texts)
    server.end()
    output = server.batches["batch_0"]["output_file_id"]
    # An id that is empty is none.
    server.batches["batch_0"] |= {"output_file_id": None, "error_file_id": ""}
    assert collect_batches(pipeline).replies == {}
    server.batches["batch_0"]["output_file_id"] = output
    assert collect_batches(pipeline).replies == {"valid": 4}


def test_llm_batch_tells_of_batches_and_files_that_are_gone(server, pipeline, texts):
    submit_batches(pipeline, texts)
    server.end()
    server.files = {id: file for id, file in server.files.items() if file[0] != "output"}
    collected = collect_batches(pipeline)
    assert [kind for kind, _ in collected.issues] == ["file that the server doesn't have"]
    server.batches.clear()
    assert [status.status for status in batch_status(pipeline)] == ["gone"]
    assert drop_batches(pipeline, ["batch_0"]) == 4
    with pytest.raises(UserError, match="E692"):
        drop_batches(pipeline, ["batch_0"])


def test_llm_batch_adapts_to_what_the_model_refused(server, pipeline, texts):
    message = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    server.spoil = lambda text: {
        "error": {"message": message, "param": "max_tokens", "code": "unsupported_parameter"}
    }
    submit_batches(pipeline, texts)
    server.end()
    collected = collect_batches(pipeline)
    assert counts(collected.issues) == {REFUSED: 4}
    server.spoil = lambda text: None
    done = submit_batches(pipeline, texts)
    body = server.requests(done.batches[0].id)[0]["body"]
    assert ("max_tokens" in body, body["max_completion_tokens"]) == (False, 2048)
    server.end()
    assert collect_batches(pipeline).replies == {"valid": 4}
    assert submit_batches(pipeline, texts).requests == 0


def test_llm_batch_takes_texts_of_every_format(pipeline, tmp_path):
    corpus = save_corpus(tmp_path)
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    (tmp_path / "texts.conll").write_text("Anna B-PER\nslept O\n\n")
    assert submit_batches(pipeline, corpus, send=False).requests == 4
    assert submit_batches(pipeline, tmp_path / "texts.jsonl", send=False).requests == 4
    assert submit_batches(pipeline, tmp_path / "texts.conll", send=False).requests == 1
    # Each request once, wherever its text comes from.
    assert submit_batches(pipeline, [corpus, tmp_path / "texts.jsonl"], send=False).requests == 4
    nlp = spacy.blank("en")
    assert submit_batches(pipeline, [nlp(text) for text in TEXTS[:2]], send=False).requests == 2
    assert batch_status(pipeline) == []


def test_llm_batch_has_no_key_in_any_file(server, pipeline, texts, tmp_path, monkeypatch):
    server.api_key = "secret-of-mine-1234"
    monkeypatch.setenv("BATCH_KEY", server.api_key)
    key = f"{MODEL}.api_key_env=BATCH_KEY"
    with pytest.raises(UserError, match=r"E685.*api_key_env"):
        submit_batches(pipeline, texts)
    monkeypatch.setenv("OTHER_KEY", "wrong-key-12345678")
    with pytest.raises(UserError, match=r"E685.*\*\*\*.*OTHER_KEY"):
        submit_batches(pipeline, texts, overrides=[f"{MODEL}.api_key_env=OTHER_KEY"])
    submit_batches(pipeline, texts, overrides=[key])
    server.end()
    assert collect_batches(pipeline, overrides=[key]).replies == {"valid": 4}
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"secret-of-mine" not in path.read_bytes()


def test_llm_batch_keeps_to_the_budget(server, pipeline, texts):
    nlp = spacy.load(pipeline)
    config = {"labels": ["PER"], "model": {"base_url": server.url, "name": "m", "budget": {"tokens": 100}}}
    config["model"]["store"] = replies_of(pipeline)
    nlp.replace_pipe("structured_llm_ner", "structured_llm_ner", config=config)
    with pytest.raises(UserError, match="E691"):
        submit_batches(nlp, texts)
    assert (server.calls, batch_status(pipeline)) == ([], [])


def test_llm_batch_wants_a_store(pipeline, texts):
    with pytest.raises(UserError, match="E694"):
        submit_batches(pipeline, texts, overrides=[f"{MODEL}.store=null"])


def test_llm_batch_reads_replies_as_they_were_asked_for(server, pipeline, texts):
    submit_batches(pipeline, texts)
    server.end()
    with pytest.raises(UserError, match=r"E687.*entity_list"):
        collect_batches(pipeline, overrides=["components.structured_llm_ner.format=entity_list"])
    submit_batches(pipeline, texts, overrides=["components.structured_llm_ner.format=entity_list"])
    collected = collect_batches(pipeline)
    assert (collected.replies, collected.others) == ({"valid": 4}, 1)


def test_llm_batch_cuts_texts_by_the_sentences_that_a_run_finds(server, pipeline, tmp_path):
    """A component in front that ends sentences elsewhere than the rule for Docs without."""
    nlp = spacy.load(pipeline, config={"components.structured_llm_ner.chunk_tokens": 64})
    nlp.add_pipe("sentencizer", config={"punct_chars": [","]}, first=True)
    nlp.max_length = 900
    text = (
        "Anna met Bob, who was in Oslo. He slept there, and Carl woke. Dora came by on a day, and left. " * 8
    )
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in (text, " ", "Anna " * 200)))
    done = submit_batches(nlp, path)
    assert done.requests > 2
    assert done.too_long == 1
    server.end()
    collect_batches(nlp)
    assert submit_batches(nlp, path).requests == 0
    calls = len(server.calls)
    assert nlp(text)._.ner_failure == ""
    assert len(server.calls) == calls


@Language.component("unsure_of_the_first")
def unsure_of_the_first(doc):
    unsure = {"uncertainty": float(doc.text == TEXTS[0])}
    doc.spans["first"] = SpanGroup(doc, name="first", attrs=unsure)
    return doc


def test_llm_batch_asks_about_what_a_cascade_asks_about(server, texts, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("unsure_of_the_first")
    model = {"base_url": server.url, "name": "m", "store": str(tmp_path / "replies.sqlite")}
    config = {"labels": list(LABELS), "model": model, "cascade": {"uncertainty": 0.5}}
    nlp.add_pipe("structured_llm_ner", config=config)
    assert submit_batches(nlp, texts).requests == 1
    server.end()
    assert collect_batches(nlp).replies == {"valid": 1}
    assert submit_batches(nlp, texts).requests == 0


def test_llm_batch_asks_a_question_for_each_label(server, pipeline, texts):
    per_type = ["components.structured_llm_ner.format=per_type"]
    done = submit_batches(pipeline, texts, overrides=per_type)
    assert done.requests == 4 * len(LABELS)
    server.end()
    collected = collect_batches(pipeline, overrides=per_type)
    assert sum(collected.replies.values()) == done.requests
    again = submit_batches(pipeline, texts, overrides=per_type)
    assert again.requests == again.seconds == collected.questions


def test_llm_batch_asks_about_samples_and_what_is_in_the_store_is_left_out(server, pipeline, texts):
    three = ["components.structured_llm_ner.samples=3", f"{MODEL}.temperature=0.7", f"{MODEL}.seed=1"]
    done = submit_batches(pipeline, texts, overrides=three)
    seeds = sorted(request["body"]["seed"] for request in server.requests(done.batches[0].id))
    assert seeds == [1] * 4 + [2] * 4 + [3] * 4
    server.end()
    assert collect_batches(pipeline, overrides=three).replies == {"valid": 12}
    more = ["components.structured_llm_ner.samples=4", *three[1:]]
    assert submit_batches(pipeline, texts, overrides=more).requests == 4


def test_llm_batch_follows_a_dialogue_as_far_as_its_replies_are_there(server, pipeline, texts):
    """A format whose questions depend on replies: what follows from them goes into the next batch."""
    nlp = spacy.load(pipeline)
    prompter = nlp.get_pipe("structured_llm_ner").extractor.prompter
    dialogue = type(prompter).dialogue

    def two_turns(text, sample=0, **options):
        (first,) = next(dialogue(prompter, text, sample, **options))
        (outcome,) = yield [first]
        turns = [*first.request.messages, {"role": "user", "content": f"And else: {text}"}]
        (outcome,) = yield [replace(first, request=replace(first.request, messages=turns))]
        return outcome

    prompter.dialogue = two_turns
    for turn in range(2):
        done = submit_batches(nlp, texts)
        assert (done.requests, done.seconds) == (4, 0)
        assert len(server.requests(done.batches[0].id)[0]["body"]["messages"]) == 2 + turn
        server.end()
        assert collect_batches(nlp).replies == {"valid": 4}
    assert submit_batches(nlp, texts).requests == 0


def test_llm_batch_goes_through_a_database(
    server, pipeline, texts, postgresql_address, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = {"overrides": [f"{MODEL}.store={postgresql_address}"]}
    assert submit_batches(pipeline, texts, send=False, **given).requests == 4
    assert submit_batches(pipeline, texts, **given).requests == 4
    assert submit_batches(pipeline, texts, **given).waiting == 4
    server.end()
    assert collect_batches(pipeline, **given).replies == {"valid": 4}
    assert submit_batches(pipeline, texts, **given).requests == 0
    config = {f"{MODEL}.store": postgresql_address, f"{MODEL}.replay_only": True}
    docs = list(spacy.load(pipeline, config=config).pipe(TEXTS))
    assert all({ent.text for ent in doc.ents} == names(doc) for doc in docs)
    assert len(list(tmp_path.glob("127.0.0.1-*-batches"))) == 1
