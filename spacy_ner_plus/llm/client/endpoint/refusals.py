"""What a server's refusal is about: one document, a field that the server doesn't take, or every request."""

import re
from collections.abc import Iterable

from spacy_ner_plus.llm.client.completions import ServerError

# Codes and words of content filters, as OpenAI, Azure, OpenRouter, Gemini, DashScope and others put them.
_MODERATION = re.compile(
    r"content[ _-]?(filter|policy|management)|moderat|safety|flagged|inappropriate|jailbreak|harmful|sensitive"
    r"|prohibited|restricted|responsible[ _]?ai|data_inspection|violat(es|ed|ion)",
    re.IGNORECASE,
)
# What is said of one prompt that is too long, or that leaves no room for its reply.
_LENGTH = re.compile(
    r"context[ _-]?(length|window|size)|maximum (context|input|prompt|sequence)|too (long|large|many tokens)"
    r"|reduce (the|your) (length|prompt|input|messages)|(exceed|larger than|longer than|more than).{0,80}token"
    r"|tokens?.{0,60}exceed|string_above_max_length|n_ctx",
    re.IGNORECASE | re.DOTALL,
)
# That the key, the account or the place isn't allowed in, and not what was asked.
_ACCESS = re.compile(
    r"\bkeys?\b|api[_-]key|permission|authori[sz]|authenticat|credential|forbidden|access|account|billing|country|region"
    r"|ip address|organization|subscription|token",
    re.IGNORECASE,
)
# Without one of these a message only mentions a field, or a text in which its name stands.
_REFUSED = re.compile(
    r"not (\w+ )?(support|permit|allow|accept|recogni|implement|available|enabled|valid)|n't (support|take)|unsupported"
    r"|unknown|unrecogni[sz]ed|unexpected|invalid|extra (inputs|fields)|unavailable|deprecated|\bmust\b|\bonly\b"
    r"|should be|incompatible|deserialize|failed to parse",
    re.IGNORECASE,
)
_ROOT = re.compile(r"^(?:body\.)?([\w-]+)")


def is_moderation(status: int, error: ServerError) -> bool:
    """RETURNS (bool): Whether a filter refused what one document says."""
    return status in (400, 403, 422, 451) and bool(_MODERATION.search(f"{error.code} {error.message}"))


def is_too_long(error: ServerError) -> bool:
    """RETURNS (bool): Whether one prompt is too long for the model, or too long for the reply that it allows."""
    return bool(_LENGTH.search(f"{error.code} {error.message}"))


def is_no_access(error: ServerError) -> bool:
    """RETURNS (bool): Whether a 403 is about the key or the account, so that every request gets it."""
    return bool(_ACCESS.search(f"{error.code} {error.message}"))


def is_field_at_fault(error: ServerError, names: Iterable[str]) -> bool:
    """RETURNS (bool): Whether the error's own `param` is one of these fields, or a part of it."""
    root = _ROOT.match(error.param)
    return root is not None and root[1] in names


def names_field(error: ServerError, names: Iterable[str]) -> bool:
    """Tell whether a server refuses a field.

    names (Iterable[str]): How servers call the field in messages.
    RETURNS (bool): Whether the error is about one of them: by its `param`, or by a message that has the
        name as a word of its own, and says that it isn't taken.
    """
    if error.param:
        return is_field_at_fault(error, names)
    words = "|".join(re.escape(name) for name in names)
    said = re.search(rf"(?<![\w-])(?:{words})(?![\w-])", error.message, re.IGNORECASE)
    return said is not None and _REFUSED.search(error.message) is not None
