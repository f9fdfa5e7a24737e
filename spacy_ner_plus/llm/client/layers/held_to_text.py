"""Before the first request with the grammar of a text, the server is asked whether such a grammar holds."""

import asyncio
from collections.abc import Mapping
from typing import Any

from spacy_ner_plus.llm.client.call import Call, Layer, NoReply
from spacy_ner_plus.llm.client.endpoint.text_grammars import TextGrammars, make_canary
from spacy_ner_plus.llm.client.layers.validated import Validated
from spacy_ner_plus.llm.client.open_question import OpenQuestion
from spacy_ner_plus.llm.requests import Outcome
from spacy_ner_plus.llm.store.store import Store

# More than the canary's word has.
_CANARY_TOKENS = 48


class HeldToText:
    """Lets questions keep the grammars of their texts where these hold.

    inner (Validated): Asks the questions.
    server (Layer): Answers the canary.
    sampling (Mapping[str, Any]): The fields from the settings.
    store (Store | None): Where it is remembered for other runs.
    """

    def __init__(
        self,
        inner: Validated,
        server: Layer,
        grammars: TextGrammars,
        sampling: Mapping[str, Any],
        store: Store | None,
    ):
        self._inner = inner
        self._server = server
        self._grammars = grammars
        left_out = ("logprobs", "n_predict", "max_completion_tokens")
        self._sampling = {name: value for name, value in sampling.items() if name not in left_out}
        self._sampling["max_tokens"] = _CANARY_TOKENS
        self._store = store
        self._lock = asyncio.Lock()

    async def ask(self, question: OpenQuestion) -> Outcome:
        """RETURNS (Outcome): What comes of a question."""
        if question.request.text_grammar is not None:
            if (failed := await self._find_out()) is not None:
                question.take(failed)
            elif not self._grammars.hold:
                question.leave_grammar_out()
        return await self._inner.ask(question)

    async def _find_out(self) -> NoReply | None:
        """RETURNS (NoReply | None): Why it can't be found out for now; None where it is known."""
        async with self._lock:
            if self._grammars.hold is None:
                answer = await self._server.ask(Call(make_canary(), self._sampling))
                if isinstance(answer, NoReply):
                    return answer
                self._grammars.read_canary(answer, self._store)
        return None
