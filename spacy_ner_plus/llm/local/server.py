"""llama.cpp's own server within this process, on the loopback address, or that of the process it came from.

One for each model, set of adapters, number of threads and context length in a process, as long as anything uses it.
A forked process has its parent's threads no more, and its copy of the server is dead: nothing of it may run there,
not even what ends it. So it asks the parent's by its address; one that is started gets that with its pickled work.
"""

import atexit
import ctypes
import os
import secrets
import socket
import threading
import weakref
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from multiprocessing.context import get_spawning_popen
from typing import Any
from urllib.parse import urlsplit

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.file_hashes import file_sha256
from spacy_ner_plus.llm.local.kept_signals import kept_signals
from spacy_ner_plus.llm.local.local_model import LocalModel
from spacy_ner_plus.llm.local.processes import RunningProcess, is_orphan

# A connection that is kept alive holds a thread; a request beyond their number waits for seconds.
_HTTP_THREADS = 64
_START_SECONDS = 60.0


@dataclass(frozen=True, repr=False)
class ServerAddress:
    """Where a server answers; it is never written down, since it holds the key.

    url (str): The base address, up to and including '/v1'.
    api_key (str): What requests must show.
    owner (RunningProcess): The process in which it runs.
    """

    url: str
    api_key: str
    owner: RunningProcess

    def __repr__(self) -> str:
        return f"ServerAddress(url={self.url!r})"


class LocalServer:
    """A server that answers as long as this object is there, and the process in which it runs.

    address (ServerAddress): Where.
    """

    def __init__(self, address: ServerAddress):
        self.address = address

    def runs(self) -> bool:
        """RETURNS (bool): Whether its process still does."""
        return self.address.owner.runs()


_lock = threading.RLock()
# Those of this process, by what they serve; each lasts as long as anything uses it.
_servers: "weakref.WeakValueDictionary[tuple[Any, ...], LocalServer]" = weakref.WeakValueDictionary()
# llama.cpp's objects of these, by number.
_running: dict[int, Any] = {}
# Those of the process that this one came from.
_handed: dict[tuple[Any, ...], ServerAddress] = {}
_has_started = False
# Those of a forked process whose parent had started one last as long as it does: ending them would crash it.
_for_good: list[LocalServer] = []
_is_after_fork = False


def local_server(model: LocalModel) -> LocalServer:
    """Get the server of a model; it is started where none runs.

    RETURNS (LocalServer): It. It may end once nothing refers to that any more.
    RAISES (UserError): Where it can't be started, its files aren't what they were any more, or this process is a worker
        of one that is gone.
    """
    with _lock:
        server = _servers.get(model.key)
        if server is not None and server.runs():
            return server
        address = _handed.get(model.key)
        if address is None or not address.owner.runs():
            if is_orphan():
                raise UserError(Errors.E876.format(model=model.path.name))
            server = _start(model)
        else:
            server = LocalServer(address)
        _servers[model.key] = server
        return server


def forget_server(server: LocalServer) -> None:
    """Take a server for gone, so that the next that asks for its model gets another."""
    with _lock:
        for key in [key for key, address in _handed.items() if address == server.address]:
            del _handed[key]
        for key in [key for key, known in _servers.items() if known is server]:
            del _servers[key]


class HandedServers:
    """Where this process's servers answer, for workers that it starts; in a pickle for anybody else it is nothing."""

    def __getstate__(self) -> dict[str, Any]:
        # Only in what goes to a process that is being started, through a pipe: it holds keys.
        if get_spawning_popen() is None:
            return {"servers": {}}
        with _lock:
            own = {key: server.address for key, server in _servers.items()}
            return {"servers": {**_handed, **own}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        with _lock:
            _handed.update(state["servers"])


def _start(model: LocalModel) -> LocalServer:
    with from_extra("local-llm"):
        import xllamacpp

    key, parameters = secrets.token_urlsafe(32), xllamacpp.CommonParams()
    parameters.model.path = str(model.path)
    parameters.model_alias = {model.path.stem}
    parameters.hostnames, parameters.port, parameters.api_keys = ["127.0.0.1"], 0, [key]
    parameters.lora_adapters = [_adapter(xllamacpp, path) for _, path in model.adapter_files]
    parameters.n_parallel, parameters.n_ctx = model.slots, model.slots * model.context_length
    parameters.n_threads_http = _HTTP_THREADS
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = model.threads
    # Prompts that aren't in a slot are not kept elsewhere: that takes up to 8 GB, and doesn't tell adapters apart.
    parameters.cache_ram_mib = 0
    parameters.warmup = parameters.fit_params = parameters.ui = False
    parameters.verbosity = 0
    global _has_started
    if not _has_started:
        _has_started = True
        # Registered after what ends chat models, and so called before it.
        atexit.register(_begin_exit)
    try:
        with kept_signals():
            running = xllamacpp.Server(parameters)
        _wait_until_it_works(running.listening_address, key)
    except (RuntimeError, OSError, HTTPException) as error:
        shown = "', '".join(str(path) for path in (model.path, *dict(model.adapter_files).values()))
        raise UserError(Errors.E875.format(path=shown, reason=str(error).rstrip("."))) from error
    for path, sha256 in ((model.path, model.sha256), *model.adapters.values()):
        if file_sha256(path) != sha256:
            raise UserError(Errors.E947.format(path=path))
    server = LocalServer(ServerAddress(f"{running.listening_address}/v1", key, RunningProcess.this()))
    if _is_after_fork:
        _never_end(running)
        _for_good.append(server)
        return server
    number = id(running)
    _running[number] = running
    weakref.finalize(server, _end, os.getpid(), number)
    return server


def _wait_until_it_works(address: str, key: str) -> None:
    """Ask for what the thread answers that computes. One that is told to end before it has begun never ends."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=_START_SECONDS)
    try:
        connection.request("GET", "/slots", headers={"Authorization": f"Bearer {key}"})
        connection.getresponse().read()
    finally:
        connection.close()


def _adapter(xllamacpp: Any, path: Any) -> Any:
    adapter = xllamacpp.CommonAdapterLoraInfo()
    adapter.path, adapter.scale = str(path), 1.0
    return adapter


def _end(pid: int, number: int) -> None:
    if pid == os.getpid():
        # It ends with its last reference.
        _running.pop(number, None)


def _begin_exit() -> None:
    """Let the process end at once: what ends a server waits for the replies that it is writing, minutes maybe."""
    if not _ends_without_libraries():
        return
    for running in _running.values():
        _never_end(running)
    _running.clear()


def _begin_child() -> None:
    """Make a forked process use its parent's servers, and leave what it inherited of them alone."""
    _lock.release()
    if not _has_started:
        return
    own = [server.address for server in _servers.values() if server.address.owner.pid == os.getppid()]
    _handed.update({key: server.address for key, server in _servers.items()})
    _servers.clear()
    _close_sockets({urlsplit(address.url).port for address in own})
    for running in _running.values():
        # What ends it waits for threads that this process doesn't have.
        _never_end(running)
    _running.clear()
    _for_good.clear()
    _ends_without_libraries()
    global _is_after_fork
    _is_after_fork = True


def _never_end(running: Any) -> None:
    """Keep an object of llama.cpp from being destroyed."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(running))


def _close_sockets(ports: Collection[int | None]) -> None:
    """Close this process's copies of a server's sockets: as long as they are open, nobody notices that it is gone."""
    for name in os.listdir("/dev/fd") if ports else ():
        with suppress(OSError):  # of no socket, or of the folder itself
            copy = socket.socket(fileno=int(name))
            if copy.family == socket.AF_INET and copy.getsockname()[1] in ports:
                copy.close()
            else:
                copy.detach()


def _ends_without_libraries() -> bool:
    """Let this process end without what llama.cpp's library does at the end, which waits for threads, too.

    RETURNS (bool): Whether it will; other systems than those with glibc have no way.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "on_exit"):
        return False
    # The last that is registered is called first: what is printed is written, and then the process is over.
    libc.on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)
    getattr(libc, "__cxa_atexit")(ctypes.cast(libc.fflush, ctypes.c_void_p), None, None)
    return True


# Here, as the first server may be started by what prepares a fork, when it is too late to prepare for it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_begin_child)
