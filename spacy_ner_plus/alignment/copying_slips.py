"""Whether two spellings are the same but for a slip in copying, or mean something else.

Similarity of the whole doesn't tell: 'Mr. Smith' is as similar to 'Dr. Smith' as 'Smiht' to 'Smith', and
'Mara Voss and Tilo Brand' to 'Mara Voss met Tilo Brand'. So the words are compared one by one.
"""

import re
import unicodedata

from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.extras import from_extra

# How similar the words must be at least. A word is another one of 'sign' and 'signed' (0.8), 'Mr' and 'Dr' (0.5).
WORD_SIMILARITY = 0.81
# How many words of the mention may be how many of the text: 'NewZealand' is 'New Zealand'.
_JOINED = ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1))
_WORD = re.compile(r"\w+")
# What joins several names. Signs within one, such as in 'AC/DC', must be the same as well.
_JOINT = re.compile(r"[,;/&]|(?<!\w)and(?!\w)", re.IGNORECASE)


def may_be_slip(mention: str, spelling: str, threshold: float) -> bool:
    """Whether a mention may be a spelling of the text, copied with slips.

    Each word of the spelling must be one of the mention's, or nearly; the mention may have more. Digits must be the
    same, and what joins several names in the mention must do so in the text; but a sign, as in 'Smith, Jr.', may lack.

    threshold (float): The least similarity of the whole; where it is lower, it is that of the words, too.
    """
    if _digits(mention) != _digits(spelling):
        return False
    ours, theirs = _joints(mention), _joints(spelling)
    if ours and ours != theirs and (theirs or "and" in ours):
        return False
    return _words_match(_words(mention), _words(spelling), min(threshold, WORD_SIMILARITY))


def _words_match(ours: list[str], theirs: list[str], least: float) -> bool:
    """Whether each of their words is one of ours, in order, or several are one."""
    with from_extra("llm"):
        from rapidfuzz import fuzz

    # How many of theirs may be matched by as many of ours as were looked at.
    reached = [{0}, *(set() for _ in ours)]
    for i in range(len(ours) + 1):
        for j in sorted(reached[i]):
            for a, b in _JOINED:
                if i + a > len(ours) or j + b > len(theirs) or j + b in reached[i + a]:
                    continue
                word, other = "".join(ours[i : i + a]), "".join(theirs[j : j + b])
                # Joined ones without a slip: 'Dr. Smith' is as similar to 'Smith' as a slip is.
                if word == other or (a == b and fuzz.ratio(word, other) >= 100 * least):
                    reached[i + a].add(j + b)
            if i < len(ours):
                reached[i + 1].add(j)
    return len(theirs) in reached[-1]


def _words(text: str) -> list[str]:
    """The words of a text, without accents, which are dropped more often than anything else."""
    parts = unicodedata.normalize("NFKD", normalise(text))
    return _WORD.findall("".join(c for c in parts if not unicodedata.category(c).startswith("M")))


def _joints(text: str) -> list[str]:
    return ["and" if joint == "&" else joint.lower() for joint in _JOINT.findall(text)]


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
