"""Folds of a corpus: each document is read by a pipeline that learnt from the others."""

import random
import re
from collections.abc import Sequence

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError


def split_folds(docs: Sequence[Doc], count: int, seed: int = 0, *, setting: str = "") -> list[list[int]]:
    """Deal a corpus to folds.

    Documents of the same text, whatever case and white space, come into the same one: a pipeline that learnt from a
    copy would only repeat its annotation.

    docs (Sequence[Doc]): The corpus.
    count (int): How many folds.
    seed (int): Of the random order. Default 0.
    setting (str): What a user says the count by, for messages; '' where it isn't theirs.
    RETURNS (list[list[int]]): Numbers of the documents of each fold, in order; each fold has about as many tokens.
    RAISES (UserError): Where there are fewer texts than folds.
    """
    copies: dict[str, list[int]] = {}
    for number, doc in enumerate(docs):
        copies.setdefault(" ".join(re.findall(r"\S+", doc.text.casefold())), []).append(number)
    if len(copies) < count:
        lower = f", or lower {setting}" if setting else ""
        raise UserError(Errors.E760.format(count=count, texts=len(copies), lower=lower))
    groups = list(copies.values())
    random.Random(seed).shuffle(groups)
    # The longest first, each to the fold that has the least.
    groups.sort(key=lambda group: -sum(len(docs[number]) for number in group))
    folds: list[list[int]] = [[] for _ in range(count)]
    sizes = [0] * count
    for group in groups:
        # An empty fold first, so that none stays empty whatever the lengths.
        least = min(range(count), key=lambda k: (bool(folds[k]), sizes[k]))
        folds[least] += group
        sizes[least] += sum(len(docs[number]) for number in group)
    return [sorted(fold) for fold in folds]
