"""Beside the first requests with a schema, the server is asked whether it enforces one."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.call import Call, Layer, NoReply
from spacy_ner_plus.llm.client.endpoint.schema_modes import SchemaModes, make_probe
from spacy_ner_plus.llm.requests import ChatReply

logger = logging.getLogger(__name__)
# Enough for the constant of a probe, and for some reasoning before it.
_PROBE_TOKENS = 512


class Probed:
    """Sends probes until it is decided how schemas are sent.

    sampling (Mapping[str, Any]): The fields from the settings.
    """

    def __init__(self, inner: Layer, modes: SchemaModes, sampling: Mapping[str, Any]):
        self._inner = inner
        self._modes = modes
        left_out = ("max_tokens", "logprobs")
        self._sampling = {name: value for name, value in sampling.items() if name not in left_out}
        self._sampling["max_tokens"] = min(sampling.get("max_tokens", _PROBE_TOKENS), _PROBE_TOKENS)
        self._probe: asyncio.Task[None] | None = None

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """RETURNS (ChatReply | NoReply): What comes of the call, for which no probe is waited."""
        is_by_schema = call.request.schema is not None and call.request.text_grammar is None
        if self._probe is None and is_by_schema and not self._modes.is_decided:
            # It begins when the call waits for the first time, and so comes after it.
            self._probe = asyncio.create_task(self._find_out())
        return await self._inner.ask(call)

    async def _find_out(self) -> None:
        try:
            while not self._modes.is_decided:
                answer = await self._inner.ask(Call(make_probe(), self._sampling))
                if isinstance(answer, NoReply):
                    logger.debug("The probe got no reply: %s", answer.reason)
                    return
                self._modes.read_probe(answer)
        except UserError as error:
            # The requests beside it fail for the same reason, and report it.
            logger.debug("The probe got no reply: %s", error)
