"""Replies come from the store where it has them, and are kept there where it hasn't."""

from dataclasses import replace
from functools import partial

from spacy_ner_plus.llm.client.call import Call, Layer, NoReply
from spacy_ner_plus.llm.client.kept_replies import KeptReplies
from spacy_ner_plus.llm.requests import ChatReply


class Stored:
    """Looks for a reply before it asks, and keeps the one that comes.

    inner (Layer): Gets the replies that aren't kept yet.
    kept (KeptReplies): Those that are.
    """

    def __init__(self, inner: Layer, kept: KeptReplies):
        self._inner = inner
        self._kept = kept

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """RETURNS (ChatReply | NoReply): A reply with its key and status, or why there is none."""
        find = partial(self._kept.find, call.request)
        again = self._kept.note_asked(call.key) and call.again
        # An identical request may have been answered since it was asked for, here or in another process.
        if not again and (reply := find()):
            return reply
        # Or it is while this one waits for its turn.
        answer = await self._inner.ask(call if again else replace(call, find=find))
        if isinstance(answer, NoReply) or answer.stored:
            return answer
        reply = replace(answer, key=call.key, status=call.status(answer))
        self._kept.keep(call.canonical, reply)
        return reply
