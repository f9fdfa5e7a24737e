"""Replies that name nothing of the text: the form that was shown, said again, or words that are all somebody else's.

Neither says that the text has no entities, which is what would be left of them once their mentions aren't found.
"""

import re

from spacy_ner_plus.alignment.align import MENTION_SIMILARITY, find
from spacy_ner_plus.alignment.occurrences import OccurrenceFinder
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.requests import InvalidReply

# What stands in a form for what is to be filled in: dots; several words of a form with a line for each are joined.
_PLACEHOLDER = re.compile(r"\s*(?:(?:\.{3}|\u2026)\s*)+")
_TOKEN = re.compile(r"\w+|[^\w\s]")


def check_mentions(reading: Reading, text: str) -> Reading:
    """Check that a reply names anything of the text, where it names something at all.

    text (str): The text that was asked about.
    RETURNS (Reading): The same. Where not one of its mentions is in the text, however it is spelled, all of the text
        is unread: the model is asked once more, and if that doesn't help, nothing is known of the text.
    RAISES (InvalidReply): A mention is the placeholder of the form that was shown.
    """
    holders = [mention.text for mention in reading if _PLACEHOLDER.fullmatch(mention.text)]
    if holders and (len(holders) == len(reading) or not all(_is_there(holder, text) for holder in holders)):
        raise InvalidReply(f"'{holders[0][:40]}' stands in the form for a mention, and is none itself")
    # In the usual case the first is there, and no more is looked for.
    if not reading or any(mention.position >= 0 or _is_there(mention.text, text) for mention in reading):
        return reading
    bounds = [match.span() for match in _TOKEN.finditer(text)]
    finder = OccurrenceFinder(text, [start for start, _ in bounds], [end for _, end in bounds])
    names = dict.fromkeys(mention.text.strip() for mention in reading)
    if any(find(finder, name, MENTION_SIMILARITY).occurrences for name in names if name):
        return reading
    shown = " ".join(reading[0].text[:80].split())[:40]
    reading.unread = [(0, len(text))]
    reading.doubt = f"not one of the mentions is in the text, such as '{shown}'; copy them from the text"
    return reading


def _is_there(mention: str, text: str) -> bool:
    return bool(mention.strip()) and mention.strip() in text
