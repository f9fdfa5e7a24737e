"""Demonstrations from a store: answers that were found good, and what people put in place of wrong ones.

TensorZero calls it dynamic in-context learning. They are read from a snapshot, so that prompts stay the same while the
store grows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
from spacy_ner_plus.settings import check_settings, setting, settings

if TYPE_CHECKING:
    from spacy_ner_plus.llm.store.store import Store

# The value of `examples` that means them.
STORE = "store"
OF_DRY_RUN = "answer in the store about a text of a dry run: no example"
EXCLUDED_EXAMPLE = "text of a corpus that `exclude` names: no example"
OTHER_LABELS = "answer in the store for which other labels were asked: no example"
WRONG_SPANS = "answer in the store whose entities overlap, or aren't in its text: no example"
_DEMONSTRATION = "demonstration"


@settings
class StoreExamples:
    """Which answers in a store are good enough to be shown."""

    metric: str = setting("The metric of the store's feedback that says so.", "exact_match")
    least: float = setting("The worst value that is good enough; 1 for true.", 1.0)

    def __post_init__(self) -> None:
        check_settings(self, Errors.E240.replace("{setting}", "examples.store.{setting}"))

    @classmethod
    def of(cls, given: Any) -> "StoreExamples | None":
        """RETURNS (StoreExamples | None): Those that `examples` means; None where it means no store.

        RAISES (UserError): For a mapping that isn't understood.
        """
        if given == STORE:
            return cls()
        if not isinstance(given, Mapping):
            return None
        known = [field.name for field in fields(cls)]
        chosen = given.get(STORE)
        if set(given) != {STORE} or not isinstance(chosen, Mapping) or set(chosen) - set(known):
            raise UserError(Errors.E817.format(value=dict(given), known=" and ".join(known)))
        return cls(**chosen)


@dataclass(frozen=True)
class Snapshot:
    """What a store had of examples.

    position (int): `Store.position()`, to which they were read.
    examples (list[Demonstration]): Those of texts that were corrected first, then by time.
    """

    position: int
    examples: list[Demonstration]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it, for JSON."""
        return {"position": self.position, "examples": [example.to_dict() for example in self.examples]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Snapshot":
        """RETURNS (Snapshot): What `to_dict` gave."""
        examples = [Demonstration.from_dict(record) for record in data["examples"]]
        return cls(int(data["position"]), examples)


def read_snapshot(
    where: str | Path,
    chosen: StoreExamples,
    *,
    labels: Collection[str],
    excluded: Collection[str],
    issues: IssueLog,
) -> Snapshot:
    """Read the examples that a store has now.

    where (str | Path): The store; where there is none yet, it has none.
    chosen (StoreExamples): Which are good enough.
    labels (Collection[str]): Those that have to have been asked for.
    excluded (Collection[str]): `text_hash` of texts that are no examples.
    issues (IssueLog): Where what is left out is counted.
    RAISES (UserError): Where the store can't be read, or has no such metric.
    """
    from spacy_ner_plus.llm.store.store import Store, has_store

    if not has_store(where):
        return Snapshot(0, [])
    with Store(where, read_only=True) as store:
        return _read(store, chosen, frozenset(labels), excluded, issues)


def _read(
    store: "Store",
    chosen: StoreExamples,
    labels: frozenset[str],
    excluded: Collection[str],
    issues: IssueLog,
) -> Snapshot:
    position = store.position()
    metric = store.feedback.metrics().get(chosen.metric)
    if metric is None or metric.kind not in ("boolean", "float"):
        raise UserError(Errors.E818.format(metric=chosen.metric, store=store.where))
    sign = -1 if metric.optimize == "min" else 1
    values = {
        target: sign * float(feedback.value)
        for target, feedback in store.feedback.latest(chosen.metric, upto=position).items()
    }
    corrected = store.feedback.latest(_DEMONSTRATION, upto=position)
    dry = store.dry_texts.all()
    # By text: whether it was corrected, and its value. Of equal ones the last counts.
    best: dict[str, tuple[tuple[bool, float], Demonstration]] = {}
    for inference in store.inferences.all(upto=position):
        correction = corrected.get(inference.id)
        value = values.get(inference.episode if metric.level == "episode" else inference.id)
        is_good = inference.valid and value is not None and value >= sign * chosen.least
        if correction is None and not is_good:
            continue
        shown = inference.text[:60]
        if inference.text_hash in dry:
            issues.add(OF_DRY_RUN, shown)
        elif inference.text_hash in excluded:
            issues.add(EXCLUDED_EXAMPLE, shown)
        elif not labels <= set(inference.labels):
            issues.add(OTHER_LABELS, shown)
        else:
            spans = inference.entities if correction is None else correction.value
            rank = (correction is not None, correction.created if correction is not None else value)
            try:
                example = Demonstration.from_dict({"text": inference.text, "spans": [list(s) for s in spans]})
            except UserError:
                issues.add(WRONG_SPANS, shown)
                continue
            if inference.text_hash not in best or rank >= best[inference.text_hash][0]:
                best[inference.text_hash] = rank, example
    found = sorted(best.values(), key=lambda pair: not pair[0][0])
    return Snapshot(position, [example for _, example in found])
