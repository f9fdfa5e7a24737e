"""The way to a server: connections that are kept, one request on each at a time."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from spacy_ner_plus import __version__

# A server that doesn't even take a connection in this time isn't going to.
_CONNECT_SECONDS = 10.0
# Servers close idle connections, some after 5 s; a request on one that is just going would be lost.
_KEPT_SECONDS = 4.0


class NoAnswer(Exception):
    """A request that got no answer. The text says why.

    unreachable (bool): Whether not even a connection could be made.
    """

    def __init__(self, reason: str, *, unreachable: bool = False):
        super().__init__(reason)
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP.

    status (int): Its status.
    body (bytes): All of it.
    retry_after (str): The header of that name, '' where there is none.
    seconds (float): From sending to its end.
    """

    status: int
    body: bytes
    retry_after: str
    seconds: float


class Endpoint:
    """An address to which JSON is posted, to be used in one event loop.

    Each request in flight has a connection of its own, and no pool is asked for one: a pool looks at
    all its connections whenever a request begins or ends, and with 64 of them that takes ten times
    as long as the request itself. Proxies are taken from the environment, as other tools do.

    address (str): The URL.
    headers (dict[str, str]): Of every request.
    """

    def __init__(self, address: str, headers: dict[str, str]):
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
        proxy = _proxy_for(parts.scheme, parts.hostname)
        self._connections = httpcore.AsyncConnectionPool(
            # All connections share it, since making one takes as long as 50 requests.
            ssl_context=httpcore.default_ssl_context() if parts.scheme == "https" or proxy else None,
            proxy=httpcore.Proxy(proxy) if proxy else None,
            keepalive_expiry=_KEPT_SECONDS,
        )
        self._idle: list[Any] = []
        self._closing: set[asyncio.Task[None]] = set()

    async def post(self, body: bytes, *, timeout: float) -> Answer:
        """Send a request.

        body (bytes): JSON.
        timeout (float): Seconds, from connecting to the end of the answer.
        RETURNS (Answer): The answer, whatever its status.
        RAISES (NoAnswer): Where there is none, or it breaks off.
        """
        import httpcore

        connection = self._take_connection()
        answer = None
        try:
            async with asyncio.timeout(timeout):
                answer = await self._send(connection, body)
            return answer
        except TimeoutError as error:
            raise NoAnswer(f"no answer in {timeout:.3g} s") from error
        except httpcore.ConnectTimeout as error:
            raise NoAnswer(f"no connection in {_CONNECT_SECONDS:g} s", unreachable=True) from error
        except (httpcore.ConnectError, httpcore.ProxyError) as error:
            raise NoAnswer(f"no connection ({error})", unreachable=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise NoAnswer(f"the connection broke ({error or type(error).__name__})") from error
        finally:
            if answer is not None and connection.is_available():
                self._idle.append(connection)
            else:
                self._drop(connection)

    async def close(self) -> None:
        """Close the connections that are idle; those in use go when their requests end."""
        while self._idle:
            self._drop(self._idle.pop())
        if self._closing:
            await asyncio.wait(self._closing, timeout=1)

    async def _send(self, connection: Any, body: bytes) -> Answer:
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
        retry_after = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
        return Answer(response.status, content, retry_after.decode("latin-1"), time.perf_counter() - began)

    def _take_connection(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            self._drop(connection)
        return self._connections.create_connection(self._url.origin)

    def _drop(self, connection: Any) -> None:
        # Not awaited where it broke, which may be within a cancellation.
        task = asyncio.get_running_loop().create_task(connection.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _proxy_for(scheme: str, host: str) -> str | None:
    if host in ("localhost", "::1") or host.startswith("127."):
        return None  # no proxy has the way to this machine's own servers
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
