"""The tokenizer of a pipeline's language, for configs in which the language may change.

A config without a tokenizer gets that of its language, but `spacy debug` refuses it; one that names
`spacy.Tokenizer.v1` would cut Chinese at white space.
"""

from collections.abc import Callable

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry


def language_tokenizer_v1() -> Callable[[Language], Callable[[str], Doc]]:
    """RETURNS (Callable[[Language], Tokenizer]): Makes the tokenizer that the pipeline's language has in spaCy."""
    return make_language_tokenizer


def make_language_tokenizer(nlp: Language) -> Callable[[str], Doc]:
    """RETURNS (Tokenizer): The tokenizer that `spacy.blank` gives for the pipeline's language."""
    default = type(nlp).default_config["nlp"]["tokenizer"]
    return registry.resolve({"tokenizer": default})["tokenizer"](nlp)
