"""Training and dev data by whole texts: where one goes is known by its hash, and nearly the same stay together."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from spacy_ner_plus.alignment.near_duplicates import NEARLY, NearDuplicates, count_shingles
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.export.answers import Answer
from spacy_ner_plus.llm.store.text_hash import text_hash

TRAIN, DEV = "train", "dev"
Part = Literal["train", "dev"]
EXCLUDED = "text of a corpus that is excluded"
NEARLY_EXCLUDED = "text that is nearly one of a corpus that is excluded"
BETWEEN = "text that is nearly one of the training data and one of the dev data"
_SHOWN = 60


class ExcludedTexts:
    """Texts that nothing is trained on.

    texts (Iterable[str]): Such as those of a corpus that models are evaluated on.
    hashes (Iterable[str]): The `text_hash` of further ones, which alone is known of texts of dry runs.
    """

    def __init__(self, texts: Iterable[str], hashes: Iterable[str] = ()):
        by_hash = {text_hash(text): text for text in texts}
        self._hashes = by_hash.keys() | set(hashes)
        self._near = NearDuplicates(NEARLY, count_shingles(by_hash.values()))
        for text in by_hash.values():
            self._near.add(text)

    def has(self, text: str) -> bool:
        """RETURNS (bool): Whether a text is one of them, or nearly one."""
        return text_hash(text) in self._hashes or self._is_near(text)

    def _is_near(self, text: str) -> bool:
        return bool(len(self._near)) and self._near.find(text) is not None

    def without(self, answers: Iterable[Answer], left_out: IssueLog) -> Iterator[Answer]:
        """YIELDS (Answer): Those about other texts; what is left out is counted."""
        for answer in answers:
            text = answer.inference.text
            if answer.inference.text_hash in self._hashes:
                left_out.add(EXCLUDED, text[:_SHOWN])
            elif self._is_near(text):
                left_out.add(NEARLY_EXCLUDED, text[:_SHOWN])
            else:
                yield answer


def split(answers: Sequence[Answer], dev_share: float, left_out: IssueLog) -> dict[str, Part]:
    """Say which part each text goes to.

    A text goes where one that is nearly the same is, else by its hash, so that it goes there in later exports, too.

    answers (Sequence[Answer]): In the order of their texts' hashes.
    dev_share (float): The share of the texts that are dev data.
    left_out (IssueLog): Where a text is counted that is like one of either part; it goes to neither.
    RETURNS (dict[str, Part]): By the text's hash.
    """
    counts = count_shingles(answer.inference.text for answer in answers) if dev_share else None
    near = {TRAIN: NearDuplicates(NEARLY, counts), DEV: NearDuplicates(NEARLY, counts)}
    parts: dict[str, Part] = {}
    for answer in answers:
        text, own = answer.inference.text, answer.inference.text_hash
        part: Part = DEV if int(own[:13], 16) / 16**13 < dev_share else TRAIN
        if dev_share:
            alike = [name for name, texts in near.items() if texts.find(text) is not None]
            if len(alike) > 1:
                left_out.add(BETWEEN, text[:_SHOWN])
                continue
            part = alike[0] if alike else part
            near[part].add(text)
        parts[own] = part
    return parts
