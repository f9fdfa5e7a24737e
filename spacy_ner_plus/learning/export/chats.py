"""Answers as chats to train a chat model on: what was asked, and the right reply.

{"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "Ann left."},
              {"role": "assistant", "content": "{\\"PER\\": [\\"Ann\\"]}"}]}
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.export.answers import Answer
from spacy_ner_plus.llm.formats import ReplyFormat, get_format
from spacy_ner_plus.llm.requests import Message, ReplyStatus
from spacy_ner_plus.llm.store.store import KeptReply, Store

SEVERAL = "text that was asked about in several questions"
NO_REQUEST = "answer whose request or reply the store doesn't have any more"
NO_FORMAT = "answer in a reply format that isn't here, and its reply can't be taken as it is"
CANT_WRITE = "right answer that the reply format can't write"
_SHOWN = 60


@dataclass(frozen=True)
class Chat:
    """A question and the right reply.

    messages (Sequence[Message]): The last is the assistant's.
    is_raw (bool): Whether the reply is what the model itself said.
    """

    messages: Sequence[Message]
    is_raw: bool

    def to_json(self) -> str:
        """RETURNS (str): A line, without its end."""
        return json.dumps({"messages": [dict(message) for message in self.messages]}, ensure_ascii=False)


class ChatWriter:
    """Makes chats of answers.

    store (Store): It has the requests and their replies.
    examples (bool): Whether the examples that the prompts had stay in them.
    left_out (IssueLog): Where what can't become a chat is counted, with the reason.
    """

    def __init__(self, store: Store, *, examples: bool, left_out: IssueLog):
        self._store = store
        self._examples = examples
        self._left_out = left_out
        self._formats: dict[str, ReplyFormat | None] = {}

    def chats(self, answers: Sequence[Answer]) -> list[tuple[Answer, Chat]]:
        """RETURNS (list[tuple[Answer, Chat]]): Each answer that can become a chat, with it, in order."""
        kept = self._kept({key for answer in answers for key in answer.inference.request_keys})
        found = []
        for answer in answers:
            chat = self._chat(answer, kept)
            if isinstance(chat, Chat):
                found.append((answer, chat))
            else:
                self._left_out.add(chat, answer.inference.text[:_SHOWN])
        return found

    def _kept(self, keys: Iterable[str]) -> dict[str, KeptReply]:
        """RETURNS (dict[str, KeptReply]): By the key of its request, the reply that a run would read."""
        keys = set(keys)
        kept: dict[str, KeptReply] = {}
        for reply in self._store.replies():
            key = reply.reply.key
            if key in keys and (key not in kept or not _could_be_read(kept[key])):
                kept[key] = reply
        return kept

    def _chat(self, answer: Answer, kept: Mapping[str, KeptReply]) -> Chat | str:
        """RETURNS (Chat | str): The chat, or why there is none."""
        replies = [kept.get(key) for key in dict.fromkeys(answer.inference.request_keys)]
        if not replies or any(reply is None for reply in replies):
            return NO_REQUEST
        asked = [reply.request.get("messages") or [] for reply in replies]
        first = asked[0]
        # Samples ask the same again; re-asks and further passes go on after what was said.
        if any(messages[: len(first)] != first for messages in asked):
            return SEVERAL
        form = self._format(answer.inference.format)
        question = first if self._examples else _without_examples(first, form, answer)
        reply = replies[0].reply
        # Of several replies what counts may be the first, the last or all of them together.
        if len(replies) == 1 and reply.status == ReplyStatus.VALID and not answer.is_corrected:
            return Chat([*question, {"role": "assistant", "content": reply.content}], True)
        if form is None:
            return NO_FORMAT
        labels, text = answer.inference.labels, answer.inference.text
        try:
            content = form.render([tuple(span) for span in answer.entities], labels, text)
        except (UserError, ValueError, LookupError):
            return CANT_WRITE
        return Chat([*question, {"role": "assistant", "content": content}], False)

    def _format(self, name: str) -> ReplyFormat | None:
        if name not in self._formats:
            try:
                self._formats[name] = get_format(name) if name else None
            except UserError:
                self._formats[name] = None
        return self._formats[name]


def _could_be_read(reply: KeptReply) -> bool:
    return reply.reply.status not in (ReplyStatus.INVALID, ReplyStatus.CUT)


def _without_examples(
    messages: Sequence[Message], form: ReplyFormat | None, answer: Answer
) -> Sequence[Message]:
    turns: Any = getattr(form, "turns", None)
    count = 1 if turns is None else len(turns(answer.inference.text, answer.inference.labels))
    system = [message for message in messages[:1] if message.get("role") == "system"]
    return [*system, *messages[-count:]]
