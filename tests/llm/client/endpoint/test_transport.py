import asyncio
import shutil
import ssl
import subprocess

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.endpoint.transport import Transport, TransportError
from tests.llm.client.asking import ask_all, ask_for, make_model, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Anna"}]}'
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def post(url: str, times: int = 1, timeout: float = 5.0) -> list:
    async def main() -> list:
        endpoint = Transport(f"{url}/chat/completions", {"X-Test": "1"})
        try:
            return [await endpoint.post(BODY, timeout=timeout) for _ in range(times)]
        finally:
            await endpoint.close()

    return asyncio.run(main())


def test_transport_gives_status_body_and_header():
    with FaultServer(Behaviour(first=("429", ""), retry_after=7)) as server:
        refused, answered = post(server.url, times=2)
    assert (refused.status, refused.headers) == (429, {"retry-after": "7"})
    assert (answered.status, answered.headers) == (200, {})
    assert b'"choices"' in answered.body
    assert answered.seconds > 0


def test_transport_keeps_its_connection():
    with FaultServer() as server:
        accepted = []
        connections = server.connections
        server.connections = type("Counted", (set,), {"add": lambda self, item: accepted.append(item)})(
            connections
        )
        post(server.url, times=5)
    assert len(accepted) == 1


@pytest.mark.parametrize("fault", ["drop", "drop-midway"])
def test_transport_says_that_a_connection_broke_and_makes_another(fault):
    async def main(url: str) -> int:
        endpoint = Transport(f"{url}/chat/completions", {})
        with pytest.raises(TransportError, match="the connection broke") as raised:
            await endpoint.post(BODY, timeout=5)
        assert not raised.value.unreachable
        status = (await endpoint.post(BODY, timeout=5)).status
        await endpoint.close()
        return status

    with FaultServer(Behaviour(first=(fault,))) as server:
        assert asyncio.run(main(server.url)) == 200


def test_transport_survives_a_connection_that_was_closed_between_requests():
    async def main(server: FaultServer) -> list[int]:
        endpoint = Transport(f"{server.url}/chat/completions", {})
        statuses = [(await endpoint.post(BODY, timeout=5)).status]
        for transport in list(server.connections):
            server._loop.call_soon_threadsafe(transport.close)
        await asyncio.sleep(0.1)
        statuses.append((await endpoint.post(BODY, timeout=5)).status)
        await endpoint.close()
        return statuses

    with FaultServer() as server:
        assert asyncio.run(main(server)) == [200, 200]


def test_transport_ends_with_the_timeout():
    with (
        FaultServer(Behaviour(first=("hang",))) as server,
        pytest.raises(TransportError, match=r"no answer in 0\.1 s"),
    ):
        post(server.url, timeout=0.1)


def test_transport_says_that_nobody_is_there():
    with pytest.raises(TransportError, match="no connection") as raised:
        post("http://127.0.0.1:9/v1")
    assert raised.value.unreachable


def test_transport_goes_through_a_proxy(monkeypatch):
    with FaultServer() as server:
        monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
        with make_model(server, base_url="http://models.invalid/v1", structured="off") as model:
            assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_transport_asks_no_proxy_for_a_server_of_this_machine(monkeypatch, host):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with FaultServer() as server:
        assert post(server.url.replace("127.0.0.1", host))[0].status == 200


def test_transport_asks_no_proxy_where_it_is_told_so(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "models.invalid")
    with pytest.raises(TransportError, match=r"no connection \(\[Errno"):
        post("http://models.invalid/v1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    )
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {folder}/key.pem -out {folder}/cert.pem"
    subprocess.run(command.split(), check=True, capture_output=True)
    return folder


@pytest.fixture
def tls_server(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with FaultServer(tls=context) as server:
        yield server


def test_transport_speaks_tls(tls_server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with make_model(tls_server, structured="off", max_concurrency=8) as model:
        outcomes = ask_all(model, texts_of(40))
    assert [outcome.value for outcome in outcomes] == [names_by_label(text) for text in texts_of(40)]


def test_transport_trusts_no_unknown_certificate(tls_server):
    with (
        make_model(tls_server, structured="off") as model,
        pytest.raises(UserError, match=r"E255.*certificate"),
    ):
        model.submit(ask_for("Anna"), str).result(20)
    assert not tls_server.requests
