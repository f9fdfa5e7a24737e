"""A small corpus, other for each seed, of which files of all formats are made."""

from random import Random
from typing import NamedTuple

NAMES = ["Rosa", "Quint", "Lund", "東京", "Örebro", "Ann", "Zoë", "Oslo", "Acme", "Berlin"]
OTHERS = ["moved", "to", "the", "harbour", "in", "met", "while", "straße", "never", "left"]
LABELS = ["PER", "LOC", "ORG"]


class Text(NamedTuple):
    """A text and its entities.

    words (list[str]): Its words, the first of which no other text has.
    ents (list[tuple[int, int, str]]): First word, the one after the last, label; none overlaps another, and no
        mention stands twice in the text.
    """

    words: list[str]
    ents: list[tuple[int, int, str]]

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def starts(self) -> list[int]:
        return [len(" ".join(self.words[:i])) + bool(i) for i in range(len(self.words))]

    @property
    def spans(self) -> list[tuple[int, int, str]]:
        """By character."""
        starts = self.starts
        return [
            (starts[first], starts[last - 1] + len(self.words[last - 1]), label)
            for first, last, label in self.ents
        ]

    @property
    def tags(self) -> list[str]:
        tags = ["O"] * len(self.words)
        for first, last, label in self.ents:
            tags[first:last] = [f"{'I' if i else 'B'}-{label}" for i in range(last - first)]
        return tags


def make_gold(random: Random, size: int = 5) -> list[Text]:
    gold = []
    for number in range(size):
        names = random.sample(NAMES, len(NAMES))
        words, ents = [f"Text{number}"], []
        for _ in range(random.randint(2, 4)):
            words += random.sample(OTHERS, random.randint(1, 2))
            count = random.randint(1, 2)
            ents.append((len(words), len(words) + count, random.choice(LABELS)))
            words += [names.pop() for _ in range(count)]
        words.append(random.choice(OTHERS))
        gold.append(Text(words, ents))
    return gold
