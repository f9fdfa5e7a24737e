"""What a model is asked for."""

from typing import NamedTuple


class Prompt(NamedTuple):
    """One kind of entity, as the model is told of it.

    name (str): Such as 'person', or 'name of a person'.
    description (str): What is meant. GLiNER reads it in place of the name, GLiNER2 beside it. Default: none.
    """

    name: str
    description: str = ""


# Never two of one name, nor two that a model would read as the same.
Prompts = tuple[Prompt, ...]
