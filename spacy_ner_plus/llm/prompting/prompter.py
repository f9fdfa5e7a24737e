"""From a text to a request, and from its reply to mentions."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.near_duplicates import NEARLY, jaccard, shingles_of
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.dialogues import ask_one
from spacy_ner_plus.llm.finish_reasons import FILTERED
from spacy_ner_plus.llm.formats import ReplyFormat
from spacy_ner_plus.llm.formats.base import CharMention, GrammarOfText, ReadsCutReplies
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.formats.refusals import find_refusal
from spacy_ner_plus.llm.formats.text_grammars.held_mentions import check_held
from spacy_ner_plus.llm.formats.text_grammars.text_walk import Piece, TextWalk
from spacy_ner_plus.llm.named_words import check_mentions
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
from spacy_ner_plus.llm.prompting.prompts import NO_CONTEXT, Context, build_messages
from spacy_ner_plus.llm.requests import (
    ChatReply,
    ChatRequest,
    Dialogue,
    InvalidReply,
    Message,
    Outcome,
    Question,
    ReplyStatus,
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
    snapshot (int | None): The position of the store that the demonstrations are from; None where they aren't. A text
        then gets none that is nearly the same as its document, either.
    """

    def __init__(
        self,
        format: ReplyFormat,
        labels: LabelSet,
        demonstrations: Demonstrations | None = None,
        template: str | None = None,
        task: str = "",
        snapshot: int | None = None,
    ):
        self.format = format
        self.labels = labels
        self.demonstrations = demonstrations
        self.template = template
        self.task = task
        self.snapshot = snapshot
        self._forms: dict[tuple[str, ...], tuple[dict[str, Any] | None, str | None]] = {}

    def dialogue(
        self,
        text: str,
        sample: int = 0,
        *,
        whole: str = "",
        context: Context = NO_CONTEXT,
        is_divisible: bool = False,
        pieces: Sequence[Piece] | None = None,
    ) -> Dialogue[Outcome[Reading]]:
        """Ask for the mentions of a text: by one question, unless the format has a `dialogue` of its own.

        text (str): It is sent as it is and never read as a template.
        sample (int): Which of several samples, from 0.
        whole (str): The document that the text is a part of. No demonstration is the document or a
            part of it.
        context (tuple[str, str]): What of the document before and after the text is shown with it, and not tagged.
        is_divisible (bool): Whether the text can be asked about in parts where a reply is cut.
        pieces (Sequence[tuple[int, int]] | None): Start and end of the text's tokens, by character, to hold replies to
            them by a grammar; None for no grammar.
        """
        examples = self._choose_examples(text, whole)

        def ask(about: Sequence[str]) -> Question[Reading]:
            request = self._request(text, examples, sample, about, context, pieces)
            return Question(
                request,
                self.reader(text, about, pieces),
                is_divisible=is_divisible,
                lacks=lambda read: read.lacks(text),
                read_cut=self._reader_of_cut(text, about),
            )

        own = getattr(self.format, "dialogue", None)
        return own(self.labels.names, ask) if own else ask_one(ask(self.labels.names))

    def requests(
        self,
        text: str,
        sample: int = 0,
        *,
        whole: str = "",
        context: Context = NO_CONTEXT,
        pieces: Sequence[Piece] | None = None,
    ) -> list[ChatRequest]:
        """RETURNS (list[ChatRequest]): What is sent first about a text, without what follows from the replies."""
        asked = next(self.dialogue(text, sample, whole=whole, context=context, pieces=pieces))
        return [question.request for question in asked]

    def request(self, text: str, sample: int = 0, *, whole: str = "") -> ChatRequest:
        """RETURNS (ChatRequest): The one question about a text; its arguments are those of `dialogue`."""
        return self._request(text, self._choose_examples(text, whole), sample, self.labels.names)

    def _choose_examples(self, text: str, whole: str) -> list[Demonstration]:
        examples = self.demonstrations.select(text) if self.demonstrations else []
        if len(whole) > len(text):
            examples = [example for example in examples if not _gives_away(example.text, text, whole)]
            if self.snapshot is not None:
                own = shingles_of(whole)
                examples = [one for one in examples if jaccard(own, shingles_of(one.text)) < NEARLY]
        return examples

    def _request(
        self,
        text: str,
        examples: Sequence[Demonstration],
        sample: int,
        about: Sequence[str],
        context: Context = NO_CONTEXT,
        pieces: Sequence[Piece] | None = None,
    ) -> ChatRequest:
        key = tuple(about)
        if key not in self._forms:
            self._forms[key] = self.format.schema(about), self.format.grammar(about)
        schema, grammar = self._forms[key]
        messages = self._messages(text, examples, about, context)
        held = None if pieces is None else self._text_grammar(text, about, pieces)
        return ChatRequest(
            messages,
            schema,
            grammar=grammar,
            sample=sample,
            snapshot=self.snapshot,
            text_grammar=held,
        )

    @property
    def holds_to_text(self) -> bool:
        """RETURNS (bool): Whether the format has grammars that hold replies to their texts."""
        return isinstance(self.format, GrammarOfText)

    def has_grammar(self, text: str, pieces: Sequence[Piece]) -> bool:
        """RETURNS (bool): Whether there is a grammar of a text in particular; its arguments are those of `dialogue`."""
        return self._text_grammar(text, self._rounds()[0], pieces) is not None

    def _text_grammar(self, text: str, about: Sequence[str], pieces: Sequence[Piece]) -> str | None:
        return (
            self.format.text_grammar(about, text, pieces) if isinstance(self.format, GrammarOfText) else None
        )

    def _messages(
        self,
        text: str,
        examples: Sequence[Demonstration],
        about: Sequence[str],
        context: Context = NO_CONTEXT,
    ) -> list[Message]:
        return build_messages(
            self.format,
            self.labels,
            text,
            examples,
            about=about,
            template=self.template,
            task=self.task,
            context=context,
        )

    def lessons(self, text: str, spans: Sequence[CharMention]) -> list[list[Message]]:
        """Write the questions about a text with the right replies, as a model is to learn them.

        spans (Sequence[tuple[int, int, str]]): Start, end and label of each entity, by character.
        RETURNS (list[list[dict[str, str]]]): A chat for each question, whose last message is the reply.
        """
        found = []
        examples = self._choose_examples(text, "")
        for about in self._rounds():
            asked = [span for span in spans if span[2] in about]
            reply = self.format.render(asked, about, text)
            messages = self._messages(text, examples, about)
            found.append([*messages, {"role": "assistant", "content": reply}])
        return found

    def read_lessons(self, text: str, replies: Sequence[str]) -> list[Mention] | None:
        """Read what a model replies to the questions of `lessons`.

        RETURNS (list[Mention] | None): All mentions; None where a reply is invalid.
        """
        found: list[Mention] = []
        for about, reply in zip(self._rounds(), replies, strict=True):
            try:
                found += self.reader(text, about)(ChatReply(reply, "stop"))
            except InvalidReply:
                return None
        return found

    def _rounds(self) -> list[Sequence[str]]:
        names = self.labels.names
        return [[name] for name in names] if hasattr(self.format, "turns") else [names]

    def overhead(self, count: Callable[[Sequence[Message]], int]) -> int:
        """RETURNS (int): Tokens of a request beside its text, with the longest demonstrations it may have."""
        chosen = self.demonstrations
        longest: list[Demonstration] = []
        if chosen is not None:
            longest = sorted(chosen.examples, key=lambda example: len(example.text))[-chosen.k :]
        return max(count(self._messages("", longest, about)) for about in self._rounds())

    def reader(
        self, text: str, about: Sequence[str] | None = None, pieces: Sequence[Piece] | None = None
    ) -> Callable[[ChatReply], Reading]:
        """Make a reader of the reply to a question.

        about (Sequence[str] | None): The labels that it asks about; None for all.
        pieces (Sequence[tuple[int, int]] | None): As of `dialogue`.
        RETURNS (Callable): Reads the reply, or raises InvalidReply, which says what it is instead.
        """
        labels = self.labels.names if about is None else about

        def read(reply: ChatReply) -> Reading:
            said = f": '{' '.join(reply.content.split())[:120]}'" if reply.content.strip() else ""
            if reply.finish_reason == FILTERED:
                raise InvalidReply(f"the server's content filter stopped the reply{said}", is_final=True)
            if reply.finish_reason == "refusal":
                raise InvalidReply(f"the model refuses{said}")
            try:
                read = Reading.of(self.format.parse(reply.content, labels, text))
                # What was an answer when it was kept stays one.
                if not reply.stored or reply.status in (ReplyStatus.INVALID, ReplyStatus.CUT):
                    read = check_mentions(read, text)
                if reply.mode == "text_grammar" and pieces is not None:
                    check_held(read, TextWalk(text, pieces))
            except InvalidReply as error:
                # What is no answer may be a refusal; what is one isn't, whatever its text says.
                raise InvalidReply(find_refusal(strip_reply(reply.content), text) or str(error)) from None
            return add_probabilities(read, reply)

        return read

    def _reader_of_cut(self, text: str, about: Sequence[str]) -> Callable[[ChatReply], Reading] | None:
        """RETURNS (Callable | None): Reads what a reply that was cut holds completely; None where the format can't."""
        form = self.format
        if not isinstance(form, ReadsCutReplies):
            return None
        return lambda reply: add_probabilities(form.parse_cut(reply.content, about, text), reply)


def _gives_away(example: str, text: str, whole: str) -> bool:
    """Whether an example is the document or a part of it, so that its entities are the answer."""
    return text.strip() in example or example.strip() in whole
