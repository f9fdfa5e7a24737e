"""The backend `llm`: records that a chat model writes, each as it was planned."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from spacy_ner_plus.alignment.near_duplicates import NearDuplicates
from spacy_ner_plus.annotation.generate.backend import Asked, Made, Progress
from spacy_ner_plus.annotation.generate.llm.plan import PlannedRecord, plan_records
from spacy_ner_plus.annotation.generate.llm.prompt import RecordPrompts
from spacy_ner_plus.annotation.generate.llm.reading import DraftReader, Drafts
from spacy_ner_plus.annotation.generate.llm.second_reading import OTHERWISE, SecondReading
from spacy_ner_plus.annotation.generate.llm.settings import LLMSettings
from spacy_ner_plus.annotation.generate.patterns import pattern_of
from spacy_ner_plus.annotation.generate.records import Record, RecordCheck
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.client.limits.copies import Lineage
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration, read_demonstrations
from spacy_ner_plus.llm.requests import Dialogue, Question

if TYPE_CHECKING:
    from spacy_ner_plus.llm.client.chat_model import ChatModel

NEARLY_THE_SAME = "refused: nearly the same as another record"
NO_REPLY = "not written: a record of a request that got no reply"
INVALID = "not written: a record of a reply that can't be read"
# Where the user says nothing: at 0 many texts would be the same.
TEMPERATURE = 0.8


class LLM:
    """The backend, as `backend.py` says."""

    name = "llm"
    about = "records that a chat model writes, of labels, a domain, a style and edge cases of yours"
    settings = LLMSettings

    def make(self, asked: Asked, settings: LLMSettings, check: RecordCheck, progress: Progress) -> Made:
        from spacy_ner_plus.pipeline.structured_llm_ner.make_extractor import make_model

        if settings.labels is None:
            raise UserError(Errors.E242.format(name=self.name))
        labels = load_labels(settings.labels)
        check.labels = labels.names
        left_out = IssueLog()
        examples = _read_examples(settings.examples, check, left_out)
        planned = plan_records(asked.sizes, labels.names, settings, asked.seed)
        given = settings.model
        if isinstance(given, Mapping):
            given = {"temperature": TEMPERATURE, **given}
        model = make_model(given, self.name, Lineage())
        language = "" if asked.lang == "xx" else type(check.nlp).__name__
        prompts = RecordPrompts(labels, settings, language, examples)
        writer = _Writer(model, prompts, examples, settings, check)
        try:
            kept = writer.write(planned, progress)
        finally:
            if model is not settings.model:
                model.close()
        parts: dict[str, list[Record]] = {part: [] for part, size in asked.sizes.items() if size}
        for record in planned:
            if record.number in kept:
                parts[record.part].append(kept[record.number])
        notes = [*(f"{kind}: {issue.count:,}" for kind, issue in left_out), *_notes(planned, kept)]
        return Made(parts, labels, tuple(notes), model.usage.to_dict())


LLM_BACKEND = LLM()


class _Answer(NamedTuple):
    """What came of a request.

    first (Drafts | None): What its reply holds; None where there is none that can be read.
    second (Drafts | None): What the reply to the re-ask holds, if there was one.
    failure (str): Why there is no reply; '' where there is one.
    kind (str): What kind of failure that is, as an Outcome says.
    """

    first: Drafts | None
    second: Drafts | None = None
    failure: str = ""
    kind: str = ""


class _Writer:
    """Asks for planned records until all are there, or each was asked for as often as may be."""

    def __init__(
        self,
        model: "ChatModel",
        prompts: RecordPrompts,
        examples: Sequence[Record],
        settings: LLMSettings,
        check: RecordCheck,
    ):
        self._model = model
        self._prompts = prompts
        self._labels = prompts.labels
        self._settings = settings
        self._check = check
        self._near = NearDuplicates(settings.near_duplicates)
        self._texts: set[str] = set()
        for example in examples:
            self._remember(example)
        self._second = SecondReading(check.nlp, model, prompts.labels) if settings.second_reading else None

    def write(self, planned: Sequence[PlannedRecord], progress: Progress) -> dict[int, Record]:
        """RETURNS (dict[int, Record]): What came, by the number of the record."""
        kept: dict[int, Record] = {}
        avoid: dict[int, str] = {}
        left = list(planned)
        size = self._settings.records_per_request
        for attempt in range(self._settings.attempts):
            groups = [left[at : at + size] for at in range(0, len(left), size)]
            futures: list[Future[_Answer]] = []
            before = {*kept}
            try:
                futures += [self._model.hold(self._ask(group, attempt, avoid)) for group in groups]
                what = "Asking" if not attempt else "Asking again"
                answers = progress((future.result() for future in futures), what, len(futures))
                # In the order of the plan, whatever comes first: so a run that goes on makes the same records.
                for group, answer in zip(groups, answers, strict=True):
                    for place, record in enumerate(group, start=1):
                        self._take(place, record, answer, kept, avoid)
            finally:
                for future in futures:
                    future.cancel()
            self._read_again(kept, before, avoid)
            left = [record for record in left if record.number not in kept]
            if not left:
                break
        return kept

    def _ask(
        self, group: Sequence[PlannedRecord], attempt: int, avoid: Mapping[int, str]
    ) -> Dialogue[_Answer]:
        """Ask for some records, and once more for those that can't be used."""
        request = self._prompts.request(group, attempt, avoid)
        planned = dict(enumerate(group, start=1))
        reader = DraftReader(planned, self._labels, self._check)
        (outcome,) = yield [Question(request, reader.read, read_cut=reader.read_cut)]
        first = outcome.value
        if first is None:
            return _Answer(None, None, outcome.failure, outcome.kind)
        if not first.refusals or outcome.kind == "partial":
            return _Answer(first)
        problems = {place: refusal.reason for place, refusal in sorted(first.refusals.items())}
        again = DraftReader({place: planned[place] for place in problems}, self._labels, self._check)
        reply = outcome.replies[-1].content
        question = Question(
            self._prompts.again(request, reply, problems), again.read, read_cut=again.read_cut
        )
        (outcome,) = yield [question]
        return _Answer(first, outcome.value)

    def _take(
        self,
        place: int,
        planned: PlannedRecord,
        answer: _Answer,
        kept: dict[int, Record],
        avoid: dict[int, str],
    ) -> None:
        """Keep a record of an answer, or count why not."""
        where = f"record {planned.number + 1}"
        if answer.first is None:
            kind = NO_REPLY if answer.kind == "transport" else INVALID
            self._check.refuse(kind, answer.failure, where)
            return
        for drafts in (answer.first, answer.second):
            if drafts is None:
                continue
            if place in drafts.records:
                self._keep(drafts.records[place], planned, kept, avoid)
                return
            if place in drafts.refusals:
                refusal = drafts.refusals[place]
                self._check.offered += bool(refusal.text)
                self._check.refuse(refusal.kind, refusal.text or refusal.reason, where)

    def _keep(
        self, draft: Record, planned: PlannedRecord, kept: dict[int, Record], avoid: dict[int, str]
    ) -> None:
        pattern = pattern_of(draft)
        is_there = draft.text.casefold() in self._texts
        same = self._near.find(pattern)
        if is_there or same is not None:
            avoid[planned.number] = draft.text
            self._check.offered += 1
            self._check.refuse(NEARLY_THE_SAME, draft.text, draft.origin)
            return
        record = self._check(draft.text, draft.spans, origin=draft.origin)
        if record is not None:
            self._remember(record)
            kept[planned.number] = record

    def _remember(self, record: Record) -> None:
        self._near.add(pattern_of(record))
        self._texts.add(record.text.casefold())

    def _read_again(self, kept: dict[int, Record], before: Set[int], avoid: dict[int, str]) -> None:
        """Take out what came in this attempt and is read otherwise."""
        new = {number: record for number, record in kept.items() if number not in before}
        if self._second is None or not new:
            return
        differences = self._second.differences(list(new.values()))
        for (number, record), difference in zip(new.items(), differences, strict=True):
            if difference:
                avoid[number] = record.text
                del kept[number]
                self._check.refuse(OTHERWISE, f"{difference}: {record.text}", record.origin)


def _read_examples(given: Any, check: RecordCheck, issues: IssueLog) -> list[Record]:
    """RETURNS (list[Record]): Examples, each of them valid.

    issues (IssueLog): Where examples are counted that are left out.
    RAISES (UserError): A file that can't be read, or an example that is no record.
    """
    if given is None:
        return []
    read = (
        read_demonstrations(given, labels=check.labels, issues=issues)
        if isinstance(given, str)
        else map(Demonstration.from_dict, given)
    )
    examples = []
    for example in read:
        made = check.make(example.text, example.spans)
        if not isinstance(made, Record):
            remedy = f"records that are valid ({made}), with labels of {', '.join(check.labels or ())}"
            raise UserError(
                Errors.E733.format(setting="examples", value=repr(example.text[:60]), remedy=remedy)
            )
        examples.append(made)
    return examples


def _notes(planned: Sequence[PlannedRecord], kept: Mapping[int, Record]) -> list[str]:
    """Say of each length and label how many records were planned, and how many are there."""
    asked, there = Counter(), Counter()
    for record in planned:
        names = ["{}-{} words".format(*record.words), *record.labels]
        names += ["without entities"] if not record.labels else []
        names += ["an ambiguous word asked for"] if record.ambiguous else []
        asked.update(names)
        if record.number in kept:
            there.update(names)
    return [f"{name}: {there[name]:,} of {count:,} records" for name, count in sorted(asked.items())]
