"""A server's endpoints for files and batches, as OpenAI documents them: each call is repeated where that is safe."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit

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
# Where each request of a batch goes, as its lines and the batch itself say it.
COMPLETIONS = "/v1/chat/completions"
# Under which a batch carries the name that we gave it, so that it is found again.
NAME = "spacy_ner_plus"
_CONNECT_SECONDS = 10.0
# A server may take its time with a file of 200 MB before it answers.
_READ_SECONDS = 300.0
_PIECE = 1 << 16
# A limit that lasts longer isn't waited for: the command is run again.
_LONGEST_WAIT = 120.0
# Batches that are looked through for one that may have been created.
_MOST_LISTED = 1_000
_PAGE = 100
_MOST_REDIRECTS = 5
_UNKNOWN = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)


class NotFound(Exception):
    """The server doesn't know a batch or a file. The text is what it says."""


class _Failed(Exception):
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


class BatchAPI:
    """Asks one server about files and batches. Nothing is sent before the first call.

    settings (ChatSettings): Of the chat model: its address, key and how often an attempt is repeated.
    """

    def __init__(self, settings: ChatSettings):
        with from_extra("llm"):
            import httpcore

        self._settings = settings
        self._url = settings.endpoint()
        self._credentials = Credentials(
            address=settings.address(),
            api_key_env=settings.api_key_env,
            headers=settings.headers or {},
            any_host=settings.api_key_any_host,
        )
        parts = urlsplit(self._url)
        proxy = proxy_for(parts.scheme, parts.hostname or "")
        self._connections = httpcore.ConnectionPool(proxy=httpcore.Proxy(proxy) if proxy else None)

    def upload(self, name: str, content: BinaryIO) -> str:
        """Upload a file of requests.

        name (str): What the file is called there.
        content (BinaryIO): Its lines; each attempt reads it from the beginning.
        RETURNS (str): Its id.
        RAISES (UserError): Where the server doesn't take it.
        """
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
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
        with _told():
            call = self._repeated(lambda: self._json("POST", "files", "the upload", headers, body))
        return call["id"]

    def create(self, name: str, file_id: str, window: str) -> dict[str, Any]:
        """Create a batch, once: where the answer is lost, it is looked for before it is created again.

        name (str): What it is called, by which it is found.
        file_id (str): Of its requests.
        window (str): Within which it is to be answered, such as '24h'.
        RETURNS (dict[str, Any]): The batch, as the server describes it.
        RAISES (UserError): Where the server doesn't create it, or it can't be found out whether it did.
        """
        wanted = {
            "input_file_id": file_id,
            "endpoint": COMPLETIONS,
            "completion_window": window,
            "metadata": {NAME: name},
        }
        body = json.dumps(wanted).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}

        def create() -> dict[str, Any]:
            try:
                return self._json("POST", "batches", "the batch", headers, lambda: [body])
            except _Failed as failure:
                if failure.may_be_done and (found := self.find(name, file_id)):
                    return found
                # Some servers need a moment until they know a file that they have taken.
                failure.names_file = file_id in str(failure)
                raise

        with _told():
            return self._repeated(create)

    def batch(self, id: str) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): A batch, as the server describes it.

        RAISES (NotFound): Where it knows none with this id.
        RAISES (UserError): Where it doesn't say.
        """
        with _told(or_unknown=True):
            return self._repeated(lambda: self._json("GET", f"batches/{quote(id, safe='')}", "the batch"))

    def find(self, name: str, file_id: str) -> dict[str, Any] | None:
        """RETURNS (dict[str, Any] | None): The batch that has this name or was made of this file; None for none.

        RAISES (UserError): Where the server doesn't list its batches.
        """
        try:
            for batch in self._list():
                if (batch.get("metadata") or {}).get(NAME) == name or batch.get("input_file_id") == file_id:
                    return batch
        except _Failed as failure:
            raise UserError(Errors.E690.format(url=self._url, name=name, reason=failure)) from None
        return None

    def download(self, file_id: str, target: BinaryIO) -> None:
        """Write a file's content to another one.

        RAISES (NotFound): Where the server has no such file.
        RAISES (UserError): Where it doesn't come.
        """

        def download() -> None:
            target.seek(0)
            target.truncate()
            path = f"files/{quote(file_id, safe='')}/content"
            self._send("GET", path, "the replies", read=target.write)

        with _told(or_unknown=True):
            self._repeated(download)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _list(self) -> Iterator[dict[str, Any]]:
        """YIELDS (dict[str, Any]): The batches of the account, newest first."""
        query = {"limit": str(_PAGE)}
        for _ in range(_MOST_LISTED // _PAGE):
            page = self._repeated(
                lambda asked=dict(query): self._json("GET", "batches", "the list", query=asked)
            )
            batches = page.get("data") or []
            yield from batches
            if not page.get("has_more") or not batches:
                return
            query["after"] = batches[-1]["id"]

    def _repeated(self, call: Callable[[], T]) -> T:
        """Call until there is an answer.

        RAISES (_Failed): With the reason why there is none.
        """
        failures = 0
        while True:
            try:
                return call()
            except _Failed as failure:
                failures += 1
                if not failure.is_repeated or failures > self._settings.max_retries:
                    raise
                wait = (failure.wait or 0.0) + waiting_time(failures, self._settings.retry_base)
            time.sleep(wait)

    def _json(
        self,
        method: str,
        path: str,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], Iterable[bytes]] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): An object with an id, or a page of them."""
        received: list[bytes] = []
        self._send(method, path, what, headers, body, query, received.append)
        answer = b"".join(received)
        try:
            reply = json.loads(answer)
            if isinstance(reply["data"] if query else reply["id"], list if query else str):
                return reply
        except (ValueError, LookupError, TypeError, RecursionError):
            pass
        raise self._failure(what, HTTPStatus.OK, f"something else than {what}: {read_error(answer).message}")

    def _send(
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

        RAISES (_Failed): Where that isn't what was asked for.
        """
        with from_extra("llm"):
            import httpcore

        parts = urlsplit(self._url)
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
                told = Errors.E686.format(what=what, url=self._url, reason=reason.rstrip("."))
                raise _Failed(reason, told=told) from None
            if method != "GET" or not 300 <= status < 400 or "location" not in named:
                break
            url = urljoin(url, named["location"])
        message = read_error(answer).message
        raise self._failure(what, status, message, asked_wait(named, message))

    def _failure(self, what: str, status: int, message: str, wait: float | None = None) -> _Failed:
        reason = self._credentials.redact(message)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            name = self._credentials.api_key_env
            where = f"the key in {name}" if name else "the key: `api_key_env` names the variable with it"
            remedy = f"Check {where}, and whether it may use files and batches"
        elif status in _UNKNOWN:
            remedy = "Check `base_url`: docs/llm_servers.md says which servers have batches"
        elif is_retried(status):
            remedy = "Run the command again later: it goes on where it stopped"
        else:
            remedy = "Mend that, and run the command again: it goes on where it stopped"
        shown = {"what": what, "url": self._url, "status": int(status), "reason": reason.rstrip(".")}
        told = Errors.E685.format(**shown, remedy=remedy)
        return _Failed(reason, told=told, status=status, wait=wait)


def _broken(httpcore: Any) -> tuple[type[Exception], ...]:
    """RETURNS (tuple[type[Exception]]): What a connection fails with."""
    return (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError)


@contextmanager
def _told(*, or_unknown: bool = False) -> Iterator[None]:
    """A block whose failures are told to users; with `or_unknown`, what isn't there is `NotFound`."""
    try:
        yield
    except _Failed as failure:
        if or_unknown and failure.is_unknown:
            raise NotFound(str(failure)) from None
        raise UserError(failure.told) from None
