"""Answers as chats to train a chat model on: what was asked, and the right reply.

{"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "Ann left."},
              {"role": "assistant", "content": "{\\"PER\\": [\\"Ann\\"]}"}]}
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
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
HIDDEN = "example, in a chat, of a text that is excluded, of a dry run or of the dev data: left out of it"
_SHOWN = 60
# Stands for a text where it is found out in which of the messages about it a format puts it.
_ANY_TEXT = "\0text\0"


@dataclass(frozen=True)
class Example:
    """An example that a prompt had.

    texts (tuple[str, ...]): The text that it shows; several where it isn't known which of them are examples.
    messages (tuple[Message, ...]): Of the prompt.
    """

    texts: tuple[str, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Chat:
    """A question and the right reply.

    question (tuple[Message, ...]): Without examples: instructions, and what is asked.
    examples (tuple[Example, ...]): Between these.
    reply (str): What the assistant is to say.
    is_raw (bool): Whether that is what the model itself said.
    """

    question: tuple[Message, ...]
    examples: tuple[Example, ...]
    reply: str
    is_raw: bool

    @property
    def messages(self) -> list[Message]:
        """RETURNS (list[Message]): The last is the assistant's."""
        begin = int(bool(self.question) and self.question[0].get("role") == "system")
        shown = chain.from_iterable(example.messages for example in self.examples)
        reply = {"role": "assistant", "content": self.reply}
        return [*self.question[:begin], *shown, *self.question[begin:], reply]

    def without(self, is_hidden: Callable[[str], bool], left_out: IssueLog) -> "Chat":
        """RETURNS (Chat): Without the examples of texts that aren't to be seen; they are counted."""
        shown = []
        for example in self.examples:
            hidden = next((text for text in example.texts if is_hidden(text)), None)
            if hidden is None:
                shown.append(example)
            else:
                left_out.add(HIDDEN, hidden[:_SHOWN])
        return replace(self, examples=tuple(shown))

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
        question, examples = _parted(first, form, answer)
        examples = examples if self._examples else ()
        reply = replies[0].reply
        # Of several replies what counts may be the first, the last or all of them together.
        if len(replies) == 1 and reply.status == ReplyStatus.VALID and not answer.is_corrected:
            return Chat(question, examples, reply.content, True)
        if form is None:
            return NO_FORMAT
        labels, text = answer.inference.labels, answer.inference.text
        try:
            content = form.render([tuple(span) for span in answer.entities], labels, text)
        except (UserError, ValueError, LookupError):
            return CANT_WRITE
        return Chat(question, examples, content, False)

    def _format(self, name: str) -> ReplyFormat | None:
        if name not in self._formats:
            try:
                self._formats[name] = get_format(name) if name else None
            except UserError:
                self._formats[name] = None
        return self._formats[name]


def _could_be_read(reply: KeptReply) -> bool:
    return reply.reply.status not in (ReplyStatus.INVALID, ReplyStatus.CUT)


def _parted(
    messages: Sequence[Message], form: ReplyFormat | None, answer: Answer
) -> tuple[tuple[Message, ...], tuple[Example, ...]]:
    """RETURNS (tuple[tuple[Message, ...], tuple[Example, ...]]): What is asked, and the examples in it."""
    turns: Any = getattr(form, "turns", None)
    # A text is a message of its own, unless the format has turns for it.
    pattern = [_ANY_TEXT]
    if turns is not None:
        pattern = [turn["content"] for turn in turns(_ANY_TEXT, answer.inference.labels)]
    system = 1 if messages and messages[0].get("role") == "system" else 0
    end = max(system, len(messages) - len(pattern))
    question = (*messages[:system], *messages[end:])
    shown = messages[system:end]
    # Each is asked about as the text is, and replied to.
    size = len(pattern) + 1
    if len(shown) % size:
        # Not of this form: all of them or none.
        texts = tuple(str(message.get("content")) for message in shown)
        return question, (Example(texts, tuple(shown)),)
    blocks = [tuple(shown[start : start + size]) for start in range(0, len(shown), size)]
    return question, tuple(Example(_texts_of(block, pattern), block) for block in blocks)


def _texts_of(block: Sequence[Message], pattern: Sequence[str]) -> tuple[str, ...]:
    found = []
    for message, form in zip(block, pattern, strict=False):
        before, is_text, after = form.partition(_ANY_TEXT)
        if is_text:
            found.append(str(message.get("content")).removeprefix(before).removesuffix(after))
    return tuple(found)
