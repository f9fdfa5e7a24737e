"""Ids in the order of time."""

from spacy_ner_plus.extras import from_extra


def new_id() -> str:
    """RETURNS (str): A UUID of version 7 (RFC 9562): milliseconds, then random bits."""
    with from_extra("llm"):
        from uuid_utils import uuid7
    return str(uuid7())
