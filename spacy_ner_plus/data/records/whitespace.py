# ruff: noqa: RUF001 - quotation marks of many languages are what this file is about.
"""White space between the tokens of a file that does not record it, by rule for the language.

    ( AP ) " I 'm $ 5 short , " he said .   →   (AP) "I'm $5 short," he said.

The rules only decide whether a space follows a token; the tokens stay as they are.
"""

from collections.abc import Sequence
from functools import cache

LEFT, OPEN, CLITIC, CURRENCY, PERCENT, BETWEEN_DIGITS, SLASH, QUOTE, APOSTROPHE, LOW_CLOSE, GUILLEMET = range(
    1, 12
)

UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my", "bo"})
# French sets a space inside guillemets and before high punctuation.
SPACED_PUNCTUATION = {"fr": ("«", "»", ";", ":", "!", "?")}
# l' amico, d' Italia; and -t-il, -se.
ELISION = frozenset({"fr", "it", "ca", "oc", "vec", "scn"})
HYPHEN_CLITICS = frozenset({"fr", "pt", "ca", "ro"})
REVERSED_GUILLEMETS = frozenset({"de", "da", "cs", "sk", "sl", "hr", "hu"})
ENGLISH_CLITICS = ("'s", "'re", "'ve", "'ll", "'d", "'m", "n't")

CLOSING = [*",.;:!?)]}…”’›⟩", "..", "...", "....", "''", *"、。，．！？；：）」』】》", *"،؛؟।॥·"]
OPENING = [*"([{¿¡‘‹⟨‚", "``", *"（「『【《"]
# Those that spaCy parts from the amount.
CURRENCIES = ["$", "£", "€", "¥", "฿", "₽", "﷼", "₴", "₠", "₡", "₩", "₪", "₫", "₹", "US$", "C$", "A$"]


@cache
def _kinds(lang: str) -> dict[str, int]:
    """RETURNS (dict[str, int]): The tokens with a rule in this language."""
    kinds = dict.fromkeys(CLOSING, LEFT) | dict.fromkeys(OPENING, OPEN) | dict.fromkeys(CURRENCIES, CURRENCY)
    kinds |= {"%": PERCENT, "-": BETWEEN_DIGITS, "/": SLASH, '"': QUOTE, "'": APOSTROPHE}
    kinds |= {"„": OPEN, "“": LOW_CLOSE, "«": GUILLEMET, "»": GUILLEMET}
    if lang == "en":
        for clitic in ENGLISH_CLITICS:
            for spelling in (clitic, clitic.upper()):
                kinds[spelling] = kinds[spelling.replace("'", "’")] = CLITIC
    for word in SPACED_PUNCTUATION.get(lang, ()):
        del kinds[word]
    return kinds


@cache
def _abbreviations(lang: str) -> frozenset[str]:
    """RETURNS (frozenset[str]): Words that spaCy keeps as one token with a full stop, without it."""
    from spacy.util import get_lang_class

    try:
        exceptions = get_lang_class(lang).Defaults.tokenizer_exceptions
    except ImportError:
        return frozenset()
    whole = (key for key, pieces in exceptions.items() if key.endswith(".") and len(pieces) == 1)
    return frozenset(key[:-1] for key in whole if key[:-1])


def restore_spaces(words: Sequence[str], lang: str) -> list[bool]:
    """Say after which tokens of a sentence the text had a space.

    words (Sequence[str]): The tokens of one sentence.
    lang (str): Language code; one without rules of its own gets the general ones.
    RETURNS (list[bool]): For each token whether a space follows; of the last
        token it says True, the caller knows whether anything follows.
    """
    if lang in UNSPACED:
        return [False] * (len(words) - 1) + [True] * bool(words)
    spaces = [True] * len(words)
    kinds = _kinds(lang)
    # Most tokens have no rule; the set tells so without a walk in Python.
    if not kinds.keys().isdisjoint(words):
        _attach(words, kinds, spaces, lang)
    if lang in ELISION or lang in HYPHEN_CLITICS:
        _attach_elided(words, spaces, lang)
    if spaces:
        spaces[-1] = True
    return spaces


def _attach(words: Sequence[str], kinds: dict[str, int], spaces: list[bool], lang: str) -> None:
    """Take away the spaces that the marks of a sentence do not have."""
    last = len(words) - 1
    quotes = words.count('"')
    quote_open = single_open = low_open = False
    first_guillemet = ""
    for i, word in enumerate(words):
        kind = kinds.get(word)
        if kind is None:
            continue
        before = words[i - 1] if i else ""
        after = words[i + 1] if i < last else ""
        to_left = to_right = False
        if kind == LEFT:
            to_left = word != "." or not _fuses_with_stop(before, lang)
        elif kind == OPEN:
            to_right = True
            low_open = low_open or word == "„"
        elif kind == CLITIC:
            to_left = before[-1:].isalnum() or before[-1:] in ('"', ")", ".", "'")
        elif kind == CURRENCY:
            to_right = after[:1].isdigit() or (after[:1] == "." and after[1:2].isdigit())
        elif kind == PERCENT:
            to_left = before[-1:].isdigit()
        elif kind == BETWEEN_DIGITS:
            to_left = to_right = before[-1:].isdigit() and after[:1].isdigit()
        elif kind == SLASH:
            alike = before[-1:].isalpha() and after[:1].isalpha()
            to_left = to_right = alike or (before[-1:].isdigit() and after[:1].isdigit())
        elif kind == QUOTE:
            quotes -= 1
            quote_open = to_right = not quote_open and _opens(before, after, quotes)
            to_left = not to_right
        elif kind == APOSTROPHE:
            single_open = to_right = not single_open and _opens_single(words, i)
            to_left = not to_right
        elif kind == LOW_CLOSE:
            to_left, to_right, low_open = low_open, not low_open, False
        elif kind == GUILLEMET:
            first_guillemet = first_guillemet or (word if lang in REVERSED_GUILLEMETS else "«")
            to_right = word == first_guillemet
            to_left = not to_right
        if to_left and i:
            spaces[i - 1] = False
        if to_right:
            spaces[i] = False


def _fuses_with_stop(word: str, lang: str) -> bool:
    """Whether spaCy would take a word and the full stop after it for one token.

    "Lear Corp ." keeps its space, as in "Corp." the end of the entity would be no
    token's; so does "in the U.S ." and "Serie A .".
    """
    initial = word[-1:].isupper() and not word[-2:-1].isalpha()
    return initial or word in _abbreviations(lang)


def _opens(before: str, after: str, later: int) -> bool:
    """Whether a quotation mark opens; `later` counts those that follow in the sentence.

    One without a partner closes where it ends the sentence or stands after a
    comma, a full stop or the like: the quotation began in the sentence before.
    """
    if later % 2:
        return True
    return not before or bool(after and before not in (",", ".", "!", "?", "...", "'"))


def _opens_single(words: Sequence[str], i: int) -> bool:
    """Whether an apostrophe opens a quotation, rather than close one or mark a possessive."""
    if i == 0:
        return True
    if i == len(words) - 1:
        return False
    closes = any(words[j] == "'" and words[j - 1][-1:] not in "sS" for j in range(i + 2, len(words)))
    return closes and words[i - 1] not in (".", "!", "?")


def _attach_elided(words: Sequence[str], spaces: list[bool], lang: str) -> None:
    """Attach l' to what follows and -t-il to what precedes."""
    for i, word in enumerate(words):
        if len(word) < 2:
            continue
        if lang in ELISION and word[-1] in "'’" and word[-2].isalpha():
            spaces[i] = False
        if i and lang in HYPHEN_CLITICS and word[0] == "-" and word[1].isalpha():
            spaces[i - 1] = False
