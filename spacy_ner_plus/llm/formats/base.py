"""What a reply format is, and what formats share."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Protocol, runtime_checkable

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.names import find_name
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.requests import Dialogue, InvalidReply, Message, Outcome, Question

CharMention = tuple[int, int, str]


@runtime_checkable
class ReplyFormat(Protocol):
    """How a model writes down the entities of a text: asked for, read, and shown in examples.

    An object with these members is a format; it keeps no state.

    name (str): Names the format, and its JSON schema in requests.
    instructions (str): Source of the Jinja template of the system message. It gets `labels`, each with
        `name`, `definition`, `examples` and `class_name` (a Python class's), and `skeleton`; never a text.
        `task` is the user's description of the task; a template without it gets that in front. The
        filters `python`, `docstring` and `comment` write a string as Python source.
    """

    name: str

    @property
    def instructions(self) -> str: ...

    def skeleton(self, labels: Sequence[str]) -> str:
        """RETURNS (str): What a reply looks like, for the instructions."""
        ...

    def schema(self, labels: Sequence[str]) -> dict[str, Any] | None:
        """RETURNS (dict[str, Any] | None): The JSON schema of replies; None where they are no JSON."""
        ...

    def grammar(self, labels: Sequence[str]) -> str | None:
        """RETURNS (str | None): The GBNF grammar of replies; None where a JSON schema says it."""
        ...

    def parse(self, content: str, labels: Sequence[str], text: str) -> list[Mention]:
        """Read a reply.

        content (str): The reply as the server sent it.
        labels (Sequence[str]): The labels that were asked for.
        text (str): The text that was sent.
        RETURNS (list[Mention]): The mentions, in the order of the reply; a Reading also says what was
            repaired, and which parts of the text the reply leaves out.
        RAISES (InvalidReply): With a reason that a model can act on.
        """
        ...

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        """Write the ideal reply.

        mentions (Sequence[tuple[int, int, str]]): Start, end and label, by character; they don't overlap.
        labels (Sequence[str]): The labels that are asked for.
        """
        ...


class ConversationFormat(ReplyFormat, Protocol):
    """A format that asks several questions about a text, each about some of the labels.

    `parse`, `render`, `schema` and `grammar` get the labels that a question is about.
    """

    def turns(self, text: str, labels: Sequence[str]) -> list[Message]:
        """Write the messages that a reply follows, after the instructions and the examples; in these, too.

        text (str): It is in one of the messages, and never read as a template.
        labels (Sequence[str]): What the question is about; it names them.
        """
        ...

    def dialogue(
        self, labels: Sequence[str], ask: Callable[[Sequence[str]], Question[Reading]]
    ) -> Dialogue[Outcome[Reading]]:
        """Ask about a text.

        labels (Sequence[str]): All labels.
        ask (Callable): Makes the question about some labels.
        RETURNS (Dialogue[Outcome[Reading]]): It yields the questions that may be asked at the same time, gets
            what came of each, and returns what they come to.
        """
        ...


@runtime_checkable
class ReadsCutReplies(Protocol):
    """What a format can do beside: take from a reply that ended at the limit of tokens what it holds completely."""

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        """Read such a reply.

        RETURNS (Reading): Its whole items. `unread` is all of the text of which it can't be said for sure that
            nothing else is an entity there.
        RAISES (InvalidReply): Where it holds nothing completely.
        """
        ...


@runtime_checkable
class GrammarOfText(Protocol):
    """What a format can do beside: hold replies to one text, for servers that take a grammar with each request."""

    def text_grammar(self, labels: Sequence[str], text: str, pieces: Sequence[tuple[int, int]]) -> str | None:
        """Write the grammar of the replies that name nothing but what is in a text.

        labels (Sequence[str]): The labels that are asked for.
        pieces (Sequence[tuple[int, int]]): Start and end of the text's tokens, by character and in order: a mention is
            a run of some.
        RETURNS (str | None): Lark's source, as llguidance reads it; None where this text has none.
        """
        ...


@lru_cache(maxsize=16)
def shipped_template(name: str) -> str:
    """Read a template that comes with the package.

    name (str): Such as 'label_lists.v1'. A published template is never changed: another is the next version.
    RETURNS (str): Its source.
    """
    resource = files("spacy_ner_plus.llm.prompting") / "templates" / f"{name}.jinja"
    return resource.read_text(encoding="utf8")


def find_label(name: str, labels: Sequence[str], repairs: IssueLog | None = None) -> str:
    """Find the label that a reply names; one that differs in case, spaces or hyphens counts if there is only one such.

    labels (Sequence[str]): The labels that were asked for.
    repairs (IssueLog | None): Where another spelling is counted.
    RAISES (InvalidReply): Where it is none of them.
    """
    found = find_name(name, labels, repairs)
    if found is None:
        raise InvalidReply(f"'{name[:60]}' is none of the labels; use only: {', '.join(labels)}")
    return found
