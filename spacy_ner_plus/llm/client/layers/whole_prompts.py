"""A reply to a prompt that the server cut is none: it is about another text.

Servers cut prompts without a word. How much they say they have read tells of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from spacy_ner_plus.llm.client.call import Call, Layer, NoReply
from spacy_ner_plus.llm.client.tokens import message_tokens
from spacy_ner_plus.llm.requests import ChatReply, Message, Usage

# Of our count. Chat templates and other versions of a tokenizer make less of a difference.
_LEAST_SHARE = 0.7
# So many prompts of as many lengths, the longest by so much, that all have the same number of tokens are cut.
_ALIKE, _SPREAD = 3, 1.1
# No server has a limit below; prompts that are shorter may well have the same number of tokens.
_LEAST_LIMIT = 1024
_REMEDY = (
    "set `context_length` to what it takes, so that texts are split, or let it take more (Ollama: `num_ctx`; "
    "llama.cpp: `-c`; LM Studio: the context length)"
)


@dataclass
class PromptSizes:
    """Compares what a server counts with the prompts that were sent. Used in one event loop.

    count (Callable | None): Counts tokens as the model does; None where they can only be estimated.
    late (list[str]): Keys of requests whose replies were taken before it showed that their prompts were cut.
    """

    count: Callable[[str], int] | None
    late: list[str] = field(default_factory=list)
    _longest_whole: int = 0
    _most: int = 0
    _lengths: dict[int, str] = field(default_factory=dict)

    def why_cut(self, messages: Sequence[Message], usage: Usage, key: str) -> str:
        """Find out whether a prompt was cut, and note what the server counts.

        key (str): The request's.
        RETURNS (str): Why it is taken to be, for people; '' where nothing says so.
        """
        if self.count is not None:
            length, read = message_tokens(messages, self.count), usage.prompt + usage.cached
            if read >= _LEAST_SHARE * length:
                self._longest_whole = max(self._longest_whole, length)
                # What is in this count isn't cut, however many have it.
                return ""
            # Where a longer prompt was read, what is missing is what the server has cached and doesn't count.
            if length > self._longest_whole:
                return f"the server read {read:,} of about {length:,} tokens of the prompt: {_REMEDY}"
            return ""
        return self._why_alike(sum(len(message["content"]) for message in messages), usage.prompt, key)

    def _why_alike(self, length: int, read: int, key: str) -> str:
        if read < _LEAST_LIMIT or read < self._most:
            return ""
        if read > self._most:
            # It takes at least so many.
            self._most, self._lengths = read, {}
        is_known = self._is_limit()
        if not is_known:
            self._lengths.setdefault(length, key)
            if not self._is_limit():
                return ""
            self.late += [other for other in self._lengths.values() if other != key]
        return (
            f"the server read {read:,} tokens of this prompt and of others, which differ in length: {_REMEDY}"
        )

    def _is_limit(self) -> bool:
        return len(self._lengths) >= _ALIKE and max(self._lengths) >= _SPREAD * min(self._lengths)


class WholePrompts:
    """Lets through what answers whole prompts.

    inner (Layer): Gets the replies.
    sizes (PromptSizes): Tells which prompts were cut.
    forget (Callable): Takes replies out of the store, by key, that came before that showed.
    """

    def __init__(self, inner: Layer, sizes: PromptSizes, forget: Callable[[Sequence[str]], None]):
        self._inner = inner
        self._sizes = sizes
        self._forget = forget

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """RETURNS (ChatReply | NoReply): The reply, or why there is none to this prompt."""
        answer = await self._inner.ask(call)
        if isinstance(answer, NoReply) or answer.stored or not call.key:
            return answer
        noted = len(self._sizes.late)
        reason = self._sizes.why_cut(call.request.messages, answer.usage, call.key)
        if late := self._sizes.late[noted:]:
            self._forget(late)
        return NoReply(reason, is_alone=True) if reason else answer
