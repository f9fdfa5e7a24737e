"""Labels and texts as Python source, for `guidelines` and for templates: class names and strings."""

import json
import keyword
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# Names that stand for something else in the code around them.
_TAKEN = frozenset({"result", "text", "span", "str", "list", "List", "Entity", "Annotation", "dataclass"})
# Python takes a few more signs, which no reader of words does.
_WORD = re.compile(r"[^\W\d]\w*")
_PARTS = re.compile(r"[\W_]+")


def class_names(labels: Sequence[str]) -> dict[str, str]:
    """Name a class for each label: its own name where that is one, else its words joined, as in WorkOfArt.

    labels (Sequence[str]): Labels, with any characters.
    RETURNS (dict[str, str]): Label to class name; each is an identifier in the form that Python reads
        (NFKC), no keyword, and stands for one label alone.
    """
    return dict(_class_names(tuple(labels)))


def python_string(text: str) -> str:
    """RETURNS (str): A text as a string in double quotes, on one line. JSON's escapes are Python's, too."""
    return json.dumps(text, ensure_ascii=False)


def docstring(text: str, indent: int = 4) -> str:
    """RETURNS (str): A text as a docstring, its lines after the first indented by spaces."""
    escaped = text.strip().replace("\\", "\\\\")
    if '"""' in escaped or escaped.endswith('"'):
        escaped = escaped.replace('"', '\\"')
    inner = f"\n{' ' * indent}".join(line.strip() for line in escaped.splitlines())
    return f'"""{inner}"""'


def comment(text: str) -> str:
    """RETURNS (str): A text as comments, one a line."""
    return "\n".join(f"# {line.strip()}".rstrip() for line in text.splitlines())


@lru_cache(maxsize=16)
def _class_names(labels: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    names: dict[str, str] = {}
    # Labels that are names already keep them, whichever come first.
    for label in sorted(labels, key=lambda label: not _is_class_name(label)):
        name = label if _is_class_name(label) else _join_words(label)
        number = 2
        unique = name
        while unique in names.values():
            unique = f"{name}{number}"
            number += 1
        names[label] = unique
    return tuple((label, names[label]) for label in labels)


def _is_class_name(name: str) -> bool:
    return (
        _WORD.fullmatch(name) is not None
        and name.isidentifier()
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
        and name not in _TAKEN
    )


def _join_words(label: str) -> str:
    words = _PARTS.split(unicodedata.normalize("NFKC", label))
    joined = unicodedata.normalize("NFKC", "".join(word[:1].upper() + word[1:] for word in words))
    for name in (joined, f"Label{joined}"):
        if _is_class_name(name):
            return name
    # Letters that Python takes in no name, such as digits of scripts that write them as signs.
    return "Label" + "".join(c for c in joined if _is_class_name(f"Label{c}"))
