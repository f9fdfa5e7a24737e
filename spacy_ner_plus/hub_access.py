"""The Hugging Face hub: asked for what isn't here, and given up within seconds where it doesn't answer."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

# How long the hub may take for its first answer, unless HF_HUB_ETAG_TIMEOUT says otherwise. The libraries that load
# models and datasets ask six times with pauses, for each of their files.
SECONDS = 4.0
_NO_FOLDER = "there is no such folder"
_NOT_ASKED = "no network is asked for it"
_LOGGERS = ("transformers", "huggingface_hub", "sentence_transformers", "datasets", "urllib3", "httpx")


def hub_problem(name: str | Path, kind: str = "model", *, ask: bool = True) -> str:
    """Say why the hub can't be asked for a model or dataset, by one request.

    What was loaded before is in the hub's cache, and can be had all the same with `local_files_only`.

    name (str | Path): A folder or file, of which no hub needs to be asked, or a name on the hub.
    kind (str): 'model' or 'dataset'.
    ask (bool): False for no request: the hub isn't to be asked.
    RETURNS (str): Why not, as a part of a sentence; '' where nothing is in the way.
    """
    if Path(name).exists():
        return ""
    from huggingface_hub import constants

    if not is_hub_name(name):
        return _NO_FOLDER
    if not ask:
        return _NOT_ASKED
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    prefix = "datasets/" if kind == "dataset" else ""
    file = "README.md" if kind == "dataset" else "config.json"
    return _problem(f"{constants.ENDPOINT}/{prefix}{name}/resolve/main/{file}", kind)


def is_hub_name(name: str | Path) -> bool:
    """RETURNS (bool): Whether something on the hub may be called so, and not a folder alone."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(str(name))
    except HFValidationError:
        return False
    return True


def cached_folder(name: str) -> Path | None:
    """RETURNS (Path | None): Where a model's files lie in the hub's cache; None where they don't."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def not_here(problem: str) -> str:
    """RETURNS (str): The sentence that says why something could be had from nowhere, from what `hub_problem` gave."""
    if problem == _NO_FOLDER:
        return f"{_NO_FOLDER}."
    return f"it is no folder and isn't in the hub's cache, and {problem}."


def _problem(url: str, kind: str) -> str:
    host = urlsplit(url).netloc.rpartition("@")[2]
    seconds = _seconds()
    answers: list[_Answer | Exception] = []
    # In a thread, since looking up a host and trying all of its addresses knows no timeout.
    thread = Thread(target=_ask, args=(url, seconds, answers), daemon=True)
    thread.start()
    thread.join(seconds)
    through = _proxy(url)
    if not answers or _is_timeout(answers[0]):
        return f"{host} doesn't answer within {seconds:g} s{through} (HF_HUB_ETAG_TIMEOUT sets how long is waited)"
    answer = answers[0]
    if isinstance(answer, Exception):
        return f"{host} can't be reached{through}: {_innermost(answer)}"
    if answer.status >= 500 or answer.status == 407:
        return f"{host} answers {answer.status}{through}"
    if answer.code == "RepoNotFound":
        return f"{host} has no {kind} of this name, or none that you may read (`hf auth login`)"
    return ""


class _Answer(NamedTuple):
    """What the hub answers: the status of HTTP, and its own code for what is wrong."""

    status: int
    code: str


def _ask(url: str, seconds: float, answers: list[_Answer | Exception]) -> None:
    from huggingface_hub.utils import build_hf_headers, get_session

    try:
        # The hub's own session, with the certificates and proxies that it will use; requests or httpx by its version.
        response = get_session().head(url, headers=build_hf_headers(), timeout=seconds)
        answers.append(_Answer(response.status_code, response.headers.get("X-Error-Code", "")))
    except Exception as error:  # noqa: BLE001 - these two share no narrower one
        answers.append(error)


def _seconds() -> float:
    try:
        return float(os.environ["HF_HUB_ETAG_TIMEOUT"])
    except (KeyError, ValueError):
        return SECONDS


def _is_timeout(answer: _Answer | Exception) -> bool:
    return isinstance(answer, Exception) and "Timeout" in type(answer).__name__


def _innermost(error: BaseException) -> str:
    """RETURNS (str): What the operating system or the TLS library said, in place of the names of five exceptions."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def _proxy(url: str) -> str:
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return ""
    # Without the user and password that may stand in it.
    return f" through the proxy {proxy.rpartition('@')[2].rpartition('//')[2]}"


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keep the libraries of the hub from logging warnings: what matters is in the error that they raise."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
