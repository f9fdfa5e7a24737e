"""Parts of a corpus, such as train and dev, by whole documents."""

import random
import re
from fractions import Fraction

from spacy_ner_plus.errors import Errors, UserError

LARGEST_HAND = 100


def parse_split(text: str) -> dict[str, float]:
    """Read a split as the user writes it.

    text (str): Such as 'train=0.8,dev=0.2'.
    RETURNS (dict[str, float]): Share of the documents by name of the part.
    RAISES (UserError): What is not of this form, or does not add up to 1.
    """
    shares: dict[str, float] = {}
    for item in text.split(","):
        name, _, number = item.strip().partition("=")
        if not re.fullmatch(r"[\w.-]+", name) or name in shares or not re.fullmatch(r"\d*\.?\d+", number):
            raise UserError(Errors.E115.format(split=text))
        shares[name] = float(number)
    if len(shares) < 2 or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise UserError(Errors.E115.format(split=text))
    return shares


class Dealer:
    """Deals documents to parts as they stream, at random and yet in proportion.

    It deals hand by hand, like cards: of each hand (five documents for
    0.8 and 0.2) every part gets its share, in an order that the seed shuffles. So
    the parts are exact but for the last hand, and spread over the whole corpus.
    A document with a text that was dealt before follows the first, so that no
    text stands in two parts.

    shares (dict[str, float]): Share of the documents by part.
    seed (int): The same seed deals the same documents alike.
    """

    def __init__(self, shares: dict[str, float], seed: int):
        self._hand = _hand(shares)
        self._random = random.Random(seed)
        self._left: list[str] = []
        self._dealt: dict[int, str] = {}

    def part(self, text_hash: int) -> str:
        """RETURNS (str): The part that a document goes to, by the hash of its text."""
        if text_hash not in self._dealt:
            if not self._left:
                self._left = self._random.sample(self._hand, len(self._hand))
            self._dealt[text_hash] = self._left.pop()
        return self._dealt[text_hash]


def _hand(shares: dict[str, float]) -> list[str]:
    """The smallest hand that gives each part its share, to within one in LARGEST_HAND."""
    best: list[str] = []
    least = 2.0
    for size in range(len(shares), LARGEST_HAND + 1):
        counts = {name: max(1, round(size * share)) for name, share in shares.items()}
        total = sum(counts.values())
        error = max(abs(Fraction(count, total) - Fraction(shares[name])) for name, count in counts.items())
        if error < least - 1e-9:
            best, least = [name for name, count in counts.items() for _ in range(count)], float(error)
        if error < 1e-6:
            break
    return best
