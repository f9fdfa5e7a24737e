"""From a text to a request, and from a reply back to mentions: format, labels and demonstrations together."""

from collections.abc import Callable, Sequence
from typing import Protocol

from spacy_ner_plus.alignment.mentions import InvalidReply, Mention
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.formats import ReplyFormat
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
from spacy_ner_plus.llm.prompting.prompts import build_messages
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Message


class Demonstrations(Protocol):
    """Where the examples in a prompt come from: `k` at most of `examples`."""

    examples: list[Demonstration]
    k: int

    def select(self, text: str) -> list[Demonstration]:
        """RETURNS (list[Demonstration]): Those for this text, never the text itself."""
        ...


class Prompter:
    """Ask for the entities of a text, and read the reply.

    format (ReplyFormat): How the reply is written.
    labels (LabelSet): What to look for.
    demonstrations (Demonstrations | None): Examples for the prompt.
    template (str | None): A Jinja template of one's own for the instructions.
    """

    def __init__(
        self,
        format: ReplyFormat,
        labels: LabelSet,
        demonstrations: Demonstrations | None = None,
        template: str | None = None,
    ):
        self.format = format
        self.labels = labels
        self.demonstrations = demonstrations
        self.template = template
        self._schema = format.schema(labels.names)
        self._grammar = format.grammar(labels.names)

    def request(self, text: str, sample: int = 0, *, whole: str = "") -> ChatRequest:
        """Write the request for a text.

        text (str): The text; it is sent as it is and never read as a template.
        sample (int): Which of several samples.
        whole (str): The document that the text is a part of; no demonstration is it, or a part of it.
        RETURNS (ChatRequest): The request.
        """
        examples = self.demonstrations.select(text) if self.demonstrations else []
        if len(whole) > len(text):
            examples = [example for example in examples if not _tells(example.text, text, whole)]
        messages = build_messages(self.format, self.labels, text, examples, template=self.template)
        return ChatRequest(messages, self._schema, grammar=self._grammar, sample=sample)

    def overhead(self, count: Callable[[Sequence[Message]], int]) -> int:
        """Count what a request takes beside its text, with the longest demonstrations that may be chosen.

        count (Callable): Counts the tokens of messages.
        RETURNS (int): Tokens.
        """
        chosen = self.demonstrations
        if chosen is None:
            return count(build_messages(self.format, self.labels, "", [], template=self.template))
        longest = sorted(chosen.examples, key=lambda example: len(example.text))[-chosen.k :]
        return count(build_messages(self.format, self.labels, "", longest, template=self.template))

    def reader(self, text: str) -> Callable[[ChatReply], list[Mention]]:
        """Make a function that reads the reply to a text.

        text (str): The text.
        RETURNS (Callable): From a reply to mentions; raises InvalidReply.
        """

        def read(reply: ChatReply) -> list[Mention]:
            if reply.finish_reason == "length":
                raise InvalidReply("it was cut off at the limit of tokens (max_tokens)")
            return self.format.parse(reply.content, self.labels.names, text)

        return read


def _tells(example: str, text: str, whole: str) -> bool:
    """Whether an example is the document, or a part of it, so that its entities would tell the answer."""
    return text.strip() in example or example.strip() in whole
