"""Whether two texts are the same, but for spelling that doesn't matter."""

import hashlib

from spacy_ner_plus.alignment.normalization import normalise


def text_hash(text: str) -> str:
    """RETURNS (str): The SHA-256 of a text's normalised form, in hexadecimal digits."""
    return hashlib.sha256(normalise(text).encode("utf8", "surrogatepass")).hexdigest()
