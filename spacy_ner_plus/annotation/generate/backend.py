"""What a backend of `generate` is: one object, found by its entry point, that makes records.

A package adds one by an entry point of the group `spacy_ner_plus_generators`, whose name is the backend's and whose
value is such an object (docs/extending.md has an example).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from spacy_ner_plus.annotation.generate.records import Record, RecordCheck
from spacy_ner_plus.labels import LabelSet

# Passes items through while they are worked on, as `workflows.progress.Progress` does.
Progress = Callable[..., Iterable[Any]]
TRAIN, DEV, TEST = PARTS = ("train", "dev", "test")


class Asked(NamedTuple):
    """What is to be made.

    sizes (Mapping[str, int]): Records of each part: 'train', 'dev' and 'test'; 0 for a part that isn't wanted.
    seed (int): The same seed makes the same records.
    lang (str): Code of the language.
    """

    sizes: Mapping[str, int]
    seed: int = 0
    lang: str = "en"


@dataclass(frozen=True)
class Made:
    """What a backend made.

    parts (dict[str, list[Record]]): Records by part.
    labels (LabelSet): The labels that were looked for, also those without an entity.
    notes (tuple[str, ...]): What else a user should know.
    usage (Mapping[str, Any]): What a chat model took, as `UsageSnapshot.to_dict` says; empty without one.
    """

    parts: dict[str, list[Record]]
    labels: LabelSet
    notes: tuple[str, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Backend(Protocol):
    """A source of synthetic records.

    name (str): As `--backend` takes it, such as 'templates'.
    about (str): What it is, in a line.
    settings (type): A class of settings (`settings.py`), all with defaults.
    """

    name: str
    about: str
    settings: type

    def make(self, asked: Asked, settings: Any, check: RecordCheck, progress: Progress) -> Made:
        """Make records.

        settings (Any): An instance of `settings`.
        check (RecordCheck): Makes a record of a text, or refuses it. What isn't one of its records gets into no
            corpus.
        progress (Callable): Wraps what takes long: the items, what is being done, and how many there are.
        RETURNS (Made): The records; a part may have fewer than were asked for, and never more.
        RAISES (UserError): What the user can mend.
        """
        ...
