"""Gold entities as tag numbers on the tokens of the predicted Doc."""

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from spacy.training import Example, validate_get_examples

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.soft_tags import learnable_soft_tags, named_labels
from spacy_ner_plus.spans import tag_label

# What a missing gold tag looks like among tag numbers.
MISSING_TAG = -1
SHOWN = 60  # characters of a text in a message
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


def allowed_tags(example: Example, labels: Sequence[str]) -> tuple[np.ndarray, set[str]]:
    """Find which tags each token of an example may have, as `cross_entropy` takes them.

    labels (Sequence[str]): Those that are known.
    RETURNS (tuple[ndarray[bool], set[str]]): For each token of the predicted Doc and each tag whether it may be
        that: one tag where the annotation says so; where only some labels were annotated, outside of entities, O
        and the tags of all other labels; any tag where the annotation is missing or has an unknown label. And the
        unknown labels that are marked or were annotated.
    RAISES (UserError): Where the Doc's annotated labels are no labels, or not those of its entities.
    """
    names = tag_names(labels)
    tags, unknown = read_gold_tags(example, names)
    outside = np.zeros(len(names), dtype=bool)
    outside[0] = True
    annotated = annotated_labels(example.reference)
    if annotated is not None:
        unknown |= annotated - set(labels)
        outside[[tag_label(name) not in annotated for name in names]] = True
    allowed = tags[:, None] == np.arange(len(names))
    allowed[tags == 0] = outside
    allowed[tags == MISSING_TAG] = True
    return allowed, unknown


def find_labels(
    get_examples: Callable[[], Iterable[Example]],
    known: Iterable[str],
    name: str,
    each: Callable[[Example], None],
) -> list[str]:
    """Find the labels of gold entities, and those that teachers name in soft tags.

    known (Iterable[str]): Labels that are known already.
    name (str): The component's name, for messages.
    each (Callable): Is shown each example, so that a corpus needn't be read once more.
    RETURNS (list[str]): All of them, in alphabetical order; maybe none.
    RAISES (UserError): Where a Doc's annotated labels are no labels, or not those of its entities.
    """
    validate_get_examples(get_examples, f"{name}.initialize")
    labels = set(known)
    for eg in get_examples():
        each(eg)
        annotated_labels(eg.reference)
        labels.update(ent.label_ for ent in eg.reference.ents)
        soft = learnable_soft_tags(eg.reference)
        if soft is not None:
            labels |= named_labels(soft)
    return sorted(labels)


class GoldTagReader:
    """Read gold tags for a component, and warn once about each label that it doesn't know."""

    def __init__(self):
        self._warned: set[str] = set()
        self._warned_of_text = False

    def __call__(self, example: Example, labels: Sequence[str], name: str) -> np.ndarray:
        """RETURNS (ndarray[bool]): As `allowed_tags` gives them.

        labels (Sequence[str]): The component's labels.
        name (str): Its name, for the warning.
        """
        allowed, unknown = allowed_tags(example, labels)
        self.warn(unknown, labels, name)
        return allowed

    def warn(self, unknown: Iterable[str], labels: Sequence[str], name: str) -> None:
        """Warn of labels that the component doesn't know, of each once.

        labels (Sequence[str]): Those that it knows.
        name (str): Its name.
        """
        for label in sorted(set(unknown) - self._warned):
            self._warned.add(label)
            warnings.warn(
                Warnings.W201.format(name=name, label=label, labels=", ".join(labels)), stacklevel=3
            )

    def warn_of_text(self, text: str, name: str) -> None:
        """Warn, once, of a text on which nobody can lay what teachers said of another.

        text (str): The predicted Doc's.
        name (str): The component's name.
        """
        if not self._warned_of_text:
            self._warned_of_text = True
            begin = " ".join(text[: 2 * SHOWN].split())[:SHOWN]
            warnings.warn(Warnings.W960.format(name=name, text=begin), stacklevel=3)
