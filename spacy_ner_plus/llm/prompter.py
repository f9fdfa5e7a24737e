"""From a text to a request, and from a reply back to mentions: format, labels and demonstrations together."""

from collections.abc import Callable
from typing import Protocol

from spacy_ner_plus.llm.demonstrations import Demonstration
from spacy_ner_plus.llm.formats import ReplyFormat
from spacy_ner_plus.llm.labels import LabelSet
from spacy_ner_plus.llm.mentions import InvalidReply, Mention
from spacy_ner_plus.llm.prompts import build_messages
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest


class Demonstrations(Protocol):
    """Where the examples in a prompt come from."""

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

    def request(self, text: str, sample: int = 0) -> ChatRequest:
        """Write the request for a text.

        text (str): The text; it is sent as it is and never read as a template.
        sample (int): Which of several samples.
        RETURNS (ChatRequest): The request.
        """
        examples = self.demonstrations.select(text) if self.demonstrations else []
        messages = build_messages(self.format, self.labels, text, examples, template=self.template)
        return ChatRequest(messages, self._schema, grammar=self._grammar, sample=sample)

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
