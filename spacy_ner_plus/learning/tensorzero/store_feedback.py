"""What a store has of feedback on a gateway's inferences, in the form that the gateway takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.tensorzero.feedback import as_output, feedback_body
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.store.feedback import Feedback
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.store import Store

GATEWAY = "tensorzero"
SEVERAL = (
    "about a text that was asked about in several requests, each an inference of the gateway's own: not sent"
)
NO_SCHEMA = "right answer in a reply format that has no JSON, or isn't here: not sent"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class OutgoingFeedback:
    """One feedback.

    id (str): Of ours.
    body (dict[str, Any]): What is posted.
    """

    id: str
    body: dict[str, Any]


def outgoing_feedback(store: Store, issues: IssueLog) -> Iterator[OutgoingFeedback]:
    """Find the feedback on what a gateway answered: all comments, and of all else what counts, the last one given.

    issues (IssueLog): Where is counted what the gateway can't have.
    YIELDS (OutgoingFeedback): Oldest first.
    """
    last: dict[tuple[str, ...], Feedback] = {}
    for feedback in store.feedback.all():
        key = (feedback.target, feedback.metric, *([feedback.id] if feedback.metric == "comment" else []))
        # At its place among the others.
        last.pop(key, None)
        last[key] = feedback
    for feedback in last.values():
        body = _body(store, feedback, issues)
        if body is not None:
            yield OutgoingFeedback(feedback.id, body)


def _body(store: Store, feedback: Feedback, issues: IssueLog) -> dict[str, Any] | None:
    value: Any = feedback.value
    inference = store.inferences.get(feedback.target)
    if inference is None:
        first = next(store.inferences.of_episode(feedback.target), None)
        if first is None or first.external != GATEWAY:
            return None
        return feedback_body(feedback.metric, value, episode_id=feedback.target, source=feedback.source)
    if inference.external != GATEWAY:
        return None
    shown = inference.text[:_SHOWN]
    if not _is_of_one(store, inference):
        issues.add(SEVERAL, f"{feedback.metric}: {shown}", inference.id)
        return None
    if feedback.metric == "demonstration":
        value = _output(inference, feedback)
        if value is None:
            issues.add(NO_SCHEMA, shown, inference.id)
            return None
    return feedback_body(feedback.metric, value, inference_id=inference.id, source=feedback.source)


def _is_of_one(store: Store, inference: Inference) -> bool:
    """Whether one inference of the gateway's is all of ours; where it was asked once more, it is the last."""
    keys = inference.request_keys
    if len(set(keys)) < 2:
        return True
    last = store.get(keys[-1])
    return last is not None and last.gateway is not None and last.gateway.inference == inference.id


def _output(inference: Inference, feedback: Feedback) -> dict[str, Any] | None:
    try:
        form = get_format(inference.format)
        if form.schema(inference.labels) is None:
            return None
        spans = [span for span in feedback.value if span.label in inference.labels]
        return as_output(form, inference.labels, inference.text, spans)
    except (UserError, ValueError, LookupError):
        return None
