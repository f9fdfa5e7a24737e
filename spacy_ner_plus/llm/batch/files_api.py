"""A server's files, and calls to what is made of them, as OpenAI documents them: repeated where that is safe."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from spacy_ner_plus.about import __version__
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.llm.client.completions import read_error
from spacy_ner_plus.llm.client.credentials import Credentials
from spacy_ner_plus.llm.client.endpoint.transport import proxy_for
from spacy_ner_plus.llm.client.endpoint.waits import asked_wait
from spacy_ner_plus.llm.client.retries import is_retried, waiting_time
from spacy_ner_plus.llm.client.settings import ChatSettings

T = TypeVar("T")
_CONNECT_SECONDS = 10.0
# A server may take its time with a file of 200 MB before it answers.
_READ_SECONDS = 300.0
_PIECE = 1 << 16
# A limit that lasts longer isn't waited for: the command is run again.
_LONGEST_WAIT = 120.0
# Things that are looked through for one that may have been created.
_MOST_LISTED = 1_000
_PAGE = 100
_MOST_REDIRECTS = 5
_UNKNOWN = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)


class NotFound(Exception):
    """The server doesn't know what was asked for. The text is what it says."""


class CallFailed(Exception):
    """A call without a result. The text is what the server says, or what broke.

    told (str): What users are told.
    status (int): Of the answer; 0 where there was none.
    wait (float | None): Seconds that the server asks to wait.
    """

    def __init__(self, reason: str, *, told: str, status: int = 0, wait: float | None = None):
        super().__init__(reason)
        self.told = told
        self.status = status
        self.wait = wait
        self.names_file = False

    @property
    def is_unknown(self) -> bool:
        """RETURNS (bool): Whether the server has nothing there."""
        return self.status in _UNKNOWN

    @property
    def is_repeated(self) -> bool:
        """RETURNS (bool): Whether the call may succeed when it is repeated soon."""
        may_pass = self.status == 0 or (is_retried(self.status) and not self.is_unknown) or self.names_file
        return may_pass and (self.wait or 0.0) <= _LONGEST_WAIT

    @property
    def may_be_done(self) -> bool:
        """RETURNS (bool): Whether the server may have done what it was asked all the same."""
        return self.status == 0 or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class FilesAPI:
    """Asks one server about files and what is made of them. Nothing is sent before the first call.

    settings (ChatSettings): Of the chat model: its address, key and how often an attempt is repeated.
    """

    # What a server may not have, and the page that says which have it.
    needs = "files"
    page = "docs/llm_servers.md"

    def __init__(self, settings: ChatSettings):
        with from_extra("llm"):
            import httpcore

        self._settings = settings
        self.url = settings.endpoint()
        self._credentials = Credentials(
            address=settings.address(),
            api_key_env=settings.api_key_env,
            headers=settings.headers or {},
            any_host=settings.api_key_any_host,
        )
        parts = urlsplit(self.url)
        proxy = proxy_for(parts.scheme, parts.hostname or "")
        self._connections = httpcore.ConnectionPool(proxy=httpcore.Proxy(proxy) if proxy else None)

    def upload(self, name: str, content: BinaryIO, purpose: str) -> str:
        """Upload a file.

        name (str): What the file is called there.
        content (BinaryIO): Its lines; each attempt reads it from the beginning.
        purpose (str): What it is for, such as 'batch'.
        RETURNS (str): Its id.
        RAISES (UserError): Where the server doesn't take it.
        """
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(content.seek(0, 2) + len(head) + len(tail)),
        }

        def body() -> Iterator[bytes]:
            content.seek(0)
            yield head
            yield from iter(lambda: content.read(_PIECE), b"")
            yield tail

        # A file that is there twice costs nothing.
        with told():
            call = self.repeated(lambda: self.ask_json("POST", "files", "the upload", headers, body))
        return call["id"]

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def list_all(self, path: str) -> Iterator[dict[str, Any]]:
        """YIELDS (dict[str, Any]): What the account has there, newest first.

        RAISES (CallFailed): Where the server doesn't list it.
        """
        query = {"limit": str(_PAGE)}
        for _ in range(_MOST_LISTED // _PAGE):
            page = self.repeated(
                lambda asked=dict(query): self.ask_json("GET", path, "the list", query=asked)
            )
            found = page.get("data") or []
            yield from found
            if not page.get("has_more") or not found:
                return
            query["after"] = found[-1]["id"]

    def repeated(self, call: Callable[[], T]) -> T:
        """Call until there is an answer.

        RAISES (CallFailed): With the reason why there is none.
        """
        failures = 0
        while True:
            try:
                return call()
            except CallFailed as failure:
                failures += 1
                if not failure.is_repeated or failures > self._settings.max_retries:
                    raise
                wait = (failure.wait or 0.0) + waiting_time(failures, self._settings.retry_base)
            time.sleep(wait)

    def ask_json(
        self,
        method: str,
        path: str,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], Iterable[bytes]] | None = None,
        query: Mapping[str, str] | None = None,
        key: str = "id",
    ) -> dict[str, Any]:
        """Send a request, once.

        what (str): What is asked for, as messages name it.
        headers (Mapping[str, str] | None): Beside those with which the server lets us in.
        body (Callable | None): Gives what is sent, anew on each call.
        query (Mapping[str, str] | None): Of a page of a list.
        key (str): Under which an object has its id.
        RETURNS (dict[str, Any]): An object with an id, or a page of them.
        RAISES (CallFailed): With the reason why there is none.
        """
        received: list[bytes] = []
        self.send(method, path, what, headers, body, query, received.append)
        answer = b"".join(received)
        try:
            reply = json.loads(answer)
            if isinstance(reply["data"] if query else reply[key], list if query else str):
                return reply
        except (ValueError, LookupError, TypeError, RecursionError):
            pass
        raise self._failure(what, HTTPStatus.OK, f"something else than {what}: {read_error(answer).message}")

    def post_json(self, path: str, what: str, wanted: Mapping[str, Any], key: str = "id") -> dict[str, Any]:
        """Send a JSON object, once.

        RETURNS (dict[str, Any]): An object with an id under `key`.
        RAISES (CallFailed): With the reason why there is none.
        """
        body = json.dumps(wanted).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return self.ask_json("POST", path, what, headers, lambda: [body], key=key)

    def send(
        self,
        method: str,
        path: str,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], Iterable[bytes]] | None = None,
        query: Mapping[str, str] | None = None,
        read: Callable[[bytes], Any] = lambda piece: None,
    ) -> None:
        """Send a request, and read what comes.

        RAISES (CallFailed): Where that isn't what was asked for.
        """
        with from_extra("llm"):
            import httpcore

        parts = urlsplit(self.url)
        queries = "&".join(filter(None, [parts.query, urlencode(query or {})]))
        url = parts._replace(path=f"{parts.path}/{path}", query=queries).geturl()
        secret = {name: value for name, value in self._credentials.headers.items() if name != "Content-Type"}
        for _ in range(_MOST_REDIRECTS):
            here = urlsplit(url)
            sent = {
                "Host": here.netloc,
                "Accept": "*/*",
                "User-Agent": f"spacy-ner-plus/{__version__}",
                # A file may lie at another host, which gets no key.
                **(secret if (here.scheme, here.netloc) == (parts.scheme, parts.netloc) else {}),
                **(headers or {}),
            }
            timeouts = {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS}
            try:
                with self._connections.stream(
                    method,
                    url,
                    headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in sent.items()],
                    content=body() if body else None,
                    extensions={"timeout": timeouts},
                ) as response:
                    if response.status in (HTTPStatus.OK, HTTPStatus.CREATED):
                        for piece in response.iter_stream():
                            read(piece)
                        return
                    status, answer = response.status, response.read()
                    named = {
                        name.decode("latin-1").lower(): value.decode("latin-1")
                        for name, value in response.headers
                    }
            except _broken(httpcore) as error:
                reason = self._credentials.redact(str(error) or type(error).__name__)
                told = Errors.E686.format(what=what, url=self.url, reason=reason.rstrip("."))
                raise CallFailed(reason, told=told) from None
            if method != "GET" or not 300 <= status < 400 or "location" not in named:
                break
            url = urljoin(url, named["location"])
        message = read_error(answer).message
        raise self._failure(what, status, message, asked_wait(named, message))

    def _failure(self, what: str, status: int, message: str, wait: float | None = None) -> CallFailed:
        reason = self._credentials.redact(message)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            name = self._credentials.api_key_env
            where = f"the key in {name}" if name else "the key: `api_key_env` names the variable with it"
            remedy = f"Check {where}, and whether it may use {self.needs}"
        elif status in _UNKNOWN:
            remedy = f"Check `base_url`: {self.page} says which servers have {self.needs}"
        elif is_retried(status):
            remedy = "Run the command again later: it goes on where it stopped"
        else:
            remedy = "Mend that, and run the command again: it goes on where it stopped"
        shown = {"what": what, "url": self.url, "status": int(status), "reason": reason.rstrip(".")}
        told = Errors.E685.format(**shown, remedy=remedy)
        return CallFailed(reason, told=told, status=status, wait=wait)


def _broken(httpcore: Any) -> tuple[type[Exception], ...]:
    """RETURNS (tuple[type[Exception]]): What a connection fails with."""
    return (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError)


@contextmanager
def told(*, or_unknown: bool = False) -> Iterator[None]:
    """A block whose failures are told to users; with `or_unknown`, what isn't there is `NotFound`."""
    try:
        yield
    except CallFailed as failure:
        if or_unknown and failure.is_unknown:
            raise NotFound(str(failure)) from None
        raise UserError(failure.told) from None
