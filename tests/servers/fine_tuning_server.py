"""A server of fine-tuning jobs, as OpenAI documents them: https://platform.openai.com/docs/api-reference/fine-tuning

It trains nothing: a test says when a job ends, and how.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

from tests.servers.batch_server import BatchServer, error


@dataclass
class FineTuningServer(BatchServer):
    """A server in threads of this process, which goes wrong as `BatchServer` does."""

    purpose = "fine-tune"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[str]] = {}

    def end(self, status: str = "succeeded", message: str = "") -> None:
        """End all jobs."""
        for id, job in self.jobs.items():
            job["status"] = status
            if status == "succeeded":
                job["fine_tuned_model"] = f"ft:{job['model']}:ours::{id[-1]}"
            else:
                job["error"] = {"code": "invalid_training_file", "message": message, "param": "training_file"}
            self.events[id].insert(0, f"The job has {status}")

    def answer_others(self, call: tuple[str, ...], query: dict[str, list[str]], body: bytes) -> Any:
        match call:
            case ("POST", "fine_tuning", "jobs"):
                wanted = json.loads(body)
                if wanted["training_file"] not in self.files:
                    return 400, error(f"Cannot find file {wanted['training_file']}")
                id = f"ftjob-{len(self.jobs)}"
                self.jobs[id] = {
                    "id": id,
                    "object": "fine_tuning.job",
                    "created_at": int(time.time()),
                    "status": "validating_files",
                    "fine_tuned_model": None,
                    "error": None,
                    **wanted,
                }
                self.events[id] = ["Created fine-tuning job"]
                return 200, self.jobs[id]
            case ("GET", "fine_tuning", "jobs") if self.has_list:
                return 200, {"object": "list", "data": list(self.jobs.values())[::-1], "has_more": False}
            case ("GET", "fine_tuning", "jobs", id) if id in self.jobs:
                return 200, self.jobs[id]
            case ("GET", "fine_tuning", "jobs", id, "events") if id in self.jobs:
                events = [
                    {"id": f"e{number}", "object": "fine_tuning.job.event", "created_at": 1, "message": text}
                    for number, text in enumerate(self.events[id])
                ]
                return 200, {"object": "list", "data": events, "has_more": False}
        return super().answer_others(call, query, body)
