"""Keys, read from the environment when the first request is sent, and kept out of everything else."""

import os
import re
from collections.abc import Mapping

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra

_FILE = ".env"
_SHORTEST_SECRET = 8
# Also $NAME, since in a spaCy config ${...} refers to another section.
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$([A-Za-z_]\w*)")


class Credentials:
    """The headers of a request, and the secrets in them, which are never shown.

    api_key_env (str): The environment variable with the key; a server may want none.
    headers (Mapping[str, str]): Further headers; "$NAME" or "${NAME}" in a value stands for a variable.
    RAISES (UserError): Where a header names a variable that isn't set.
    """

    def __init__(self, *, api_key_env: str, headers: Mapping[str, str]):
        self.api_key_env = api_key_env
        self._secrets: list[str] = []
        self.headers = {"Content-Type": "application/json"}
        environment = _environment()
        if key := environment.get(api_key_env, "").strip():
            self.headers["Authorization"] = f"Bearer {self._secret(api_key_env, key)}"
        for name, value in headers.items():
            self.headers[name] = self._resolve(name, value, environment)

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
