"""HTTP to one server, over connections that are kept open, each for one request at a time."""

import asyncio
import ssl
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from spacy_ner_plus.about import __version__
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.llm.client.endpoint.waits import HEADERS

# A server that accepts no connection in this time isn't going to.
_CONNECT_SECONDS = 10.0
# Servers close idle connections, some after 5 s; a request on one that is being closed would be lost.
_KEPT_SECONDS = 4.0
# The longest replies have some megabytes, with the log-probabilities of all tokens.
_MOST_BYTES = 1 << 26
_MOST_REDIRECTS = 5
# Those upon which the same is sent again, and not as GET.
_REDIRECTS = (307, 308)
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


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
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"spacy-ner-plus/{__version__}",
            **headers,
        }
        self._headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in all_headers.items()]
        self._proxy = proxy_for(parts.scheme, parts.netloc)
        self._connections = httpcore.AsyncConnectionPool(
            # Shared by all connections, since making one takes as long as 50 requests.
            ssl_context=httpcore.default_ssl_context() if parts.scheme == "https" or self._proxy else None,
            proxy=_open_proxy(self._proxy) if self._proxy else None,
            keepalive_expiry=_KEPT_SECONDS,
        )
        self._idle: defaultdict[str, list[Any]] = defaultdict(list)  # by origin
        self._closing: set[asyncio.Task[None]] = set()

    async def post(self, body: bytes, *, timeout: float) -> Response:
        """Send a request.

        body (bytes): JSON.
        timeout (float): Seconds, from connecting to the end of the response.
        RAISES (TransportError): Where there is no response, or it breaks off.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(body)
        except TimeoutError as error:
            raise TransportError(f"no answer in {timeout:.3g} s", timed_out=True) from error

    async def close(self) -> None:
        """Close the connections that are idle; those in use go when their requests end."""
        while self._idle:
            for connection in self._idle.popitem()[1]:
                self._drop(connection)
        if self._closing:
            await asyncio.wait(self._closing, timeout=1)

    async def _follow(self, body: bytes) -> Response:
        """Send a request, and again to where the server sends it on, as long as that is the server itself."""
        with from_extra("llm"):
            import httpcore

        url = self._url
        for _ in range(_MOST_REDIRECTS):
            response, location = await self._exchange(url, body)
            target = redirected(_text(url), location) if response.status in _REDIRECTS else None
            if target is None:
                return response
            url = httpcore.URL(target)
        raise TransportError(f"the server sent the request on {_MOST_REDIRECTS} times")

    async def _exchange(self, url: Any, body: bytes) -> tuple[Response, str]:
        with from_extra("llm"):
            import httpcore

        connection = self._take_connection(url.origin)
        response = None
        try:
            response, location = await self._send(connection, url, body)
        except httpcore.ConnectTimeout as error:
            raise TransportError(f"no connection in {_CONNECT_SECONDS:g} s", unreachable=True) from error
        except (httpcore.ConnectError, httpcore.ProxyError) as error:
            raise TransportError(f"no connection ({error})", unreachable=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, zlib.error) as error:
            raise TransportError(f"the connection broke ({error or type(error).__name__})") from error
        else:
            if response.status == 407 and self._proxy:
                raise TransportError("no connection (the proxy wants another password)", unreachable=True)
            return response, location
        finally:
            if response is not None and connection.is_available():
                self._idle[str(url.origin)].append(connection)
            else:
                self._drop(connection)

    async def _send(self, connection: Any, url: Any, body: bytes) -> tuple[Response, str]:
        """RETURNS (tuple[Response, str]): The response, and where it sends the request on."""
        with from_extra("llm"):
            import httpcore

        began = time.perf_counter()
        request = httpcore.Request(
            "POST",
            url,
            headers=[*self._headers, (b"Content-Length", b"%d" % len(body))],
            content=body,
            extensions={"timeout": {"connect": _CONNECT_SECONDS}},
        )
        response = await connection.handle_async_request(request)
        encoding = next(
            (value for name, value in response.headers if name.lower() == b"content-encoding"), b""
        )
        try:
            content = await _read(response, encoding.strip().lower())
        finally:
            await response.aclose()
        seconds = time.perf_counter() - began
        headers, location = {}, ""
        if response.status != 200:
            named = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            headers = {name: value for name, value in named.items() if name.startswith(HEADERS)}
            location = named.get("location", "")
        return Response(response.status, content, headers, seconds), location

    def _take_connection(self, origin: Any) -> Any:
        idle = self._idle[str(origin)]
        while idle:
            connection = idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            self._drop(connection)
        return self._connections.create_connection(origin)

    def _drop(self, connection: Any) -> None:
        # In a task of its own, since this request may be being cancelled.
        task = asyncio.get_running_loop().create_task(connection.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def proxy_for(scheme: str, host: str) -> str | None:
    """Find the proxy for an address in the environment.

    host (str): Its host, maybe with a port.
    RETURNS (str | None): Its address, with name and password if it has them.
    """
    name = urlsplit(f"//{host}").hostname or ""
    if name in ("localhost", "::1") or name.startswith("127."):
        return None  # no proxy can reach this machine's own servers
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def redirected(url: str, location: str) -> str | None:
    """RETURNS (str | None): Where a request goes on, if that is the same server, or the same one by TLS."""
    target = urljoin(url, location)
    try:
        before, after = urlsplit(url), urlsplit(target)
        is_same = (before.scheme, before.netloc) == (after.scheme, after.netloc)
        is_safer = (before.scheme, after.scheme) == ("http", "https") and (
            before.hostname == after.hostname and before.port in (None, 80) and after.port in (None, 443)
        )
    except ValueError:  # a port that is none
        return None
    return after._replace(fragment="").geturl() if location and (is_same or is_safer) else None


def _open_proxy(address: str) -> Any:
    """Make the proxy of an address.

    RAISES (UserError): Where it is of a kind that isn't known, or whose package isn't there.
    """
    with from_extra("llm"):
        import httpcore

    parts = urlsplit(address)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.scheme not in _PROXY_SCHEMES or not parts.hostname:
        raise UserError(Errors.E710.format(proxy=shown, known=", ".join(_PROXY_SCHEMES)))
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise UserError(Errors.E711.format(proxy=shown))
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore.Proxy(shown, auth=auth and (auth[0].encode(), auth[1].encode()))


async def _read(response: Any, encoding: bytes) -> bytes:
    """RETURNS (bytes): The body, without its encoding.

    RAISES (TransportError): Where it is too long.
    """
    is_packed = encoding in (b"gzip", b"x-gzip", b"deflate")
    # 32: gzip or zlib, as the data says.
    unpacker = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS) if is_packed else None
    parts, size = [], 0
    async for part in response.aiter_stream():
        found = unpacker.decompress(part, _MOST_BYTES + 1 - size) if unpacker else part
        size += len(found)
        if size > _MOST_BYTES:
            raise TransportError(f"the reply has more than {_MOST_BYTES >> 20} MB")
        parts.append(found)
    if unpacker and not unpacker.eof:
        raise TransportError("the connection broke (the body is cut off)")
    return b"".join(parts)


def _text(url: Any) -> str:
    return bytes(url).decode("ascii")
