"""Texts as templates of MiniJinja, which the gateway renders, that give the text again."""

import re

_OPENING = re.compile(r"\{[{%#]")


def as_template(text: str) -> str:
    """RETURNS (str): A template that gives the text as it is, also where the text looks like a template."""
    return _OPENING.sub(lambda found: f'{{{{ "{found[0]}" }}}}', text)
