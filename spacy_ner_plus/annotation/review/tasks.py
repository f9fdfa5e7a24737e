"""What passes between a corpus and a review tool: tasks to send, tasks as a tool has them, and what people submitted.

Offsets are code points in all of them: a tool that counts otherwise translates.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from typing import Any, NamedTuple

from spacy.tokens import Doc

from spacy_ner_plus.data.records.record import RECORD, record_of, spans_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.uncertainty import uncertainty
from spacy_ner_plus.spans import IOB_MISSING, span_scores

# Under this name our id is in a task's data, or its meta, in every tool.
ID_KEY = "spacy_ner_plus_id"

# How doubtful a Doc is of which annotators left tokens without annotation, as where they differed.
LEFT_OPEN = 0.5


class TaskSpan(NamedTuple):
    """A span of a task's text.

    start (int): Its first character, in code points.
    end (int): After its last character.
    label (str): The label.
    score (float | None): How sure its annotator is, from 0 to 1; None where that isn't said.
    text (str | None): Its text, where the tool repeats it: what is at the offsets is checked against it.
    """

    start: int
    end: int
    label: str
    score: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Task:
    """A text to review.

    id (str): Ours, the same on every push: the corpus's own id of it where that is unique, else made of the text.
    text (str): The text.
    predictions (tuple[TaskSpan, ...] | None): What a person begins with; None where nothing is predicted, () where it
        is predicted that there is nothing.
    uncertainty (float | None): How unsure of it its annotator is, from 0 to 1; None where that isn't known.
    annotator (str): Who predicted; '' where that isn't said.
    meta (Mapping[str, Any]): What else the corpus says about it, in JSON's types.
    """

    id: str
    text: str
    predictions: tuple[TaskSpan, ...] | None = None
    uncertainty: float | None = None
    annotator: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredTask:
    """A task as a tool has it.

    key (str): The tool's own name for it.
    id (str): Ours; '' for a task that was not made by a push.
    text (str): Its text.
    predictions (tuple[TaskSpan, ...] | None): What it was sent with, as in `Task`.
    annotations (int): How many people have submitted or skipped it.
    drafts (int): How many have begun it without submitting.
    """

    key: str
    id: str
    text: str
    predictions: tuple[TaskSpan, ...] | None = None
    annotations: int = 0
    drafts: int = 0

    @property
    def touched(self) -> bool:
        """RETURNS (bool): Whether a person has done anything in it."""
        return bool(self.annotations or self.drafts)


@dataclass(frozen=True)
class Submission:
    """What one person submitted about one text; drafts, predictions and what was skipped are none.

    id (str): Our id of the task; '' where the tool's task has none.
    text (str): The text as the tool has it.
    spans (tuple[TaskSpan, ...]): All that the person left standing.
    annotator (str): Who.
    submitted (str): When, in ISO 8601; '' where the tool doesn't say.
    seconds (float | None): How long it took; None where the tool doesn't say.
    missing (tuple[tuple[int, int], ...]): Stretches of the text of which it says nothing.
    where (str): Its place in the tool, for messages.
    predictions (tuple[TaskSpan, ...] | None): What the person began with; None where the tool doesn't say, and the
        corpus tells.
    is_final (bool): Whether it is what was decided for the text, by a curator or as the tool's ground truth: what
        others submitted about it doesn't count then.
    """

    id: str
    text: str
    spans: tuple[TaskSpan, ...] = ()
    annotator: str = ""
    submitted: str = ""
    seconds: float | None = None
    missing: tuple[tuple[int, int], ...] = ()
    where: str = ""
    predictions: tuple[TaskSpan, ...] | None = None
    is_final: bool = False


def task_text(text: str) -> str:
    """RETURNS (str): A text as it is sent: tools strip white space from its end, which is of no offset."""
    return text.rstrip()


def task_ids(docs: Sequence[Doc]) -> list[str]:
    """Name each Doc of a corpus.

    RETURNS (list[str]): What `keep_task_ids` wrote, for those of another corpus; else the record's own id. Where there
        is none, or another Doc has it, too, one that is made of the text, and of how often it came before: the same Doc
        has the same in each run, and on whatever place in the corpus it is.
    """
    records = [record_of(doc) for doc in docs]
    names = [str(record["meta"].get(ID_KEY) or record["id"]) for record in records]
    counts = Counter(names)
    seen: dict[str, int] = {}
    found = []
    for doc, name, record in zip(docs, names, records, strict=True):
        if not name or counts[name] > 1:
            made = made_id(record["id"], doc.text)
            seen[made] = seen.get(made, 0) + 1
            name = made if seen[made] == 1 else f"{made}-{seen[made]}"
        found.append(name)
    return found


def keep_task_ids(docs: Sequence[Doc]) -> None:
    """Write each Doc's id of `task_ids` in its record's meta, so that it has the same among some of these."""
    for doc, name in zip(docs, task_ids(docs), strict=True):
        record = record_of(doc)
        doc.user_data[RECORD] = {**record, "meta": {**record["meta"], ID_KEY: name}}


def occurrence(doc: Doc, task_id: str) -> int | None:
    """RETURNS (int | None): How often the same Doc is in its corpus up to this one, from 1, as an id of `task_ids`
    tells it; None where the id isn't this Doc's."""
    own = record_of(doc)["id"]
    made = made_id(own, doc.text)
    if task_id in {own, made}:
        return 1
    before, mark, count = task_id.rpartition("-")
    return int(count) if mark and before == made and count.isdecimal() else None


def made_id(own: str, text: str) -> str:
    """RETURNS (str): An id that tells texts apart of which others have the same own id, or none."""
    return sha256(f"{own}\n{text}".encode()).hexdigest()[:16]


def match_texts(texts: Mapping[str, str], there: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Tell of which text of a corpus each task of a tool is.

    Ids may be numbers of rows, which begin anew in a second batch, and a tool may put its own in their place: a task is
    of the text that has its id and its text; else of one that has its text, whose id no task has, each of another one.

    texts (Mapping[str, str]): The corpus's texts by id, as they are sent.
    there (Iterable[tuple[str, str]]): Id and text of each task.
    RETURNS (dict[tuple[str, str], str]): The corpus's id by id and text of a task; those that aren't told aren't in it.
    """
    pairs = dict.fromkeys(there)
    found = {pair: pair[0] for pair in pairs if texts.get(pair[0]) == pair[1]}
    taken = set(found.values())
    rest = [pair for pair in pairs if pair[0] and pair not in found]
    lacking: dict[str, dict[str, str]] = {text: {} for _, text in rest}
    for name, text in texts.items():
        if name not in taken and text in lacking:
            # What a push calls a text whose own id is in use.
            lacking[text][made_id(name, text)] = name
    for pair in rest:
        if pair[0] in lacking[pair[1]]:
            found[pair] = lacking[pair[1]].pop(pair[0])
    for pair in rest:
        if pair not in found and lacking[pair[1]]:
            found[pair] = lacking[pair[1]].pop(next(iter(lacking[pair[1]])))
    return found


def make_tasks(docs: Sequence[Doc]) -> Iterator[Task]:
    """Make a task of each Doc, with its entities as predictions.

    docs (Sequence[Doc]): All of a corpus, since ids are told apart by the whole; those with white space alone are
        passed over.
    YIELDS (Task): In the order of the Docs.
    """
    for name, doc in zip(task_ids(docs), docs, strict=True):
        if not doc.text.strip():
            continue
        known = record_of(doc)
        text, predictions = task_text(doc.text), predictions_of(doc)
        doubtful = doubt(doc, predictions)
        yield Task(name, text, _within(predictions, len(text)), doubtful, known["annotator"], known["meta"])


def _within(predictions: Sequence[TaskSpan] | None, length: int) -> tuple[TaskSpan, ...] | None:
    """RETURNS (tuple[TaskSpan, ...] | None): Spans without what is behind the text that is sent."""
    if predictions is None:
        return None
    return tuple(span._replace(end=min(span.end, length)) for span in predictions if span.start < length)


def predictions_of(doc: Doc) -> tuple[TaskSpan, ...] | None:
    """RETURNS (tuple[TaskSpan, ...] | None): A Doc's spans with their scores; None where it isn't annotated."""
    found = spans_of(doc)
    if not found and not doc.has_annotation("ENT_IOB"):
        return None
    scores = span_scores(doc)
    return tuple(
        TaskSpan(
            span.start_char,
            span.end_char,
            span.label_,
            _finite(scores.get((span.start, span.end, span.label)) if score is None else score),
        )
        for span, score in found
    )


def _finite(score: float | None) -> float | None:
    """RETURNS (float | None): A score; None for NaN, by which span groups say that one isn't known, and infinity."""
    return score if score is not None and isfinite(score) else None


def doubt(doc: Doc, predictions: Sequence[TaskSpan] | None) -> float | None:
    """Find how unsure of a Doc its annotator is.

    RETURNS (float | None): As its component says; else what its least sure span lacks, and at least a half where
        tokens were left open; 1 where nothing is predicted, None where no span has a score and nothing is open.
    """
    with suppress(UserError):
        said = _finite(uncertainty(doc))
        if said is not None:
            return said
    if predictions is None:
        return 1.0
    doubts = [1 - span.score for span in predictions if span.score is not None]
    if any(token.ent_iob == IOB_MISSING for token in doc):
        doubts.append(LEFT_OPEN)
    return max(doubts, default=None)


def most_doubtful_first(tasks: Sequence[Task]) -> list[Task]:
    """RETURNS (list[Task]): By uncertainty; those without any come last, and else the order stays."""
    return sorted(
        tasks, key=lambda task: -1.0 if task.uncertainty is None else task.uncertainty, reverse=True
    )
