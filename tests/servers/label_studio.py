"""A real Label Studio, in an environment of its own: it needs a gigabyte and other versions of our libraries.

python -m venv /somewhere && /somewhere/bin/pip install label-studio==1.23.2
LABEL_STUDIO=/somewhere/bin/label-studio python -m pytest -m label_studio
"""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

EMAIL, PASSWORD = "ann@example.com", "tests-only"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
CONFIG = """<View>
  <Labels name="label" toName="text" choice="multiple">
    <Label value="PER"/><Label value="LOC"/><Label value="ARTIST"/>
  </Labels>
  <Choices name="kind" toName="text"><Choice value="news"/><Choice value="letter"/></Choices>
  <Text name="text" value="$text"/>
</View>"""
STARTS_WITHIN = 300  # seconds


class LabelStudio:
    """A server, asked as its page asks it."""

    def __init__(self, url: str):
        headers = {"Authorization": f"Token {TOKEN}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def project(self, tasks: list[dict[str, Any]]) -> "Project":
        """Make a project of these tasks."""
        made = self.post("/api/projects", {"title": "Letters", "label_config": CONFIG})
        numbers = self.post(f"/api/projects/{made['id']}/import?return_task_ids=true", tasks)["task_ids"]
        return Project(self, made["id"], numbers)

    def post(self, path: str, value: Any) -> Any:
        reply = self.http.post(path, json=value)
        assert reply.status_code < 300, reply.text[:500]
        return reply.json()


class Project:
    """A project and the numbers of its tasks."""

    def __init__(self, server: LabelStudio, id: int, tasks: list[int]):
        self.server, self.id, self.tasks = server, id, tasks

    def annotate(self, number: int, result: list[dict[str, Any]], **about: Any) -> None:
        self.server.post(f"/api/tasks/{self.tasks[number]}/annotations/", {"result": result, **about})

    def export(self, kind: str) -> str:
        """RETURNS (str): All tasks, as `kind` JSON or JSON_MIN."""
        path = f"/api/projects/{self.id}/export?exportType={kind}&download_all_tasks=true"
        reply = self.server.http.get(path)
        assert reply.status_code == 200, reply.text[:500]
        return reply.text

    def snapshot(self) -> str:
        """RETURNS (str): All tasks with predictions and users in full, as a snapshot has them."""
        in_full = {"only_id": False}
        options = {"predictions": in_full, "drafts": in_full, "annotations__completed_by": in_full}
        path = f"/api/projects/{self.id}/exports/"
        made = self.server.post(path, {"title": "all", "serialization_options": options})
        for _ in range(STARTS_WITHIN):
            reply = self.server.http.get(f"{path}{made['id']}/download?exportType=JSON")
            if reply.status_code == 200:
                return reply.text
            time.sleep(1)
        raise AssertionError(reply.text[:500])


@contextmanager
def label_studio(program: str) -> Iterator[LabelStudio]:
    """Start a server on an empty database.

    program (str): The path of `label-studio`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment = kept | {
            "LABEL_STUDIO_BASE_DATA_DIR": folder,
            "LABEL_STUDIO_USERNAME": EMAIL,
            "LABEL_STUDIO_PASSWORD": PASSWORD,
            "LABEL_STUDIO_USER_TOKEN": TOKEN,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "LABEL_STUDIO_HOST": url,
            "DJANGO_DB": "sqlite",
            "COLLECT_ANALYTICS": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            "LATEST_VERSION_CHECK": "false",
        }
        command = [program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait(server, url)
            yield LabelStudio(url)
        finally:
            server.terminate()
            server.wait(30)


def _wait(server: subprocess.Popen, url: str) -> None:
    for _ in range(STARTS_WITHIN):
        assert server.poll() is None, "label-studio ended at once"
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise AssertionError(f"label-studio didn't answer within {STARTS_WITHIN} seconds")
