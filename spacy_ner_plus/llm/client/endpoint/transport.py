"""HTTP to one server, over connections that are kept open, each for one request at a time."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from spacy_ner_plus.about import __version__
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.llm.client.endpoint.waits import HEADERS

# A server that accepts no connection in this time isn't going to.
_CONNECT_SECONDS = 10.0
# Servers close idle connections, some after 5 s; a request on one that is being closed would be lost.
_KEPT_SECONDS = 4.0


class TransportError(Exception):
    """A request without a response. The text says why.

    unreachable (bool): Whether not even a connection could be made.
    timed_out (bool): Whether the time was over.
    """

    def __init__(self, reason: str, *, unreachable: bool = False, timed_out: bool = False):
        super().__init__(reason)
        self.unreachable = unreachable
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, whatever its status.

    headers (dict[str, str]): Those about limits, by names in lower case.
    seconds (float): From sending the request to the end of the response.
    """

    status: int
    body: bytes
    headers: dict[str, str]
    seconds: float


class Transport:
    """An address to which JSON is posted, to be used in one event loop.

    Each request in flight has a connection of its own, which no pool manages: a pool looks at all its
    connections whenever a request begins or ends, and with 64 of them that takes ten times as long as
    the request itself. Proxies are taken from the environment, as other tools do.

    address (str): The URL.
    headers (dict[str, str]): Of every request.
    """

    def __init__(self, address: str, headers: dict[str, str]):
        with from_extra("llm"):
            import httpcore

        parts = urlsplit(address)
        self._url = httpcore.URL(address)
        all_headers = {
            "Host": parts.netloc,
            "Accept": "application/json",
            "User-Agent": f"spacy-ner-plus/{__version__}",
            **headers,
        }
        self._headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in all_headers.items()]
        proxy = proxy_for(parts.scheme, parts.hostname)
        self._connections = httpcore.AsyncConnectionPool(
            # Shared by all connections, since making one takes as long as 50 requests.
            ssl_context=httpcore.default_ssl_context() if parts.scheme == "https" or proxy else None,
            proxy=httpcore.Proxy(proxy) if proxy else None,
            keepalive_expiry=_KEPT_SECONDS,
        )
        self._idle: list[Any] = []
        self._closing: set[asyncio.Task[None]] = set()

    async def post(self, body: bytes, *, timeout: float) -> Response:
        """Send a request.

        body (bytes): JSON.
        timeout (float): Seconds, from connecting to the end of the response.
        RAISES (TransportError): Where there is no response, or it breaks off.
        """
        with from_extra("llm"):
            import httpcore

        connection = self._take_connection()
        response = None
        try:
            async with asyncio.timeout(timeout):
                response = await self._send(connection, body)
            return response
        except TimeoutError as error:
            raise TransportError(f"no answer in {timeout:.3g} s", timed_out=True) from error
        except httpcore.ConnectTimeout as error:
            raise TransportError(f"no connection in {_CONNECT_SECONDS:g} s", unreachable=True) from error
        except (httpcore.ConnectError, httpcore.ProxyError) as error:
            raise TransportError(f"no connection ({error})", unreachable=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise TransportError(f"the connection broke ({error or type(error).__name__})") from error
        finally:
            if response is not None and connection.is_available():
                self._idle.append(connection)
            else:
                self._drop(connection)

    async def close(self) -> None:
        """Close the connections that are idle; those in use go when their requests end."""
        while self._idle:
            self._drop(self._idle.pop())
        if self._closing:
            await asyncio.wait(self._closing, timeout=1)

    async def _send(self, connection: Any, body: bytes) -> Response:
        with from_extra("llm"):
            import httpcore

        began = time.perf_counter()
        request = httpcore.Request(
            "POST",
            self._url,
            headers=[*self._headers, (b"Content-Length", b"%d" % len(body))],
            content=body,
            extensions={"timeout": {"connect": _CONNECT_SECONDS}},
        )
        response = await connection.handle_async_request(request)
        try:
            content = await response.aread()
        finally:
            await response.aclose()
        seconds = time.perf_counter() - began
        headers = {}
        if response.status != 200:
            named = ((name.decode("latin-1").lower(), value) for name, value in response.headers)
            headers = {name: value.decode("latin-1") for name, value in named if name.startswith(HEADERS)}
        return Response(response.status, content, headers, seconds)

    def _take_connection(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            self._drop(connection)
        return self._connections.create_connection(self._url.origin)

    def _drop(self, connection: Any) -> None:
        # In a task of its own, since this request may be being cancelled.
        task = asyncio.get_running_loop().create_task(connection.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def proxy_for(scheme: str, host: str) -> str | None:
    if host in ("localhost", "::1") or host.startswith("127."):
        return None  # no proxy can reach this machine's own servers
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
