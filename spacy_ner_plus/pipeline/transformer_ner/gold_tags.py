"""Gold entities as tag numbers on the tokens of the predicted Doc."""

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from spacy.training import Example, validate_get_examples

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.models.training.loss import MISSING_TAG
from spacy_ner_plus.spans import tag_label

# BILUO's prefixes in IOB2; '-' and None say that the annotation is missing.
_IOB2 = {"B": "B", "I": "I", "L": "I", "U": "B", "O": "O", "-": "-"}


def read_gold_tags(example: Example, names: Sequence[str]) -> tuple[np.ndarray, set[str]]:
    """Read the gold tags of an example; where its Docs have different tokens, spaCy aligns them.

    names (Sequence[str]): The tags in the order of their numbers.
    RETURNS (tuple[Ints1d, set[str]]): A number for each token of the predicted
        Doc, MISSING_TAG where the annotation is missing or has an unknown label;
        and these labels.
    """
    numbers = {name: number for number, name in enumerate(names)}
    tags, unknown = [], set()
    for biluo in example.get_aligned_ner():
        tag = _IOB2[biluo[0]] + biluo[1:] if biluo else None
        number = numbers.get(tag, MISSING_TAG)
        if number == MISSING_TAG and tag and (label := tag_label(tag)):
            unknown.add(label)
        tags.append(number)
    return np.array(tags, dtype=np.int64), unknown


def find_labels(
    get_examples: Callable[[], Iterable[Example]],
    known: Iterable[str],
    name: str,
    each: Callable[[Example], None],
) -> list[str]:
    """Find the labels of gold entities.

    known (Iterable[str]): Labels that are known already.
    name (str): The component's name, for messages.
    each (Callable): Is shown each example, so that a corpus needn't be read once more.
    RETURNS (list[str]): All of them, in alphabetical order; maybe none.
    """
    validate_get_examples(get_examples, f"{name}.initialize")
    labels = set(known)
    for eg in get_examples():
        each(eg)
        labels.update(ent.label_ for ent in eg.reference.ents)
    return sorted(labels)


class GoldTagReader:
    """Read gold tags for a component, and warn once about each label that it doesn't know."""

    def __init__(self):
        self._warned: set[str] = set()

    def __call__(self, example: Example, labels: Sequence[str], name: str) -> np.ndarray:
        """RETURNS (Ints1d): As `read_gold_tags` gives them.

        labels (Sequence[str]): The component's labels.
        name (str): Its name, for the warning.
        """
        tags, unknown = read_gold_tags(example, tag_names(labels))
        for label in sorted(unknown - self._warned):
            self._warned.add(label)
            warnings.warn(
                Warnings.W201.format(name=name, label=label, labels=", ".join(labels)), stacklevel=2
            )
        return tags
