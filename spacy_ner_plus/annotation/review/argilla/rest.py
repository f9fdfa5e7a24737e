"""Argilla's REST interface, version 1 of its API, which servers 2.x have.

Not by its SDK, which leaves out when an answer was given, and deletes a dataset where making it fails half-way.
"""

from typing import Any
from urllib.request import Request

from spacy_ner_plus.annotation.review.label_studio.rest import Rest

API = "/api/v1"


class ArgillaRest(Rest):
    """A server and the API key for it; paths are those after /api/v1."""

    service = "Argilla"

    def put(self, path: str, value: Any = None) -> Any:
        """Make something what it is to be; sent once."""
        return self._ask("PUT", path, {}, value)

    def delete(self, path: str, **parameters: Any) -> Any:
        """Remove something; sent once."""
        return self._ask("DELETE", path, parameters)

    def _send(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"X-Argilla-Api-Key": self._token, "Accept": "application/json"}
        headers |= {} if body is None else {"Content-Type": "application/json"}
        return self._open(Request(f"{self.url}{API}{path}", body, headers, method=method))
