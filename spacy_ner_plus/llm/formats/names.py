"""Names of labels and keys as replies spell them: case, spaces, hyphens and underscores may differ."""

import re
from collections.abc import Collection

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.reading import OTHER_SPELLING

_FILLING = re.compile(r"[\s_-]+")


def fold(name: str) -> str:
    """RETURNS (str): A label or a key without what is often spelled otherwise: case, spaces, hyphens, underscores."""
    return _FILLING.sub("", name).casefold()


def spellings(name: str) -> str:
    """RETURNS (str): A regular expression of a name and of what differs from it in spaces, hyphens and underscores."""
    parts = _FILLING.split(name)
    return _FILLING.pattern.replace("+", "*").join(map(re.escape, parts)) if any(parts) else re.escape(name)


def find_name(name: str, names: Collection[str], repairs: IssueLog | None = None) -> str | None:
    """Find the one name that is spelled so, or that differs in case, spaces and hyphens alone.

    repairs (IssueLog | None): Where another spelling is counted.
    RETURNS (str | None): It; None where there is none, or more than one such.
    """
    if name in names:
        return name
    folded = fold(name)
    alike = [known for known in names if fold(known) == folded]
    if len(alike) != 1:
        return None
    if repairs is not None:
        repairs.add(OTHER_SPELLING, f"'{name[:60]}' for '{alike[0]}'")
    return alike[0]
