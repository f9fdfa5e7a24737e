"""Fine-tuning jobs on a server: submitted once, whatever happens meanwhile, and looked at until there is a new model.

What was done is noted in a file beside the training data after each step. Run again, a command goes on from there.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import cant_write, lock_file, write_whole
from spacy_ner_plus.learning.fine_tuning_api import PURPOSE, FineTuningAPI
from spacy_ner_plus.llm.batch.files_api import NotFound
from spacy_ner_plus.llm.client.settings import ChatSettings

# After these nothing happens any more; the first is the good end.
SUCCEEDED = "succeeded"
ENDS = (SUCCEEDED, "failed", "cancelled")
UNKNOWN = "unknown to the server"
ROLES = ("system", "developer", "user", "assistant", "tool")
_EVENTS = 5


@dataclass(frozen=True)
class FineTuningJob:
    """A job, as it is noted.

    name (str): What we call it: the same for the same data, server, model and settings.
    base_url (str): The server.
    model (str): What is tuned.
    training (str): SHA-256 of the training data.
    created (float): When it was planned, in seconds since 1970.
    api_key_env (str): The environment variable with the key; '' for the default.
    training_file (str): The server's id of the uploaded training data; '' before.
    validation_file (str): Likewise, of the dev data; '' where there is none.
    id (str): The server's id of the job; '' before it is created.
    status (str): What the server said last.
    fine_tuned_model (str): The new model's name, once there is one.
    """

    name: str
    base_url: str
    model: str
    training: str
    created: float
    api_key_env: str = ""
    training_file: str = ""
    validation_file: str = ""
    id: str = ""
    status: str = ""
    fine_tuned_model: str = ""


@dataclass(frozen=True)
class JobStatus:
    """What the server says of a job.

    events (list[str]): Of its course, newest first.
    failure (str): Why it failed.
    """

    job: FineTuningJob
    events: list[str] = field(default_factory=list)
    failure: str = ""

    @property
    def is_over(self) -> bool:
        """RETURNS (bool): Whether nothing happens any more."""
        return self.job.status in (*ENDS, UNKNOWN)

    def variant(self, name: str = "fine_tuned") -> dict[str, Any] | None:
        """RETURNS (dict[str, Any] | None): What `variants` of a component takes; None as long as there is no model."""
        if not self.job.fine_tuned_model:
            return None
        model = {"base_url": self.job.base_url, "name": self.job.fine_tuned_model}
        if self.job.api_key_env:
            model["api_key_env"] = self.job.api_key_env
        return {"name": name, "model": model}


class FineTuningJobs:
    """The jobs of one file of training data.

    state (Path): Where they are noted.
    """

    def __init__(self, state: Path):
        self.state = state

    def submit(
        self,
        settings: ChatSettings,
        training: Path,
        validation: Path | None = None,
        *,
        wanted: Mapping[str, Any] | None = None,
        again: bool = False,
    ) -> tuple[FineTuningJob, bool]:
        """Submit a job, unless it was submitted before.

        settings (ChatSettings): The server, the model that is tuned, and the key.
        training (Path): Chats in JSON lines.
        validation (Path | None): Likewise, to measure the training by.
        wanted (Mapping[str, Any] | None): What else the job has, such as `suffix`, `seed` and `method`.
        again (bool): Whether to submit what was submitted before once more.
        RETURNS (tuple[FineTuningJob, bool]): The job, and whether it was submitted now.
        RAISES (UserError): Where the files aren't chats, or the server doesn't take them.
        """
        paths = [training, *([validation] if validation else [])]
        for path in paths:
            check_chats(path)
        digests = [_digest(path) for path in paths]
        with self._alone():
            jobs = self.jobs()
            key = [settings.endpoint(), settings.name, digests, dict(wanted or {})]
            name = (
                f"spacy-ner-plus-{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]}"
            )
            same = [job for job in jobs if job.name == name or job.name.startswith(f"{name}-")]
            if same and same[-1].id and not again:
                return same[-1], False
            if same and not same[-1].id:
                job, is_known = same[-1], True
            else:
                name = f"{name}-{len(same) + 1}" if same else name
                server, key_name = settings.endpoint(), settings.api_key_env or ""
                job = FineTuningJob(name, server, settings.name, digests[0], time.time(), key_name)
                is_known = False
                self._note(job)
            with closing(FineTuningAPI(settings)) as api:
                if is_known and job.training_file and (found := api.find(job.name, job.training_file)):
                    return self._created(job, found), True
                if not job.training_file:
                    job = self._note(replace(job, training_file=_upload(api, job, training, "train")))
                if validation and not job.validation_file:
                    job = self._note(replace(job, validation_file=_upload(api, job, validation, "dev")))
                asked = {"model": settings.name, "training_file": job.training_file, **(wanted or {})}
                if job.validation_file:
                    asked["validation_file"] = job.validation_file
                return self._created(job, api.create(job.name, asked)), True

    def look(self, settings_of: Any) -> list[JobStatus]:
        """Ask how the jobs stand, and note it.

        settings_of (Callable[[FineTuningJob], ChatSettings]): The settings with which a job's server is asked.
        RETURNS (list[JobStatus]): Oldest first.
        RAISES (UserError): Where a server doesn't say.
        """
        found = []
        # To look makes no file, nor folders for one.
        if not self.state.exists():
            return found
        with self._alone():
            for job in self.jobs():
                if not job.id:
                    found.append(JobStatus(replace(job, status="not created yet")))
                    continue
                with closing(FineTuningAPI(settings_of(job))) as api:
                    found.append(self._look(api, job))
        return found

    def _look(self, api: FineTuningAPI, job: FineTuningJob) -> JobStatus:
        try:
            said = api.job(job.id)
        except NotFound:
            return JobStatus(self._note(replace(job, status=UNKNOWN)))
        error = said.get("error")
        failure = error.get("message") if isinstance(error, dict) else error
        model = said.get("fine_tuned_model")
        status = said.get("status")
        job = replace(
            job,
            status=status if isinstance(status, str) else "",
            fine_tuned_model=model if isinstance(model, str) else "",
        )
        return JobStatus(self._note(job), api.events(job.id, _EVENTS), str(failure or ""))

    def jobs(self) -> list[FineTuningJob]:
        """RETURNS (list[FineTuningJob]): All jobs, as they are noted, oldest first.

        RAISES (UserError): Where the file can't be read.
        """
        if not self.state.exists():
            return []
        try:
            rows = json.loads(self.state.read_text(encoding="utf8"))["jobs"]
            return [FineTuningJob(**row) for row in rows]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UserError(Errors.E854.format(path=self.state, reason=error)) from error

    def _created(self, job: FineTuningJob, said: Mapping[str, Any]) -> FineTuningJob:
        return self._note(replace(job, id=said["id"], status=str(said.get("status") or "")))

    def _note(self, job: FineTuningJob) -> FineTuningJob:
        jobs = {one.name: one for one in self.jobs()}
        jobs[job.name] = job
        rows = {"jobs": [asdict(one) for one in jobs.values()]}
        write_whole(self.state, f"{json.dumps(rows, indent=2, ensure_ascii=False)}\n".encode())
        return job

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A block that no other process is in: two that submit the same at once would pay twice.

        RAISES (UserError): Where one is.
        """
        path = self.state.with_name(f"{self.state.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.open("w")
        except OSError as error:
            raise cant_write(path, error) from None
        with lock:
            try:
                lock_file(lock.fileno())
            except OSError:
                raise UserError(Errors.E855.format(path=self.state)) from None
            yield


def check_chats(path: Path) -> int:
    """Check that a file is what servers train chat models on, before it is uploaded.

    path (Path): JSON lines, each with `messages` that end with the assistant's.
    RETURNS (int): How many chats it has.
    RAISES (UserError): With the line that isn't one.
    """
    count = 0
    try:
        with path.open(encoding="utf8") as file:
            for number, line in enumerate(file, start=1):
                if reason := _what_is_wrong(line):
                    raise UserError(Errors.E853.format(path=path, line=number, reason=reason))
                count += 1
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E503.format(path=path, reason=error)) from error
    if not count:
        raise UserError(Errors.E853.format(path=path, line=1, reason="the file is empty"))
    return count


def _what_is_wrong(line: str) -> str:
    try:
        row = json.loads(line)
    except ValueError:
        return "it is no JSON"
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list) or not messages:
        return "it has no list of `messages`"
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            return f"a message has none of the roles {', '.join(ROLES)}"
        if not isinstance(message.get("content"), str):
            return "a message has no text as `content`"
    last = messages[-1]
    return "" if last["role"] == "assistant" else "the last message isn't the assistant's"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _upload(api: FineTuningAPI, job: FineTuningJob, path: Path, part: str) -> str:
    with path.open("rb") as content:
        return api.upload(f"{job.name}-{part}.jsonl", content, PURPOSE)
