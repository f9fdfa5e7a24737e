"""The server of a local model: started with the first request that is sent, and again where it is gone."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from spacy_ner_plus.llm.client.call import Call, Cause, NoReply
from spacy_ner_plus.llm.client.endpoint.endpoint import Endpoint
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.local.local_model import LocalModel
from spacy_ner_plus.llm.local.server import LocalServer, forget_server, local_server
from spacy_ner_plus.llm.requests import ChatReply
from spacy_ner_plus.settings import defaults

_DEFAULTS = defaults(ChatSettings)
# Seconds, in place of these.
_PATIENCE = {"timeout": 600.0, "deadline": 3600.0}


def find_local(settings: ChatSettings) -> LocalModel:
    """RETURNS (LocalModel): The files of the local model that settings name.

    RAISES (UserError): Where one isn't there.
    """
    return LocalModel.find(
        settings.local, settings.adapters, threads=settings.threads, context_length=settings.context_length
    )


def with_patience(settings: ChatSettings) -> ChatSettings:
    """RETURNS (ChatSettings): With time for replies where none is set: a small machine may take minutes for one, and
    what is sent again begins anew."""
    given = {name: value for name, value in _PATIENCE.items() if getattr(settings, name) == _DEFAULTS[name]}
    return replace(settings, **given)


class LocalEndpoint:
    """A local model, asked as one on a server is. Used in one event loop.

    settings (ChatSettings): With `local`.
    open_endpoint (Callable): Makes the endpoint of settings with an address, a key, and fields of every request.
    """

    def __init__(self, settings: ChatSettings, open_endpoint: Callable[..., Endpoint]):
        self._settings = settings
        self._open_endpoint = open_endpoint
        self._model: LocalModel | None = None
        self._server: LocalServer | None = None
        self._endpoint: Endpoint | None = None
        self._opening = asyncio.Lock()

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """Send a request once.

        RETURNS (ChatReply | NoReply): The reply, or why there is none.
        RAISES (UserError): Where the model can't be served.
        """
        async with self._opening:
            if self._endpoint is None or not self._server.runs():
                await self._open()
        endpoint, server = self._endpoint, self._server
        answer = await endpoint.ask(call)
        if isinstance(answer, NoReply) and answer.cause == Cause.DOWN and server is self._server:
            # Its process goes on without it: the next attempt finds another, or starts one.
            forget_server(server)
            await self.close()
        return answer

    async def close(self) -> None:
        """Close the connections, and let the server go: it ends where nothing else uses it."""
        endpoint, self._endpoint, self._server = self._endpoint, None, None
        if endpoint is not None:
            await endpoint.close()

    async def _open(self) -> None:
        await self.close()
        # Beside the loop, which other models of the process may share with this one.
        model = self._model = self._model or await asyncio.to_thread(find_local, self._settings)
        self._server = await asyncio.to_thread(local_server, model)
        # Whatever name is sent, llama.cpp answers: which adapter answers, its own field says.
        given = replace(
            self._settings,
            local=None,
            adapters=None,
            threads=None,
            base_url=self._server.address.url,
            name=model.path.stem,
        )
        self._endpoint = self._open_endpoint(
            given, api_key=self._server.address.api_key, fields=model.fields(self._settings.name)
        )
