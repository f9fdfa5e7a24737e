"""`argilla`: datasets of an Argilla server, made, filled and read over REST.

A record's external id is the task's, which a dataset has once: what was stored before a connection broke isn't stored
again, whoever sends it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

from spacy_ner_plus.annotation.review.argilla.records import (
    OUR_QUESTION,
    TEXT_FIELD,
    question_settings,
    suggested_spans,
    to_row,
    to_spans,
)
from spacy_ner_plus.annotation.review.argilla.rest import ArgillaRest
from spacy_ner_plus.annotation.review.tasks import StoredTask, Submission, Task, TaskSpan
from spacy_ner_plus.annotation.review.tool import ProjectPlan
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

# Before a dataset's id, where its name doesn't tell it.
ID = "id:"
PAGE = 250
# Records that may be named in one request, for removal.
MOST_IDS = 50
SKIPPED = "record that its annotator discarded"
NO_ANSWER = "answer to the span question without spans, left out"
OTHER_QUESTION = "answer without one to the span question, left out"
READY = "ready"
SUBMITTED, DISCARDED, DRAFT = "submitted", "discarded", "draft"
REQUIREMENTS = ("argilla-server==2.8.0", "click<8.2")


@settings
class ArgillaOptions:
    """Where Argilla runs, and how it is asked."""

    url: str = setting("Address of the server.", "http://localhost:6900")
    token_env: str = setting(
        "Environment variable with the API key of My settings, of an owner or admin.", "ARGILLA_API_KEY"
    )
    workspace: str | None = setting(
        "Workspace of the dataset. Default: the only one that has it; to make it, the only one.", None
    )
    question: str | None = setting("Name of the span question. Default: the only one.", None)
    timeout: float = setting("Seconds for one answer.", 120.0, above=0)
    batch: int = setting("Records that are sent at once, 500 at most.", 100, at_least=1, at_most=500)


class Argilla:
    """The tool, as `tool.py` says."""

    name = "argilla"
    about = "Argilla 2, over its REST interface"
    options = ArgillaOptions
    requirements = REQUIREMENTS

    def open(self, project: str, options: ArgillaOptions) -> "ArgillaProject":
        return ArgillaProject(project, ArgillaRest(options.url, options.token_env, options.timeout), options)

    def start(self, folder: Path) -> list[str]:
        """RETURNS (list[str]): How to start what `review install` installed."""
        run = f"ARGILLA_HOME_PATH={folder / 'data'} {folder / 'bin' / 'python'} -m argilla_server"
        return [
            "It needs Elasticsearch (ARGILLA_ELASTICSEARCH) and Redis (ARGILLA_REDIS_URL), which aren't part of it.",
            f"Once: {run} database migrate && {run} database users create_default --api-key KEY --password PASSWORD",
            f"Start it: {run} start --host 127.0.0.1",
            "Then: export ARGILLA_API_KEY=KEY",
        ]


ARGILLA_TOOL = Argilla()


class ArgillaProject:
    """A dataset, as `tool.py` says of projects.

    name (str): Its name, or its id as id:3f0c...
    rest (ArgillaRest): The server.
    options (ArgillaOptions): How it is asked.
    """

    def __init__(self, name: str, rest: ArgillaRest, options: ArgillaOptions):
        self.name = name
        self._rest, self._options = rest, options
        # As the server describes them, once they are known.
        self._found: Mapping[str, Any] | None = None
        self._asked: Mapping[str, Any] | None = None

    def __enter__(self) -> "ArgillaProject":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def set_up(self, plan: ProjectPlan, notes: list[str]) -> None:
        self._found = self._look_up()
        if self._found is None:
            self._make(plan, notes)
            return
        lacking = [name for name in plan.labels.names if name not in self.labels()]
        if lacking:
            values = {"project": self.name, "lacking": ", ".join(lacking), "labels": ", ".join(self.labels())}
            raise UserError(Errors.E755.format(**values))
        more = [name for name in self.labels() if name not in plan.labels.names]
        if more:
            notes.append(f"{self.name}: people can choose other labels there, too: {', '.join(more)}")
        there = self._found.get("distribution", {}).get("min_submitted", 1)
        if plan.twice and there < plan.people:
            notes.append(
                f"{self.name}: each record goes to {there}, and Argilla sets that for a dataset as a whole, when it is "
                "made: several people take a new one"
            )

    def labels(self) -> tuple[str, ...]:
        return tuple(option["value"] for option in self._question["settings"]["options"])

    def tasks(self) -> Iterator[StoredTask]:
        question = self._question
        for record in self._records():
            statuses = [answer["status"] for answer in record.get("responses") or ()]
            yield StoredTask(
                key=record["id"],
                id=str(record.get("external_id") or ""),
                text=self._text_of(record),
                predictions=suggested_spans(record, question["id"]),
                annotations=sum(status in (SUBMITTED, DISCARDED) for status in statuses),
                drafts=statuses.count(DRAFT),
            )

    def kept(self, task: Task) -> tuple[TaskSpan, ...] | None:
        question = self._question
        return suggested_spans(to_row(task, question), question["id"])

    def add(self, tasks: Sequence[Task]) -> Iterator[int]:
        for start in range(0, len(tasks), self._options.batch):
            batch = tasks[start : start + self._options.batch]
            yield self._store([to_row(task, self._question) for task in batch])

    def replace(self, pairs: Sequence[tuple[StoredTask, Task]]) -> Iterator[list[StoredTask]]:
        question = self._question
        for start in range(0, len(pairs), self._options.batch):
            rows, done = [], []
            for stored, task in pairs[start : start + self._options.batch]:
                # Somebody may have begun since they were listed, and what is stored would change under their hands.
                record = self._record(stored)
                if record["responses"]:
                    continue
                row = to_row(task, question)
                old = [
                    one["id"]
                    for one in record.get("suggestions") or ()
                    if one["question_id"] == question["id"]
                ]
                if old and not row.get("suggestions"):
                    self._rest.delete(f"/records/{stored.key}/suggestions", ids=",".join(old))
                rows.append(row)
                done.append(stored)
            if rows:
                self._store(rows)
            yield done

    def remove(self, tasks: Sequence[StoredTask]) -> list[StoredTask]:
        left = [task for task in tasks if not self._record(task)["responses"]]
        for start in range(0, len(left), MOST_IDS):
            some = ",".join(task.key for task in left[start : start + MOST_IDS])
            self._rest.delete(f"/datasets/{self._dataset['id']}/records", ids=some)
        return left

    def submissions(self, issues: IssueLog, notes: list[str]) -> Iterator[Submission]:
        question, people = self._question, self._people()
        shifted = 0
        for record in self._records():
            text, where = self._text_of(record), f"{self.name}: record {record['id']}"
            for answer in record.get("responses") or ():
                if answer["status"] == DISCARDED:
                    issues.add(SKIPPED, text[:60], where)
                if answer["status"] != SUBMITTED:
                    continue
                value = (answer.get("values") or {}).get(question["name"])
                if value is None:
                    issues.add(OTHER_QUESTION, text[:60], where)
                    continue
                if not isinstance(value, Mapping) or not isinstance(value.get("value"), list):
                    issues.add(NO_ANSWER, text[:60], where)
                    continue
                shifted += any(ord(char) > 0xFFFF for char in text)
                who = str(answer.get("user_id") or "")
                yield Submission(
                    id=str(record.get("external_id") or ""),
                    text=text,
                    spans=to_spans(value["value"]),
                    annotator=people.get(who) or who,
                    submitted=str(answer.get("updated_at") or answer.get("inserted_at") or ""),
                    where=where,
                )
        if shifted:
            notes.append(
                f"{self.name}: {shifted:,} of the texts that were submitted have emojis or the like, behind which "
                "Argilla's page may shift spans (argilla#5729): look at these"
            )

    def _make(self, plan: ProjectPlan, notes: list[str]) -> None:
        if self.name.startswith(ID):
            raise self._unknown()
        several = plan.twice == 1
        made = {
            "name": self.name,
            "guidelines": _guidelines(plan) or None,
            "allow_extra_metadata": True,
            "distribution": {"strategy": "overlap", "min_submitted": plan.people if several else 1},
            "workspace_id": self._workspace()["id"],
        }
        found = self._rest.checked(self._rest.post("/datasets", made), "id")
        path = f"/datasets/{found['id']}"
        text = {"name": TEXT_FIELD, "title": "Text", "required": True}
        try:
            self._rest.post(f"{path}/fields", {**text, "settings": {"type": "text", "use_markdown": False}})
            self._asked = self._rest.post(f"{path}/questions", question_settings(plan.labels))
            self._found = self._rest.put(f"{path}/publish")
        except BaseException:
            # A draft in the way of the next run would be of no use to anyone.
            with suppress(UserError):
                self._rest.delete(path)
            raise
        notes.append(
            f"{self._rest.url}/dataset/{found['id']}/annotation-mode: made the dataset '{self.name}'"
        )
        if plan.twice and not several:
            notes.append(
                f"{self.name}: Argilla gives all records of a dataset to as many people, so each goes to one; with "
                f"`twice` 1 (--twice) each goes to {plan.people}"
            )

    def _store(self, rows: Sequence[Mapping[str, Any]]) -> int:
        answer = self._rest.put(f"/datasets/{self._dataset['id']}/records/bulk", {"items": list(rows)})
        stored = len(answer.get("items") or ()) if isinstance(answer, dict) else 0
        if stored != len(rows):
            values = {"project": self.name, "sent": len(rows), "stored": stored, "url": self._rest.url}
            raise UserError(Errors.E756.format(**values))
        return stored

    @property
    def _dataset(self) -> Mapping[str, Any]:
        if self._found is None:
            self._found = self._look_up()
        if self._found is None:
            raise self._unknown()
        return self._found

    def _look_up(self) -> Mapping[str, Any] | None:
        every = self._rest.listed(self._rest.get("/me/datasets"), "items", "id", "name")
        named = [one for one in every if self.name in (one["name"], f"{ID}{one['id']}")]
        if self._options.workspace is not None:
            workspace = self._workspace()["id"]
            named = [one for one in named if one.get("workspace_id") == workspace]
        if len(named) > 1:
            ids = ", ".join(f"{ID}{one['id']}" for one in named)
            raise UserError(Errors.E758.format(project=self.name, numbers=ids))
        if named and named[0].get("status") != READY:
            raise UserError(Errors.E768.format(project=self.name, url=self._rest.url))
        return named[0] if named else None

    def _workspace(self) -> Mapping[str, Any]:
        every = self._rest.listed(self._rest.get("/me/workspaces"), "items", "id", "name")
        wanted = self._options.workspace
        found = [one for one in every if wanted in (None, one["name"])]
        if len(found) != 1:
            names = ", ".join(one["name"] for one in every) or "none"
            values = {"what": "workspace", "where": self._rest.url, "names": names, "option": "workspace"}
            raise UserError(Errors.E769.format(**values))
        return found[0]

    @property
    def _question(self) -> Mapping[str, Any]:
        """The question whose answers are spans."""
        if self._asked is None:
            found = self._rest.get(f"/datasets/{self._dataset['id']}/questions")
            every = self._rest.listed(found, "items", "id", "name", "settings")
            spans = [one for one in every if one["settings"].get("type") == "span"]
            wanted = self._options.question
            found = [one for one in spans if wanted in (None, one["name"])]
            if len(found) > 1:
                found = [one for one in found if one["name"] == OUR_QUESTION]
            if len(found) != 1:
                names = ", ".join(one["name"] for one in spans) or "none"
                values = {"what": "span question", "where": self.name, "names": names, "option": "question"}
                raise UserError(Errors.E769.format(**values))
            self._asked = found[0]
        return self._asked

    def _records(self) -> Iterator[Mapping[str, Any]]:
        seen: set[str] = set()
        offset = 0
        path = f"/datasets/{self._dataset['id']}/records?include=responses&include=suggestions"
        while True:
            found = self._rest.get(f"{path}&limit={PAGE}&offset={offset}")
            items = self._rest.listed(found, "items", "id", "fields")
            for record in items:
                if record["id"] not in seen:
                    seen.add(record["id"])
                    yield record
            offset += PAGE
            if not items or offset >= int(found.get("total") or 0):
                return

    def _record(self, task: StoredTask) -> Mapping[str, Any]:
        return self._rest.checked(self._rest.get(f"/records/{task.key}"), "id", "responses")

    def _text_of(self, record: Mapping[str, Any]) -> str:
        return str(record["fields"].get(self._question["settings"].get("field") or TEXT_FIELD) or "")

    def _people(self) -> dict[str, str]:
        """The names of users by id; none where the key's owner mayn't list them."""
        try:
            every = self._rest.listed(self._rest.get("/users"), "items", "id", "username")
        except UserError:
            return {}
        return {one["id"]: one["username"] for one in every}

    def _unknown(self) -> UserError:
        return UserError(Errors.E759.format(project=self.name, url=self._rest.url))


def _guidelines(plan: ProjectPlan) -> str:
    """What people read before they begin, as Markdown."""
    rows = []
    for row in plan.labels.rows:
        examples = f" Such as: {', '.join(row['examples'])}." if row["examples"] else ""
        if row["definition"] or examples:
            rows.append(f"- **{_markdown(row['name'])}**: {_markdown(row['definition'] + examples)}")
    return "\n".join(rows)


def _markdown(text: str) -> str:
    """RETURNS (str): A text that is shown as it is, in a line of Markdown, which also takes HTML."""
    return re.sub(r"([\\`*_\[\]~|])", r"\\\1", escape(" ".join(text.split()), quote=False))
