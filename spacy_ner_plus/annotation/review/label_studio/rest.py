"""Label Studio's REST interface: JSON in and out, and what goes wrong as one message, without the token.

What only reads is asked again where a connection breaks or a server is busy; what writes is sent once, since it may
have been stored before the connection broke.
"""

import base64
import http.client
import json
import os
import re
import socket
import ssl
import time
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from spacy_ner_plus.errors import Errors, UserError, Warnings

THIS_MACHINE = re.compile(r"localhost$|::1$|127\.")
# Statuses of a server, or of what stands before it, that is busy or starts.
BUSY = frozenset({502, 503, 504})
WAITS = (0.5, 2.0)  # seconds before what reads is asked again
SHOWN = 300  # characters of a server's answer in a message
# Nothing was sent: no such host, nobody listens, or no certificate to trust.
UNREACHED = (ConnectionRefusedError, socket.gaierror, ssl.SSLError)
# As variables are called, and no token is.
VARIABLE = re.compile(r"[A-Z]{1,20}\d{0,2}(_[A-Z]{1,20}\d{0,2})*")
# A personal access token is a JWT, which is exchanged for one that lives some minutes.
PARTS_OF_JWT = 3


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the token to wherever it points."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Rest:
    """A server and the token for it.

    url (str): Its address, such as http://localhost:8080.
    token_env (str): The environment variable with the access token.
    timeout (float): Seconds for one answer.
    RAISES (UserError): Where the address is none, or the variable isn't set.
    """

    # What answers there, for messages.
    service = "Label Studio"

    def __init__(self, url: str, token_env: str, timeout: float):
        self.url, scheme, host = _address(url)
        self.token_env = token_env
        self._timeout = timeout
        self._token = os.environ.get(token_env, "").strip()
        if not self._token or not (self._token.isascii() and self._token.isprintable()):
            raise _no_token(token_env)
        if scheme == "http" and not THIS_MACHINE.match(host):
            warnings.warn(Warnings.W263.format(host=host), stacklevel=2)
        self._is_jwt = self._token.count(".") + 1 == PARTS_OF_JWT and _is_json(self._token.split(".")[0])
        self._access = ""
        proxies = ProxyHandler({}) if THIS_MACHINE.match(host) else ProxyHandler()
        self._opener: OpenerDirector = build_opener(proxies, _NoRedirects())

    def __repr__(self) -> str:
        return f"Rest({self.url!r})"

    def get(self, path: str, **parameters: Any) -> Any:
        """Ask for something; asked again where the connection breaks."""
        return self._ask("GET", path, parameters)

    def post(self, path: str, value: Any, **parameters: Any) -> Any:
        """Send something new, once."""
        return self._ask("POST", path, parameters, value)

    def patch(self, path: str, value: Any) -> Any:
        """Change something, once."""
        return self._ask("PATCH", path, {}, value)

    def checked(self, answer: Any, *keys: str) -> Mapping[str, Any]:
        """RETURNS (Mapping[str, Any]): An answer that is an object with these keys.

        RAISES (UserError): Where it isn't: something else answers there.
        """
        if isinstance(answer, dict) and all(key in answer for key in keys):
            return answer
        raise UserError(Errors.E752.format(url=self.url, service=self.service, found=self._shown(answer)))

    def listed(self, answer: Any, name: str, *keys: str) -> list[Mapping[str, Any]]:
        """RETURNS (list[Mapping[str, Any]]): What an answer lists under a name, each an object with these keys.

        RAISES (UserError): As `checked`.
        """
        rows = self.checked(answer, name)[name]
        if not isinstance(rows, list):
            raise UserError(Errors.E752.format(url=self.url, service=self.service, found=self._shown(answer)))
        return [self.checked(row, *keys) for row in rows]

    def _shown(self, answer: Any) -> str:
        return repr(self._redact("" if answer is None else json.dumps(answer, ensure_ascii=False))[:60])

    def _ask(self, method: str, path: str, parameters: Mapping[str, Any], value: Any = None) -> Any:
        query = f"?{urlencode(parameters)}" if parameters else ""
        body = None if value is None else json.dumps(value).encode()
        waits = list(WAITS) if method == "GET" else []
        renewed = False
        while True:
            try:
                return self._send(method, path + query, body)
            except HTTPError as error:
                status, text = error.code, error.read(100_000).decode("utf-8", "replace")
                if status == 401 and self._is_jwt and not renewed:
                    self._access, renewed = "", True
                    continue
                if status in BUSY and waits:
                    time.sleep(waits.pop(0))
                    continue
                raise self._refused(status, text, error.headers, method, path) from None
            except (URLError, OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", error)
                if isinstance(reason, UNREACHED):
                    raise UserError(Errors.E750.format(url=self.url, reason=self._redact(reason))) from None
                if waits:
                    time.sleep(waits.pop(0))
                    continue
                shown = self._redact(reason) or type(error).__name__
                raise UserError(Errors.E751.format(url=self.url, reason=shown)) from None

    def _send(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Authorization": self._authorization(), "Accept": "application/json"}
        headers |= {} if body is None else {"Content-Type": "application/json"}
        return self._open(Request(self.url + path, body, headers, method=method))

    def _authorization(self) -> str:
        if not self._is_jwt:
            return f"Token {self._token}"
        if not self._access:
            body = json.dumps({"refresh": self._token}).encode()
            headers = {"Content-Type": "application/json", "Accept": "application/json"}
            found = self._open(Request(f"{self.url}/api/token/refresh", body, headers, method="POST"))
            self._access = str(found.get("access") or "") if isinstance(found, dict) else ""
        return f"Bearer {self._access}"

    def _open(self, request: Request) -> Any:
        with self._opener.open(request, timeout=self._timeout) as response:
            data = response.read()
        if not data:
            return None
        try:
            return json.loads(data)
        except ValueError:
            raise UserError(
                Errors.E752.format(
                    url=self.url, service=self.service, found=repr(data[:60].decode("utf-8", "replace"))
                )
            ) from None

    def _refused(self, status: int, text: str, headers: Any, method: str, path: str) -> UserError:
        if status in (401, 403):
            return UserError(
                Errors.E753.format(
                    url=self.url, variable=self.token_env, reason=self._redact(_detail(text)).rstrip(".")
                )
            )
        if 300 <= status < 400:
            return UserError(
                Errors.E752.format(
                    url=self.url,
                    service=self.service,
                    found=f"a redirect to {self._redact(headers.get('Location'))}",
                )
            )
        shown = self._redact(_detail(text))[:SHOWN] or f"status {status}"
        return Refused(
            Errors.E754.format(url=self.url, what=f"{method} {path}", status=status, reason=shown), status
        )

    def _redact(self, text: Any) -> str:
        shown = str(text)
        for secret in (self._token, self._access):
            shown = shown.replace(secret, "***") if secret else shown
        return shown


class Refused(UserError):
    """What the server answered with a status of its own.

    status (int): Such as 404.
    """

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


def _address(url: str) -> tuple[str, str, str]:
    """RETURNS (tuple[str, str, str]): An address as requests take it, its scheme and its host."""
    url = url.strip()
    if "@" in url:
        # What is before it may be a password: the address is in no message.
        raise UserError(Errors.E795)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        # A port that is none raises ValueError, too, and a host that can't be one in DNS.
        known = parts.scheme in ("http", "https") and parts.port != 0 and bool(host.encode("idna"))
    except ValueError:
        known = False
    if not known or not re.fullmatch(r"[\w.:%-]+", host) or parts.query or parts.fragment:
        raise UserError(Errors.E748.format(url=re.split("[?#]", url)[0]))
    path = quote(parts.path, safe="/%:~!$&'()*+,;=")
    return f"{parts.scheme}://{parts.netloc}{path}".rstrip("/"), parts.scheme, host


def _no_token(variable: str) -> UserError:
    """RETURNS (UserError): What to do; a name that may be the token itself, given by mistake, isn't told."""
    if variable in os.environ or VARIABLE.fullmatch(variable):
        return UserError(Errors.E749.format(variable=variable))
    return UserError(Errors.E796)


def _detail(text: str) -> str:
    """RETURNS (str): What a server says of an error, whatever it says it in."""
    try:
        found = json.loads(text)
    except ValueError:
        title = re.search(r"<title>(.*?)</title>", text, flags=re.S)
        return " ".join(title[1].split()) if title else " ".join(text.split())[:SHOWN]
    if not isinstance(found, dict):
        return json.dumps(found)
    detail = found.get("detail")
    if isinstance(detail, dict):
        # Argilla's.
        said = detail.get("params") or {}
        detail = said.get("detail") or json.dumps(said.get("errors") or detail, ensure_ascii=False)
    parts = [str(detail)] if detail else []
    if found.get("validation_errors"):
        parts.append(json.dumps(found["validation_errors"], ensure_ascii=False))
    return ": ".join(parts) or json.dumps(found, ensure_ascii=False)


def _is_json(part: str) -> bool:
    try:
        return isinstance(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))), dict)
    except ValueError:
        return False
