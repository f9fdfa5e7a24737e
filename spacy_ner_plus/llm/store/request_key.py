"""The key of a request: which model is asked what, whichever way it is sent."""

import hashlib
import json
from typing import Any

from spacy_ner_plus.llm.requests import ChatRequest

# ASCII alone, so that any text has a key, lone surrogates too.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


# Fields that say who asks, how fast, at what price or from which cache, and don't change what is answered.
_NOT_ANSWERED = frozenset(
    {
        *("user", "metadata", "safety_identifier", "store", "service_tier", "priority", "request_id"),
        *("prompt_cache_key", "prompt_cache_retention", "cache_prompt", "id_slot", "keep_alive"),
        *("timeout", "num_retries", "timings_per_token", "return_progress"),
        *("tensorzero::dryrun", "tensorzero::episode_id", "tensorzero::tags"),
    }
)


def canonical_request(endpoint: str, name: str, sampling: dict[str, Any], request: ChatRequest) -> str:
    """Write a request in its canonical form, from which the key is made.

    endpoint (str): The base address, or the name that stands for it.
    name (str): The model, as the server calls it.
    sampling (dict[str, Any]): The fields beside it; those that don't change the reply don't count.
    request (ChatRequest): The prompt. How its schema is sent doesn't count, since that is negotiated.
    RETURNS (str): JSON.
    """
    counted = {field: value for field, value in sampling.items() if field not in _NOT_ANSWERED}
    return _canonical(endpoint, name, counted, request)


def earlier_canonicals(
    endpoint: str, address: str, name: str, sampling: dict[str, Any], request: ChatRequest
) -> list[str]:
    """Write a request in the forms under which earlier runs may have kept its reply.

    endpoint (str): The base address, or the name that stands for it.
    address (str): The base address.
    RETURNS (list[str]): JSON; nothing where there is only the form of today.
    """
    forms = []
    if endpoint != address:
        forms.append(canonical_request(address, name, sampling, request))
    if not _NOT_ANSWERED.isdisjoint(sampling):
        forms.append(_canonical(address, name, sampling, request))
    return forms


def request_key(canonical: str) -> str:
    """RETURNS (str): The SHA-256 of a canonical request, in hexadecimal digits."""
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _canonical(endpoint: str, name: str, sampling: dict[str, Any], request: ChatRequest) -> str:
    form = {
        "base_url": endpoint,
        "model": name,
        "messages": [dict(message) for message in request.messages],
        "schema": request.schema,
        "grammar": request.grammar,
        "parameters": sampling,
        "sample": request.sample,
    }
    # Where there is none, the form is that of before there were any.
    if request.snapshot is not None:
        form["snapshot"] = request.snapshot
    if request.text_grammar is not None:
        # It follows from the text, and is many times as long.
        form["text_grammar"] = hashlib.sha256(request.text_grammar.encode("utf8")).hexdigest()
    return _encode(form)
