"""What the tests of the client share: a prompt, how its reply is read, and a chat model for a server."""

from typing import Any

from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats.json_replies import read_json
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, InvalidReply, Outcome
from tests.servers.fault_server import FaultServer, digest_of
from tests.servers.known_answers import LABELS

SCHEMA = {
    "type": "object",
    "properties": {label: {"type": "array", "items": {"type": "string"}} for label in LABELS},
    "required": list(LABELS),
    "additionalProperties": False,
}


def ask_for(text: str, *, sample: int = 0, schema: dict[str, Any] | None = SCHEMA) -> ChatRequest:
    messages = [{"role": "system", "content": "List the names."}, {"role": "user", "content": text}]
    return ChatRequest(messages, schema=schema, sample=sample)


def read_lists(reply: ChatReply) -> dict[str, list[str]]:
    lists = read_json(reply.content)
    if set(lists) != set(LABELS):
        raise InvalidReply(f"it has the keys {sorted(lists)}")
    return lists


def open_model(**settings: Any) -> ChatModel:
    return ChatModel(ChatSettings(**settings))


def make_model(server: FaultServer, **settings: Any) -> ChatModel:
    return open_model(**{"base_url": server.url, "name": "tiny", "retry_base": 0.01, **settings})


def ask_all(model: ChatModel, texts: list[str]) -> list[Outcome[dict[str, list[str]]]]:
    futures = [model.submit(ask_for(text), read_lists) for text in texts]
    return [future.result(timeout=60) for future in futures]


def texts_of(count: int) -> list[str]:
    return [f"Anna met Bob and Charlotte in Oslo on day {number}." for number in range(count)]


def digest_of_text(text: str) -> str:
    return digest_of(ask_for(text).messages)
