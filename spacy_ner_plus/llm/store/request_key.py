"""The key of a request: which model is asked what, whichever way it is sent."""

import hashlib
import json
from typing import Any

from spacy_ner_plus.llm.requests import ChatRequest

# ASCII alone, so that any text has a key, lone surrogates too.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def canonical_request(endpoint: str, name: str, sampling: dict[str, Any], request: ChatRequest) -> str:
    """Write a request in its canonical form, from which the key is made.

    endpoint (str): The base address.
    name (str): The model, as the server calls it.
    sampling (dict[str, Any]): The fields that change the reply.
    request (ChatRequest): The prompt. How its schema is sent doesn't count, since that is negotiated.
    RETURNS (str): JSON.
    """
    return _encode(
        {
            "base_url": endpoint,
            "model": name,
            "messages": [dict(message) for message in request.messages],
            "schema": request.schema,
            "grammar": request.grammar,
            "parameters": sampling,
            "sample": request.sample,
        }
    )


def request_key(canonical: str) -> str:
    """RETURNS (str): The SHA-256 of a canonical request, in hexadecimal digits."""
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
