"""llama.cpp's server in this process, and in those that come of it."""

import gc
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.local.local_model import LocalModel
from spacy_ner_plus.llm.local.server import HandedServers, LocalServer, local_server

ROOT = Path(__file__).parents[3]
METHODS = [
    method for method in ("fork", "spawn", "forkserver") if method in multiprocessing.get_all_start_methods()
]


def ask(server: LocalServer, key: str | None = None) -> int:
    """RETURNS (int): The status of a request."""
    headers = {"Authorization": f"Bearer {server.address.api_key if key is None else key}"}
    try:
        with urlopen(Request(f"{server.address.url}/models", headers=headers), timeout=20) as response:
            return response.status
    except HTTPError as error:
        return error.code


def test_server_is_one_for_all_and_ends_with_the_last(tiny_gguf):
    before = signal.getsignal(signal.SIGINT)
    model = LocalModel.find(tiny_gguf, threads=1)
    one, other = local_server(model), local_server(LocalModel.find(tiny_gguf, threads=1))
    assert one is other
    assert local_server(LocalModel.find(tiny_gguf, threads=1, context_length=512)) is not one
    assert (ask(one), ask(one, "another")) == (200, 401)
    assert one.address.url.startswith("http://127.0.0.1:")
    assert one.address.api_key not in repr(one.address)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    url = one.address.url
    del one, other
    gc.collect()
    with pytest.raises(URLError):
        urlopen(url, timeout=5)


def test_server_refuses_what_is_no_model(tmp_path, tiny_gguf):
    from gguf import GGUFWriter

    path = tmp_path / "broken.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(UserError, match=r"E875.*broken.gguf"):
        local_server(LocalModel.find(str(path), threads=1))


def test_server_is_handed_to_workers_alone(tiny_gguf):
    """A key never gets into a file."""
    server = local_server(LocalModel.find(tiny_gguf, threads=1))
    assert server.address.api_key.encode() not in pickle.dumps(HandedServers())


def work(handed: HandedServers, path: str, results) -> None:
    model = LocalModel.find(path, threads=1)
    server = local_server(model)
    results.put((server.address.url, server.address.owner.pid, ask(server), local_server(model) is server))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("runs", [True, False], ids=["after use", "before use"])
def test_server_of_the_parent_is_used_by_workers(method, runs, tiny_gguf):
    context = multiprocessing.get_context(method)
    server = local_server(LocalModel.find(tiny_gguf, threads=1)) if runs else None
    results = context.Queue()
    process = context.Process(target=work, args=(HandedServers(), tiny_gguf, results))
    process.start()
    url, pid, status, is_one = results.get(timeout=60)
    process.join(30)
    assert process.exitcode == 0
    assert (status, is_one) == (200, True)
    if runs:
        assert (url, pid) == (server.address.url, os.getpid())
        assert ask(server) == 200
    else:
        assert pid == process.pid


@pytest.mark.slow
@pytest.mark.parametrize("still_runs", [True, False])
def test_server_doesn_t_keep_a_forked_process_from_ending(still_runs, tiny_gguf):
    """llama.cpp's library waits at the end for threads that a fork doesn't have: it hung, or was aborted."""
    code = (
        "import os, sys\n"
        "from spacy_ner_plus.llm.local.local_model import LocalModel\n"
        "from spacy_ner_plus.llm.local.server import local_server\n"
        f"server = local_server(LocalModel.find({tiny_gguf!r}, threads=1))\n"
        f"if not {still_runs}: del server\n"
        "if os.fork() == 0:\n"
        "    print('written')\n"
        "    sys.exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.stdout.split() == ["written", "7"]
    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.slow
def test_server_ends_with_a_killed_process_and_its_workers_start_none(tiny_gguf, tmp_path):
    code = (
        "import json, multiprocessing, os, sys, time\n"
        "from tests.llm.local.test_server import start_then_wait\n"
        f"start_then_wait({tiny_gguf!r}, {str(tmp_path / 'said')!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    url, worker = json.loads(process.stdout.readline())
    process.kill()
    process.wait()
    try:
        # Also where the worker has a copy of its sockets.
        with pytest.raises(OSError, match=r"refused|reset|timed out"):
            urlopen(url, timeout=5)
        for _ in range(200):
            if (tmp_path / "said").exists():
                break
            time.sleep(0.1)
        time.sleep(0.2)
        assert "E876" in (tmp_path / "said").read_text(encoding="utf8")
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def start_then_wait(path: str, said: str) -> None:
    server = local_server(LocalModel.find(path, threads=1))
    worker = multiprocessing.get_context("fork").Process(target=ask_later, args=(path, said))
    worker.start()
    sys.stdout.write(json.dumps([server.address.url, worker.pid]) + "\n")
    sys.stdout.flush()
    time.sleep(60)


def ask_later(path: str, said: str) -> None:
    model = LocalModel.find(path, threads=1)
    text = ""
    try:
        # The maker may be gone before the first call.
        server = local_server(model)
        while server.runs():
            time.sleep(0.05)
        local_server(model)
    except UserError as error:
        text = str(error)
    with open(said, "w", encoding="utf8") as file:
        file.write(text)
