"""Keys, read from the environment when the first request is sent, and kept out of everything else."""

import os
import re
import warnings
from collections.abc import Mapping
from urllib.parse import urlsplit

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.extras import from_extra

_FILE = ".env"
# OpenAI's key, which is sent to OpenAI alone unless one says otherwise.
_OPENAI_KEY = "OPENAI_API_KEY"
_OPENAI_HOST = re.compile(r"(.+\.)?openai\.com$")
_THIS_MACHINE = re.compile(r"localhost$|::1$|127\.")
_SHORTEST_SECRET = 8
# Also $NAME, since in a spaCy config ${...} refers to another section.
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$([A-Za-z_]\w*)")


class Credentials:
    """The headers of a request, and the secrets in them, which are never shown.

    address (str): Where requests are sent.
    api_key_env (str | None): The environment variable with the key; None for none, and for OPENAI_API_KEY at OpenAI.
    headers (Mapping[str, str]): Further headers; "$NAME" or "${NAME}" in a value stands for a variable.
    any_host (bool): Whether OPENAI_API_KEY goes to hosts that aren't OpenAI's.
    api_key (str): The key itself, where it isn't in the environment.
    RAISES (UserError): Where a header names a variable that isn't set.
    """

    def __init__(
        self,
        *,
        address: str,
        api_key_env: str | None,
        headers: Mapping[str, str],
        any_host: bool = False,
        api_key: str = "",
    ):
        parts = urlsplit(address)
        host = parts.hostname or ""
        is_openai = _OPENAI_HOST.match(host) is not None
        self.api_key_env = (_OPENAI_KEY if is_openai else "") if api_key_env is None else api_key_env
        # Whether OpenAI's key was named, and isn't sent.
        self.is_withheld = False
        self._may_have_openai_key = is_openai or any_host
        self._secrets: list[str] = []
        self.headers = {"Content-Type": "application/json"}
        if api_key:
            self.headers["Authorization"] = f"Bearer {self._secret('the key', api_key)}"
            return
        environment = _environment()
        if (key := environment.get(self.api_key_env, "").strip()) and self._may_send(self.api_key_env):
            self.headers["Authorization"] = f"Bearer {self._secret(self.api_key_env, key)}"
        for name, value in headers.items():
            if all(self._may_send(found[1] or found[2]) for found in _VARIABLE.finditer(value)):
                self.headers[name] = self._resolve(name, value, environment)
        if self.is_withheld:
            warnings.warn(Warnings.W262.format(host=host), stacklevel=2)
        if self._secrets and parts.scheme == "http" and not _THIS_MACHINE.match(host):
            warnings.warn(Warnings.W263.format(host=host), stacklevel=2)

    def __repr__(self) -> str:
        return f"Credentials(api_key_env={self.api_key_env!r})"

    @property
    def has_key(self) -> bool:
        """RETURNS (bool): Whether any key was found."""
        return bool(self._secrets)

    def redact(self, text: str) -> str:
        """RETURNS (str): The text without any key, since servers may send back what they got."""
        for secret in self._secrets:
            # Shorter ones are placeholders such as "none", which also occur in words.
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    def _may_send(self, name: str) -> bool:
        is_sent = name != _OPENAI_KEY or self._may_have_openai_key
        self.is_withheld = self.is_withheld or not is_sent
        return is_sent

    def _resolve(self, header: str, value: str, environment: Mapping[str, str]) -> str:
        for name in (found[1] or found[2] for found in _VARIABLE.finditer(value)):
            if not environment.get(name):
                raise UserError(Errors.E259.format(header=header, name=name))
            self._secret(name, environment[name])
        return _sendable(
            f"The header '{header}'", _VARIABLE.sub(lambda found: environment[found[1] or found[2]], value)
        )

    def _secret(self, name: str, value: str) -> str:
        self._secrets.append(_sendable(f"The environment variable {name}", value))
        return value


def _sendable(what: str, value: str) -> str:
    # Checked here, since what can't be sent would be shown in an error later.
    if not (value.isascii() and value.isprintable()):
        raise UserError(Errors.E270.format(what=what))
    return value


def _environment() -> dict[str, str]:
    if not os.path.exists(_FILE):
        return dict(os.environ)
    with from_extra("llm"):
        from dotenv import dotenv_values

    try:
        values = {name: value for name, value in dotenv_values(_FILE).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E503.format(path=_FILE, reason=error)) from error
    # The environment wins over the file, as it does with other tools that read it.
    return {**values, **os.environ}
