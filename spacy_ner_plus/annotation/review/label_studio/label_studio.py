"""`label-studio`: projects of a Label Studio server, made, filled and read over REST."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_ner_plus.annotation.review.label_studio.interface import (
    TEXT,
    controls,
    guidelines,
    labelling_interface,
)
from spacy_ner_plus.annotation.review.label_studio.regions import to_regions, to_spans
from spacy_ner_plus.annotation.review.label_studio.rest import Refused, Rest
from spacy_ner_plus.annotation.review.tasks import (
    ID_KEY,
    StoredTask,
    Submission,
    Task,
    TaskSpan,
    task_text,
)
from spacy_ner_plus.annotation.review.tool import ProjectPlan
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

ON_THIS_MACHINE = "http://localhost:8080"
# Before a project's number, where its name doesn't tell it.
NUMBER = "id:"
MODEL = "spacy-ner-plus"
LONGEST_MODEL = 64
# In the order in which they were sent.
SAMPLING = "Sequential sampling"
PAGE = 100
SKIPPED = "task that its annotator skipped"
NO_RESULT = "annotation without a result, left out"
REQUIREMENT = "label-studio==1.23.2"


@settings
class LabelStudioOptions:
    """Where Label Studio runs, and how it is asked."""

    url: str = setting(
        "Address of the server; where it is empty, the environment variable LABEL_STUDIO_URL, else "
        f"{ON_THIS_MACHINE}.",
        "",
    )
    token_env: str = setting(
        "Environment variable with the access token, personal or legacy, of Account & Settings.",
        "LABEL_STUDIO_API_KEY",
    )
    timeout: float = setting("Seconds for one answer.", 120.0, above=0)
    batch: int = setting("Tasks that are sent at once.", 100, at_least=1)


class LabelStudio:
    """The tool, as `tool.py` says."""

    name = "label-studio"
    about = "Label Studio, over its REST interface"
    options = LabelStudioOptions
    requirements = (REQUIREMENT,)

    def open(self, project: str, options: LabelStudioOptions) -> "LabelStudioProject":
        # As Label Studio's own SDK calls it.
        url = options.url or os.environ.get("LABEL_STUDIO_URL", "") or ON_THIS_MACHINE
        return LabelStudioProject(project, Rest(url, options.token_env, options.timeout), options.batch)

    def start(self, folder: Path) -> list[str]:
        """RETURNS (list[str]): How to start what `review install` installed."""
        return [
            f"Start it: LABEL_STUDIO_BASE_DATA_DIR={folder / 'data'} "
            f"{folder / 'bin' / 'label-studio'} start --internal-host 127.0.0.1 --port 8080",
            "Then make an access token under Account & Settings, and: export LABEL_STUDIO_API_KEY=...",
        ]


LABEL_STUDIO = LabelStudio()


class LabelStudioProject:
    """A project, as `tool.py` says.

    name (str): Its title, or its number as id:7.
    rest (Rest): The server.
    batch (int): Tasks that are sent at once.
    """

    def __init__(self, name: str, rest: Rest, batch: int):
        # The server strips it, too, and wouldn't be found again.
        self.name = name.strip()
        self._rest, self._batch = rest, batch
        # As the server describes it, once it is known.
        self._found: Mapping[str, Any] | None = None

    def __enter__(self) -> "LabelStudioProject":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def set_up(self, plan: ProjectPlan, notes: list[str]) -> None:
        overlap = _overlap(plan)
        found = self._look_up()
        if found is None:
            if self.name.startswith(NUMBER):
                raise self._unknown()
            about = guidelines(plan.labels)
            made = {
                "title": self.name,
                "label_config": labelling_interface(plan.labels),
                "expert_instruction": about,
                "show_instruction": bool(about),
                "sampling": SAMPLING,
                **overlap,
            }
            self._found = self._rest.checked(self._rest.post("/api/projects/", made), "id")
            notes.append(f"{self._rest.url}/projects/{self._id}/data: made the project '{self.name}'")
            return
        self._found = found
        lacking = [name for name in plan.labels.names if name not in self.labels()]
        if lacking:
            raise UserError(
                Errors.E755.format(
                    project=self.name, lacking=", ".join(lacking), labels=", ".join(self.labels())
                )
            )
        more = [name for name in self.labels() if name not in plan.labels.names]
        if more:
            notes.append(f"{self.name}: people can choose other labels there, too: {', '.join(more)}")
        if plan.twice and any(found.get(key) != value for key, value in overlap.items()):
            self._found = self._rest.checked(self._rest.patch(f"/api/projects/{self._id}/", overlap), "id")
            notes.append(
                f"{self.name}: {overlap['overlap_cohort_percentage']} % of the tasks go to {plan.people} people"
            )

    def labels(self) -> tuple[str, ...]:
        return tuple(self._control["labels"])

    def tasks(self) -> Iterator[StoredTask]:
        for task in self._tasks():
            yield StoredTask(
                key=str(task["id"]),
                id=_own_id(task),
                text=self._text_of(task),
                predictions=self._predicted(task),
                annotations=len(task.get("annotations") or ()),
                drafts=len(task.get("drafts") or ()),
            )

    def kept(self, task: Task) -> tuple[TaskSpan, ...] | None:
        if task.predictions is None:
            return None
        tag = self._control
        regions = to_regions(task.predictions, task.text, tag["name"], tag["to_name"])
        return to_spans(regions, task.text, tag["name"], tag["to_name"], IssueLog(), "")[0]

    def add(self, tasks: Sequence[Task]) -> Iterator[int]:
        for start in range(0, len(tasks), self._batch):
            batch = tasks[start : start + self._batch]
            rows = [self._row(task) for task in batch]
            path = f"/api/projects/{self._id}/import"
            answer = self._rest.post(path, rows, return_task_ids="true")
            count = answer.get("task_count") if isinstance(answer, dict) else None
            if count != len(batch):
                raise UserError(
                    Errors.E756.format(project=self.name, sent=len(batch), stored=count, url=self._rest.url)
                )
            yield len(batch)

    def replace(self, pairs: Sequence[tuple[StoredTask, Task]]) -> Iterator[list[StoredTask]]:
        for start in range(0, len(pairs), self._batch):
            # Somebody may have begun since they were listed.
            batch = [
                (stored, task)
                for stored, task in pairs[start : start + self._batch]
                if self._is_untouched(stored)
            ]
            for stored, task in batch:
                if task_text(stored.text) != task.text:
                    self._rest.patch(f"/api/tasks/{stored.key}/", {"data": self._data(task)})
            self._act("delete_tasks_predictions", [stored for stored, _ in batch])
            rows = [
                {"task": int(stored.key), **prediction}
                for stored, task in batch
                for prediction in self._predictions(task)
            ]
            if rows:
                self._rest.post(f"/api/projects/{self._id}/import/predictions", rows)
            yield [stored for stored, _ in batch]

    def remove(self, tasks: Sequence[StoredTask]) -> list[StoredTask]:
        untouched = [task for task in tasks if self._is_untouched(task)]
        self._act("delete_tasks", untouched)
        return untouched

    def reach(self) -> None:
        self._found = self._look_up()

    def annotate(self, task: StoredTask, spans: Sequence[TaskSpan]) -> None:
        tag = self._control
        result = to_regions(spans, task.text, tag["name"], tag["to_name"])
        self._rest.post(f"/api/tasks/{task.key}/annotations/", {"result": result})

    def submissions(self, issues: IssueLog, notes: list[str]) -> Iterator[Submission]:
        people, tag = self._people(), self._control
        for task in self._tasks():
            text = self._text_of(task)
            for annotation in task.get("annotations") or ():
                where = f"{self.name}: task {task['id']}"
                if annotation.get("was_cancelled"):
                    issues.add(SKIPPED, text[:60], where)
                    continue
                results = annotation.get("result")
                if not isinstance(results, list):
                    issues.add(NO_RESULT, text[:60], where)
                    continue
                spans, missing = to_spans(results, text, tag["name"], tag["to_name"], issues, where)
                lead_time = annotation.get("lead_time")
                yield Submission(
                    id=_own_id(task),
                    text=text,
                    spans=spans,
                    annotator=_who(annotation.get("completed_by"), people),
                    submitted=str(annotation.get("updated_at") or annotation.get("created_at") or ""),
                    seconds=float(lead_time) if isinstance(lead_time, int | float) else None,
                    missing=missing,
                    where=where,
                    # A push leaves them where somebody has begun.
                    predictions=self._predicted(task),
                    is_final=annotation.get("ground_truth") is True,
                )

    @property
    def _project(self) -> Mapping[str, Any]:
        if self._found is None:
            self._found = self._look_up()
        if self._found is None:
            raise self._unknown()
        return self._found

    @property
    def _id(self) -> int:
        return int(self._project["id"])

    @property
    def _control(self) -> dict[str, Any]:
        """The tag by which spans are labelled: its `name`, `to_name` and `labels`, and the text's `key` in the data."""
        found = controls(self._project)
        if len(found) != 1:
            raise UserError(
                Errors.E757.format(project=self.name, count=len(found), found=", ".join(found) or "none")
            )
        ((name, tag),) = found.items()
        return {
            "name": name,
            "to_name": (tag.get("to_name") or [TEXT])[0],
            "labels": tag.get("labels") or [],
            "key": str(tag["inputs"][0].get("value") or TEXT),
        }

    def _look_up(self) -> Mapping[str, Any] | None:
        if self.name.startswith(NUMBER):
            try:
                return self._one(int(self.name.removeprefix(NUMBER)))
            except (ValueError, Refused) as error:
                if isinstance(error, Refused) and error.status != 404:
                    raise
                return None
        numbers, page = [], 1
        while page:
            found = self._rest.get("/api/projects/", page=page, page_size=PAGE, include="id,title")
            every = self._rest.listed(found, "results", "id", "title")
            numbers += [one["id"] for one in every if str(one["title"]).strip() == self.name]
            page = page + 1 if found.get("next") else 0
        if len(numbers) > 1:
            shown = ", ".join(f"{NUMBER}{number}" for number in sorted(numbers))
            raise UserError(Errors.E758.format(project=self.name, numbers=shown))
        return self._one(numbers[0]) if numbers else None

    def _one(self, number: int) -> Mapping[str, Any]:
        return self._rest.checked(self._rest.get(f"/api/projects/{number}/"), "id", "parsed_label_config")

    def _unknown(self) -> UserError:
        return UserError(Errors.E759.format(project=self.name, url=self._rest.url))

    def _tasks(self) -> Iterator[Mapping[str, Any]]:
        seen, page = set(), 1
        while True:
            try:
                found = self._rest.get(
                    "/api/tasks/",
                    project=self._id,
                    page=page,
                    page_size=PAGE,
                    fields="all",
                    resolve_uri="false",
                )
            except Refused as error:
                # Past the last page, as where tasks were deleted meanwhile.
                if error.status == 404 and page > 1:
                    return
                raise
            tasks = self._rest.listed(found, "tasks", "id", "data")
            for task in tasks:
                if task["id"] not in seen:
                    seen.add(task["id"])
                    yield task
            if not tasks or page * PAGE >= int(found.get("total") or 0):
                return
            page += 1

    def _text_of(self, task: Mapping[str, Any]) -> str:
        return str(task["data"].get(self._control["key"]) or "")

    def _predicted(self, task: Mapping[str, Any]) -> tuple[TaskSpan, ...] | None:
        made = [one for one in task.get("predictions") or () if isinstance(one, dict)]
        if not made:
            return None
        # Of several, which a push never leaves, all count, so that they are replaced.
        results = [result for one in made for result in one.get("result") or ()]
        tag = self._control
        spans, _ = to_spans(results, self._text_of(task), tag["name"], tag["to_name"], IssueLog(), "")
        return spans

    def _people(self) -> dict[int, str]:
        """The names of users by number; none where the token's owner mayn't list them."""
        try:
            found = self._rest.get("/api/users/")
            every = self._rest.listed(
                found if isinstance(found, dict) else {"results": found}, "results", "id"
            )
        except UserError:
            return {}
        return {one["id"]: one.get("email") or one.get("username") or "" for one in every}

    def _row(self, task: Task) -> dict[str, Any]:
        row: dict[str, Any] = {"data": self._data(task)}
        made = self._predictions(task)
        return row | ({"predictions": made} if made else {})

    def _data(self, task: Task) -> dict[str, Any]:
        about = {} if task.uncertainty is None else {"uncertainty": round(task.uncertainty, 4)}
        return {self._control["key"]: task.text, ID_KEY: task.id, **about}

    def _predictions(self, task: Task) -> list[dict[str, Any]]:
        if task.predictions is None:
            return []
        tag = self._control
        made: dict[str, Any] = {
            "model_version": task.annotator[:LONGEST_MODEL] or MODEL,
            "result": to_regions(task.predictions, task.text, tag["name"], tag["to_name"]),
        }
        return [made | ({} if task.uncertainty is None else {"score": round(1 - task.uncertainty, 6)})]

    def _act(self, action: str, tasks: Sequence[StoredTask]) -> None:
        if tasks:
            chosen = {"selectedItems": {"all": False, "included": [int(task.key) for task in tasks]}}
            self._rest.post("/api/dm/actions", chosen, id=action, project=self._id)

    def _is_untouched(self, task: StoredTask) -> bool:
        found = self._rest.checked(self._rest.get(f"/api/tasks/{task.key}/"), "annotations", "drafts")
        return not found.get("annotations") and not found.get("drafts")


def _own_id(task: Mapping[str, Any]) -> str:
    found = task["data"].get(ID_KEY)
    return str(found) if found is not None else ""


def _who(given: Any, people: Mapping[int, str]) -> str:
    if isinstance(given, dict):
        return str(given.get("email") or given.get("username") or f"user {given.get('id')}")
    return people.get(given) or f"user {given}"


def _overlap(plan: ProjectPlan) -> dict[str, int]:
    if not plan.twice:
        return {"maximum_annotations": 1, "overlap_cohort_percentage": 100}
    return {
        "maximum_annotations": plan.people,
        "overlap_cohort_percentage": max(1, round(100 * plan.twice)),
    }
