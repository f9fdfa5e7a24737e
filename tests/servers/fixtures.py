"""Fixtures: real servers, started once a run. A conftest imports them."""

import os
from collections.abc import Iterator

import pytest

# What the server behind `llama_url_with_key` asks for.
API_KEY = "tests-only"


@pytest.fixture(scope="session")
def llama_url() -> Iterator[str]:
    """The `base_url` of llama.cpp's server with the tests' model, named 'tiny'."""
    _need("xllamacpp", "gguf")
    from tests.servers.llama_server import llama_server

    with llama_server() as url:
        yield url


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tests' own model as a file, for `local`."""
    _need("xllamacpp", "gguf")
    from tests.servers.tiny_llama import write_tiny_llama

    return str(write_tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny.gguf"))


@pytest.fixture(scope="session")
def tiny_adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two LoRA adapters of it, by name."""
    _need("gguf")
    from tests.servers.tiny_llama import write_tiny_adapter

    folder = tmp_path_factory.mktemp("adapters")
    return {name: str(write_tiny_adapter(folder / f"{name}.gguf", seed=i)) for i, name in enumerate("ab")}


@pytest.fixture(scope="session")
def llama_url_with_key() -> Iterator[str]:
    """The `base_url` of one that asks for `API_KEY`."""
    _need("xllamacpp", "gguf")
    from tests.servers.llama_server import llama_server

    with llama_server(api_key=API_KEY) as url:
        yield url


@pytest.fixture(scope="session")
def tensorzero_url(llama_url: str) -> Iterator[str]:
    """The `base_url` of TensorZero's gateway in front of `llama_url`."""
    _need("tensorzero")
    import tensorzero

    if not hasattr(tensorzero, "_start_http_gateway"):
        pytest.skip(f"tensorzero {tensorzero.__version__} starts no gateway any more: install 2026.6.0")
    from tests.servers.tensorzero_gateway import tensorzero_gateway

    with tensorzero_gateway(llama_url) as url:
        yield url


def _need(*packages: str) -> None:
    for package in packages:
        pytest.importorskip(
            package, reason=f"no {package}, which serves models: pip install {package}", exc_type=ImportError
        )


@pytest.fixture(scope="session")
def label_studio_running():
    """A real Label Studio, the program that the variable LABEL_STUDIO names, on an empty database."""
    program = os.environ.get("LABEL_STUDIO")
    if not program:
        pytest.skip("name the program `label-studio` as LABEL_STUDIO")
    from tests.servers.label_studio import label_studio

    with label_studio(program) as server:
        yield server


@pytest.fixture
def label_studio_server(monkeypatch):
    """The tests' own Label Studio, and its address, with the token where reviews look for it."""
    from tests.servers.label_studio_stub import TOKEN, label_studio_stub

    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    with label_studio_stub() as found:
        yield found


@pytest.fixture(scope="session")
def postgresql_server():
    """A real PostgreSQL server."""
    pytest.importorskip("psycopg", reason="no psycopg: pip install psycopg[binary]", exc_type=ImportError)
    from tests.servers.postgresql import find_program, postgresql

    if find_program("initdb") is None or os.name != "posix":
        pytest.skip("no PostgreSQL server (Debian: apt-get install postgresql)")
    with postgresql() as server:
        yield server


@pytest.fixture
def postgresql_address(postgresql_server) -> str:
    """The address of a database on it without a store."""
    return postgresql_server.empty_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_place(request, tmp_path):
    """Where a store is made: in a file, and in PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "s.sqlite"
    return request.getfixturevalue("postgresql_address")
