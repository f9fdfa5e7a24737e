"""A real argilla-server, in an environment of its own: it needs other versions of our libraries.

python -m venv /somewhere && /somewhere/bin/pip install argilla-server==2.8.0 "click<8.2"
ARGILLA_SERVER=/somewhere/bin/python python -m pytest tests/servers/test_argilla_stub.py
"""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

KEY = "owner.apikey"
START = Path(__file__).with_name("argilla_start.py")
STARTS_WITHIN = 120  # seconds


@contextmanager
def real_argilla(python: str) -> Iterator[str]:
    """Run a server with an empty SQLite, on this machine alone.

    python (str): The Python of its environment.
    YIELDS (str): Its address.
    """
    with tempfile.TemporaryDirectory() as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        own = {"ARGILLA_HOME_PATH": home, "ARGILLA_SEARCH_ENGINE": "memory", "HF_HUB_OFFLINE": "1"}
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | own
        user = ["users", "create_default", "--api-key", KEY, "--password", "12345678"]
        for words in (["migrate"], user):
            command = [python, "-m", "argilla_server", "database", *words]
            subprocess.run(command, check=True, env=environment, capture_output=True)
        log = Path(home) / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [python, str(START), str(port)], env=environment, stdout=output, stderr=output
            )
        try:
            _wait(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait(url: str, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{url}/api/v1/version", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(log.read_text()[-3000:])
