"""From a text to a request, and from its reply to mentions."""

from collections.abc import Callable, Sequence
from typing import Protocol

from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.dialogues import ask_one
from spacy_ner_plus.llm.formats import ReplyFormat
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.formats.refusals import find_refusal
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
from spacy_ner_plus.llm.prompting.prompts import build_messages
from spacy_ner_plus.llm.requests import (
    ChatReply,
    ChatRequest,
    Dialogue,
    InvalidReply,
    Message,
    Outcome,
    Question,
)
from spacy_ner_plus.llm.token_probabilities import add_probabilities


class Demonstrations(Protocol):
    """Chooses the examples in a prompt: at most `k` of `examples`."""

    examples: list[Demonstration]
    k: int

    def select(self, text: str) -> list[Demonstration]:
        """RETURNS (list[Demonstration]): Examples for a text, never the text itself."""
        ...


class Prompter:
    """Ask for the entities of a text, and read the reply.

    format (ReplyFormat): How the reply is written.
    demonstrations (Demonstrations | None): Chooses examples for the prompt; None for no examples.
    template (str | None): Source of a Jinja template for the instructions; None for the format's own.
    task (str): What the texts are and what is looked for, for the instructions.
    """

    def __init__(
        self,
        format: ReplyFormat,
        labels: LabelSet,
        demonstrations: Demonstrations | None = None,
        template: str | None = None,
        task: str = "",
    ):
        self.format = format
        self.labels = labels
        self.demonstrations = demonstrations
        self.template = template
        self.task = task
        self._schema = format.schema(labels.names)
        self._grammar = format.grammar(labels.names)

    def dialogue(
        self, text: str, sample: int = 0, *, whole: str = "", is_divisible: bool = False
    ) -> Dialogue[Outcome[Reading]]:
        """Ask for the mentions of a text: by one question, unless the format has a `dialogue` of its own.

        text (str): It is sent as it is and never read as a template.
        sample (int): Which of several samples, from 0.
        whole (str): The document that the text is a part of. No demonstration is the document or a
            part of it.
        is_divisible (bool): Whether the text can be asked about in parts where a reply is cut.
        """
        return ask_one(
            Question(self.request(text, sample, whole=whole), self.reader(text), is_divisible=is_divisible)
        )

    def requests(self, text: str, sample: int = 0, *, whole: str = "") -> list[ChatRequest]:
        """RETURNS (list[ChatRequest]): What is sent first about a text, without what follows from the replies."""
        return [question.request for question in next(self.dialogue(text, sample, whole=whole))]

    def request(self, text: str, sample: int = 0, *, whole: str = "") -> ChatRequest:
        """RETURNS (ChatRequest): The one question about a text; its arguments are those of `dialogue`."""
        examples = self.demonstrations.select(text) if self.demonstrations else []
        if len(whole) > len(text):
            examples = [example for example in examples if not _gives_away(example.text, text, whole)]
        messages = build_messages(
            self.format, self.labels, text, examples, template=self.template, task=self.task
        )
        return ChatRequest(messages, self._schema, grammar=self._grammar, sample=sample)

    def overhead(self, count: Callable[[Sequence[Message]], int]) -> int:
        """RETURNS (int): Tokens of a request beside its text, with the longest demonstrations it may have."""
        chosen = self.demonstrations
        if chosen is None:
            return count(
                build_messages(self.format, self.labels, "", [], template=self.template, task=self.task)
            )
        longest = sorted(chosen.examples, key=lambda example: len(example.text))[-chosen.k :]
        return count(
            build_messages(self.format, self.labels, "", longest, template=self.template, task=self.task)
        )

    def reader(self, text: str) -> Callable[[ChatReply], Reading]:
        """RETURNS (Callable): Reads the reply to a text, or raises InvalidReply, which says what it is instead."""

        def read(reply: ChatReply) -> Reading:
            said = f": '{' '.join(reply.content.split())[:120]}'" if reply.content.strip() else ""
            if reply.finish_reason == "content_filter":
                raise InvalidReply(f"the server's content filter stopped the reply{said}", is_final=True)
            if reply.finish_reason == "refusal":
                raise InvalidReply(f"the model refuses{said}")
            try:
                read = Reading.of(self.format.parse(reply.content, self.labels.names, text))
            except InvalidReply as error:
                # What is no answer may be a refusal; what is one isn't, whatever its text says.
                raise InvalidReply(find_refusal(strip_reply(reply.content), text) or str(error)) from None
            return add_probabilities(read, reply)

        return read


def _gives_away(example: str, text: str, whole: str) -> bool:
    """Whether an example is the document or a part of it, so that its entities are the answer."""
    return text.strip() in example or example.strip() in whole
