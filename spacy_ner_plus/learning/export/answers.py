"""The answers in a store that are worth learning from: one a text, with what is right in place of what was wrong."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.store.feedback import Feedback
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan

DEMONSTRATION = "demonstration"
NO_FEEDBACK = "answer without the metric, and not corrected"
NOT_GOOD = "answer that isn't good enough"
OTHER_VARIANT = "answer of another variant"
OTHER_COMPONENT = "answer of another component"
OF_DRY_RUN = "text of a dry run"
WORSE = "another answer about the text is better, or as good and later"
PARTLY = "a part of the text has no answer"
OVERLAPPING = "entities that overlap"
OTHER_LABEL = "corrected entity of a label that wasn't asked for: left out of its answer"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be learnt about a text.

    inference (Inference): That was asked.
    entities (tuple[CharSpan, ...]): The right ones, in order.
    is_corrected (bool): Whether they are other ones than the inference has.
    value (float | None): Of the metric, the more the better; None where it has none.
    """

    inference: Inference
    entities: tuple[CharSpan, ...]
    is_corrected: bool
    value: float | None

    @property
    def is_whole(self) -> bool:
        """RETURNS (bool): Whether what is no entity is known not to be one, in all of the text."""
        return self.is_corrected or self.inference.valid


def good_answers(
    store: Store,
    *,
    metric: str,
    least: float,
    variants: Collection[str] = (),
    component: str | None = None,
    left_out: IssueLog,
) -> list[Answer]:
    """Choose an answer for each text: one that was corrected, else the best of those that are good enough.

    metric (str): That says how good they are.
    least (float): The worst value that is good enough: the least, or for a metric of which less is better the most.
    variants (Collection[str]): Only the answers of these. Default: of all.
    component (str | None): Only the answers of this one, as another one asks for something else. Default: of all, where
        there is one.
    left_out (IssueLog): Where every other answer is counted, with the reason.
    RETURNS (list[Answer]): In the order of the texts' hashes, which is the same in every export.
    RAISES (UserError): Where there is no such metric, its values are no numbers, or the store has answers of several
        components, none of which is named.
    """
    upto = store.position()
    found = store.feedback.metrics().get(metric)
    if found is None or found.kind not in ("boolean", "float"):
        known = ", ".join(
            name for name, one in sorted(store.feedback.metrics().items()) if one.kind in ("boolean", "float")
        )
        raise UserError(Errors.E860.format(metric=metric, store=store.where, known=known))
    sign = -1 if found.optimize == "min" else 1
    values = store.feedback.latest(metric, upto=upto)
    corrections = store.feedback.latest(DEMONSTRATION, upto=upto)
    dry = store.dry_texts.all()
    best: dict[str, tuple[tuple[bool, float, float], Answer]] = {}
    components: set[str] = set()
    for inference in store.inferences.all(upto=upto):
        components.add(inference.component)
        if inference.component != component and component is not None:
            left_out.add(OTHER_COMPONENT, inference.text[:_SHOWN], inference.component)
            continue
        shown = inference.text[:_SHOWN]
        if variants and inference.variant not in variants:
            left_out.add(OTHER_VARIANT, shown, inference.variant)
            continue
        if inference.text_hash in dry:
            left_out.add(OF_DRY_RUN, shown)
            continue
        given = values.get(inference.episode if found.level == "episode" else inference.id)
        value = None if given is None else sign * float(given.value)
        answer = _answer(inference, corrections.get(inference.id), value, left_out)
        if answer is None:
            left_out.add(OVERLAPPING, shown)
            continue
        if not answer.is_corrected and inference.id not in corrections:
            if value is None:
                left_out.add(NO_FEEDBACK, shown)
                continue
            if value < sign * least:
                left_out.add(NOT_GOOD, shown)
                continue
        rank = (inference.id in corrections, -1e300 if value is None else value, inference.created)
        other = best.get(inference.text_hash)
        if other is not None:
            left_out.add(WORSE, shown)
        if other is None or rank >= other[0]:
            best[inference.text_hash] = rank, answer
    if (component is None and len(components) > 1) or (component is not None and component not in components):
        known = ", ".join(repr(name) for name in sorted(components)) or "none"
        found = "several components" if component is None else f"none of '{component}'"
        raise UserError(Errors.E842.format(store=store.where, found=found, known=known))
    return [answer for _, (_, answer) in sorted(best.items())]


def _answer(
    inference: Inference, correction: Feedback | None, value: float | None, left_out: IssueLog
) -> Answer | None:
    """RETURNS (Answer | None): What is right about the inference's text; None where entities overlap."""
    own = tuple(sorted(inference.entities))
    if correction is None:
        return None if _overlap(own) else Answer(inference, own, False, value)
    # The question was about these labels alone, and so is its answer.
    asked = set(inference.labels)
    right = tuple(sorted(CharSpan(*span) for span in correction.value if span[2] in asked))
    others = [span for span in correction.value if span[2] not in asked]
    if others:
        start, end, label = others[0]
        left_out.add(OTHER_LABEL, f"{label} {inference.text[start:end][:_SHOWN]!r}", count=len(others))
    is_corrected = right != own or not inference.valid
    return None if _overlap(right) else Answer(inference, right, is_corrected, value)


def _overlap(spans: Sequence[CharSpan]) -> bool:
    return any(other.start < one.end for one, other in pairwise(spans))


def only_whole(answers: Sequence[Answer], left_out: IssueLog) -> Iterator[Answer]:
    """YIELDS (Answer): Those that say something of all of their text; the others are counted."""
    for answer in answers:
        if answer.is_whole:
            yield answer
        else:
            left_out.add(PARTLY, answer.inference.text[:_SHOWN])
