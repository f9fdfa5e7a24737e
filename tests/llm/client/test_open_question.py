import re
from dataclasses import replace

import pytest

from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.client.call import NoReply
from spacy_ner_plus.llm.client.open_question import OpenQuestion
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import ChatReply, ReplyStatus
from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_all, ask_for, make_model
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS, RE_ASK, names_by_label


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.mark.parametrize("fault", ["prose", "cut-json", "length"])
def test_open_question_asks_once_more_after_an_invalid_reply(tmp_path, fault):
    path = str(tmp_path / "s.sqlite")
    with (
        FaultServer(Behaviour(first=(fault,))) as server,
        make_model(server, structured="json_schema", store=path) as model,
    ):
        (outcome,) = ask_all(model, ["Anna"])
        assert (outcome.value, outcome.kind) == (names_by_label("Anna"), "")
        assert (len(outcome.replies), model.usage.reasked, model.usage.invalid) == (2, 1, 0)
    with Store(path) as store:
        first, second = store.replies()
    turns = second.request["messages"]
    assert turns[:2] == first.request["messages"]
    assert turns[2] == {"role": "assistant", "content": first.reply.content}
    assert turns[3]["content"].startswith(RE_ASK)


@pytest.mark.parametrize(
    ("fault", "reason"), [("prose", "no JSON"), ("cut-json", "closed"), ("length", "cut off.* 99 tokens")]
)
def test_open_question_says_why_replies_stayed_invalid_also_from_the_store(tmp_path, fault, reason):
    path = str(tmp_path / "s.sqlite")
    with FaultServer(Behaviour(fault_rate=1, faults=(fault,))) as server:
        for _ in range(2):
            with make_model(server, structured="json_schema", store=path, max_tokens=99) as model:
                (outcome,) = ask_all(model, ["Anna Berg"])
            assert (outcome.value, outcome.kind, len(outcome.replies)) == (None, "invalid", 2)
            assert re.search(reason, outcome.failure)
            assert model.usage.invalid == 1
    assert len(server.requests) == 2


def test_open_question_hands_on_what_reading_raises_otherwise(server):
    def read(reply):
        raise KeyError("a bug")

    with make_model(server) as model, pytest.raises(KeyError, match="a bug"):
        model.submit(ask_for("Anna"), read).result(10)


def open_question(text="Anna met Bob and Charlotte in Oslo.", format="inline_tags"):
    prompter = Prompter(get_format(format), load_labels(list(LABELS)))
    (question,) = next(prompter.dialogue(text))
    return OpenQuestion(question, 2048)


@pytest.mark.parametrize(
    ("first", "second", "unread"),
    [
        ("<PER>Anna</PER> met Bob and Charlotte", "Anna met Bob and Charlotte in <PER>Oslo</PER>.", 0),
        ("<PER>Anna</PER> met Bob and Charlotte", "<PER>Anna</PER> met Bob and", 1),
        ("<PER>Anna</PER> met Bob and", "<PER>Anna</PER> met Bob and Charlotte", 1),
        ("<PER>Anna</PER> met Bob and Charlotte", "That is all.", 1),
        ("<PER>Anna</PER> met Bob and Charlotte", NoReply("the server is gone"), 1),
    ],
)
def test_open_question_asks_once_more_for_what_a_copy_leaves_out_and_takes_the_better(first, second, unread):
    question = open_question()
    question.take(ChatReply(first))
    assert question.status(ChatReply(first)) == ReplyStatus.INVALID
    assert "leaves out 7 of" in question.request.messages[-1]["content"] or "Charlotte" not in first
    question.take(second if isinstance(second, NoReply) else ChatReply(second))
    outcome = question.outcome
    assert (outcome.kind, len(outcome.value.unread)) == ("", unread)
    if unread:
        text = "Anna met Bob and Charlotte in Oslo."
        assert text[outcome.value.unread[0][0] :] == "in Oslo."


def test_open_question_takes_a_kept_copy_as_the_answer_that_it_was_and_a_trifle_as_none():
    question = open_question()
    question.take(ChatReply("<PER>Anna</PER> met Bob and Charlotte", stored=True, status=ReplyStatus.VALID))
    assert question.outcome.value
    text = "Anna met Bob and Charlotte in the old town of Oslo, where they stayed for a year."
    question = open_question(text)
    question.take(ChatReply("<PER>Anna</PER>" + text[4:-5]))
    assert question.outcome.value.unread


@pytest.mark.parametrize(("finish_reason", "count"), [("content_filter", 1), ("refusal", 2)])
def test_open_question_asks_once_more_after_a_refusal_but_not_after_a_content_filter(finish_reason, count):
    question = open_question()
    for _ in range(count):
        assert question.outcome is None
        question.take(ChatReply("No.", finish_reason=finish_reason))
    assert (question.outcome.kind, len(question.outcome.replies)) == ("invalid", count)


def test_open_question_that_can_be_halved_goes_on_from_what_an_earlier_version_asked_again():
    (question,) = next(Prompter(get_format("label_lists"), load_labels(["PER"])).dialogue("Anna"))
    question = OpenQuestion(replace(question, is_divisible=True), 2048)
    question.take(ChatReply('{"PER": ["An', finish_reason="length", stored=True))
    assert (question.outcome.kind, question.is_settled) == ("cut", False)
    question.take(ChatReply('{"PER": ["Anna"]}', stored=True))
    assert ([mention.text for mention in question.outcome.value], question.outcome.kind) == (["Anna"], "")
