import json

import pytest

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.export.answers import Answer
from spacy_ner_plus.learning.export.chats import (
    CANT_WRITE,
    NO_FORMAT,
    NO_REQUEST,
    SEVERAL,
    ChatWriter,
)
from spacy_ner_plus.learning.fine_tuning_jobs import check_chats
from spacy_ner_plus.llm.client.open_question import RE_ASK
from spacy_ner_plus.llm.passes import NEXT_PASS
from spacy_ner_plus.llm.requests import ChatRequest, ReplyStatus
from spacy_ner_plus.llm.store.store import Store
from tests.learning.export.stored import (
    ANNA,
    EXAMPLE,
    LABELS,
    OSLO,
    RAW,
    TEXT,
    answered,
    keep,
    last,
    prompter,
)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.sqlite") as opened:
        yield opened


def chat_of(store, inference, *, entities=None, examples=True):
    """RETURNS: The chat, or why there is none."""
    left_out = IssueLog()
    answer = Answer(inference, entities or inference.entities, entities is not None, 1.0)
    found = ChatWriter(store, examples=examples, left_out=left_out).chats([answer])
    if not found:
        ((reason, issue),) = left_out
        assert issue.count == 1
        return reason
    return found[0][1]


def test_chats_have_the_reply_as_it_came(store, tmp_path):
    chat = chat_of(store, answered(store))
    assert chat.is_raw
    assert [message["role"] for message in chat.messages] == ["system", "user", "assistant"]
    assert chat.messages[:-1] == prompter().request(TEXT).messages
    assert chat.messages[-1]["content"] == RAW
    (tmp_path / "x.jsonl").write_text(f"{chat.to_json()}\n", encoding="utf8")
    assert check_chats(tmp_path / "x.jsonl") == 1
    # Exactly this shape is what servers and trainers read.
    row = json.loads(chat.to_json())
    assert set(row) == {"messages"}
    assert all(set(message) == {"role", "content"} for message in row["messages"])


@pytest.mark.parametrize("format", ["label_lists", "entity_list", "inline_tags", "bio_lines", "guidelines"])
def test_chats_have_the_right_answer_in_the_format_that_was_asked_for(store, format):
    inference = answered(store, asked=prompter(format), raw="wrong")
    chat = chat_of(store, inference, entities=(OSLO, ANNA))
    assert not chat.is_raw
    content = chat.messages[-1]["content"]
    found = prompter(format).format.parse(content, LABELS, TEXT)
    assert {(mention.text, mention.label) for mention in found} == {("Anna", "PER"), ("Oslo", "LOC")}


@pytest.mark.parametrize("status", [ReplyStatus.REPAIRED, ReplyStatus.UNREAD, ReplyStatus.CUT])
def test_chats_teach_no_reply_that_was_not_in_the_form(store, status):
    chat = chat_of(store, answered(store, raw="```json\n{}\n```", status=status))
    assert not chat.is_raw
    assert last(chat) == {"PER": ["Anna"], "LOC": ["Oslo"]}


def test_chats_keep_the_examples_unless_they_are_not_wanted(store):
    inference = answered(store, asked=prompter(examples=[EXAMPLE]))
    roles = [message["role"] for message in chat_of(store, inference).messages]
    assert roles == ["system", "user", "assistant", "user", "assistant"]
    assert chat_of(store, inference, examples=False).messages == [
        *prompter().request(TEXT).messages,
        {"role": "assistant", "content": RAW},
    ]


def test_chats_of_a_question_by_label_have_its_turns(store):
    asked = prompter("per_type", ["PER"], [EXAMPLE])
    inference = answered(store, entities=(ANNA,), asked=asked, raw="[]", status=ReplyStatus.REPAIRED)
    chat = chat_of(store, inference, examples=False)
    assert [message["role"] for message in chat.messages] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert chat.messages[1]["content"] == f"Text: {TEXT}"
    assert last(chat) == {"entities": ["Anna"]}


@pytest.mark.parametrize("question", [RE_ASK.format(reason="it is no JSON"), NEXT_PASS])
def test_chats_begin_with_the_question_where_it_was_asked_again(store, question):
    first = prompter().request(TEXT)
    turns = [{"role": "assistant", "content": "Anna!"}, {"role": "user", "content": question}]
    keys = (
        keep(store, first, "Anna!", ReplyStatus.INVALID),
        keep(store, ChatRequest([*first.messages, *turns], first.schema), RAW),
    )
    chat = chat_of(store, answered(store, request_keys=keys))
    assert chat.messages[:-1] == first.messages
    assert last(chat) == {"PER": ["Anna"], "LOC": ["Oslo"]}


def test_chats_of_several_samples_have_what_they_come_to(store):
    keys = tuple(
        keep(store, prompter().requests(TEXT, sample)[0], raw)
        for sample, raw in enumerate(['{"PER": [], "LOC": []}', RAW, RAW])
    )
    assert last(chat_of(store, answered(store, request_keys=keys))) == {"PER": ["Anna"], "LOC": ["Oslo"]}


def test_chats_are_told_apart_from_what_is_none(store):
    parts = tuple(keep(store, prompter().request(part), RAW) for part in ("Anna lives", "in Oslo."))
    assert chat_of(store, answered(store, request_keys=parts)) == SEVERAL
    assert chat_of(store, answered(store, request_keys=("0" * 64,))) == NO_REQUEST
    assert chat_of(store, answered(store, request_keys=())) == NO_REQUEST
    assert chat_of(store, answered(store, format="mine.v1")).is_raw
    assert chat_of(store, answered(store, format="mine.v1"), entities=(ANNA,)) == NO_FORMAT
    assert chat_of(store, answered(store, labels=("PER",)), entities=(OSLO,)) == CANT_WRITE
