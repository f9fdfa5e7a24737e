"""What each record is to be, before any is asked for: how long, with which labels, showing what.

Quotas hold by what is planned: a record that isn't as its plan says is refused, and asked for again.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from spacy_ner_plus.annotation.generate.llm.settings import LLMSettings
from spacy_ner_plus.errors import Errors, UserError

T = TypeVar("T")
# Labels that a record is asked to have, at most; it may have others, too.
MOST_LABELS = 4
# So many labels does a record have on average, where no quotas say it.
_LABELS_OF_A_RECORD = 2
_LETTERS = "ABCDEFGHIJKLMNOPRSTUVWZ"


@dataclass(frozen=True)
class PlannedRecord:
    """One record to be asked for.

    number (int): Which one, from 0.
    part (str): Which part it is for.
    words (tuple[int, int]): How many words it has, at least and at most.
    labels (tuple[str, ...]): Labels of which it has an entity each; () for a record without any entity.
    ambiguous (str): A label for which it has a word that is another one elsewhere; '' for none.
    edge_case (str): What it shows; '' for nothing in particular.
    letters (str): With what some names begin, so that not all records have the same ones.
    """

    number: int
    part: str
    words: tuple[int, int]
    labels: tuple[str, ...]
    ambiguous: str = ""
    edge_case: str = ""
    letters: str = ""


def plan_records(
    sizes: Mapping[str, int], labels: Sequence[str], settings: LLMSettings, seed: int
) -> list[PlannedRecord]:
    """Plan all records; the same arguments give the same plan.

    sizes (Mapping[str, int]): How many records each part gets.
    labels (Sequence[str]): The labels that there are.
    RAISES (UserError): Quotas of other labels, or of more than there are records.
    """
    rng = random.Random(f"{seed} plan")
    count = sum(sizes.values())
    negative = round(settings.negatives * count)
    wanted = _plan_labels(count - negative, labels, settings, rng)
    planned_labels = _shuffled([*wanted, *[()] * negative], rng)
    lengths = _shuffled(_deal(settings.ranges(), count), rng)
    parts = _shuffled([part for part, size in sizes.items() for _ in range(size)], rng)
    cases = _shuffled(_in_turn(["", *(settings.edge_cases or ())], count), rng)
    with_entities = [number for number, names in enumerate(planned_labels) if names]
    ambiguous = {*rng.sample(with_entities, round(settings.ambiguity * len(with_entities)))}
    return [
        PlannedRecord(
            number,
            parts[number],
            lengths[number],
            planned_labels[number],
            rng.choice(planned_labels[number]) if number in ambiguous else "",
            cases[number],
            "".join(rng.sample(_LETTERS, 2)),
        )
        for number in range(count)
    ]


def _plan_labels(
    count: int, labels: Sequence[str], settings: LLMSettings, rng: random.Random
) -> list[tuple[str, ...]]:
    """RETURNS (list[tuple[str, ...]]): The labels of each record that has entities."""
    quotas = settings.quotas or {}
    unknown = [name for name in quotas if name not in labels]
    if unknown:
        remedy = f"those of the labels: {', '.join(labels)}"
        raise UserError(Errors.E733.format(setting="quotas", value=unknown[0], remedy=remedy))
    equal = -(-min(_LABELS_OF_A_RECORD, len(labels)) * count // len(labels))
    wants = {name: int(quotas.get(name, equal)) for name in labels}
    most = min(MOST_LABELS, len(labels)) * count
    given = sum(quotas.values())
    too_large = max(wants.values(), default=0) > count
    if too_large or given > most:
        remedy = f"at most {count:,} for a label and {most:,} for all, as {count:,} records have entities"
        raise UserError(Errors.E733.format(setting="quotas", value=dict(quotas), remedy=remedy))
    for name in [name for name in labels if name not in quotas]:
        # What quotas leave.
        left = max(most - given, 0) // max(len(labels) - len(quotas), 1)
        wants[name] = min(wants[name], left)
    found: list[list[str]] = [[] for _ in range(count)]
    for name in sorted(wants, key=lambda name: -wants[name]):
        # Those with the fewest so far, in any order.
        order = sorted(range(count), key=lambda number: (len(found[number]), rng.random()))
        for number in order[: wants[name]]:
            found[number].append(name)
    uses = Counter(wants)
    for names in found:
        if not names:
            least = min(labels, key=lambda name: (uses[name], labels.index(name)))
            names.append(least)
            uses[least] += 1
    return [tuple(names) for names in found]


def _deal(shares: Mapping[T, float], count: int) -> list[T]:
    """RETURNS (list): Each as often as its share says, by largest remainders."""
    exact = {name: share * count for name, share in shares.items()}
    whole = {name: int(value) for name, value in exact.items()}
    order = sorted(exact, key=lambda name: whole[name] - exact[name])
    for name in order[: count - sum(whole.values())]:
        whole[name] += 1
    return [name for name, times in whole.items() for _ in range(times)]


def _in_turn(items: Sequence[T], count: int) -> list[T]:
    return [items[number % len(items)] for number in range(count)]


def _shuffled(items: Iterable[T], rng: random.Random) -> list[T]:
    found = list(items)
    rng.shuffle(found)
    return found
