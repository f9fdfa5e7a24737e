import asyncio
import gzip
import json
import shutil
import ssl
import subprocess
import threading
import zlib
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.endpoint import transport
from spacy_ner_plus.llm.client.endpoint.transport import Transport, TransportError, proxy_for, redirected
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
        for connection in list(server.connections):
            server._loop.call_soon_threadsafe(connection.close)
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


@contextmanager
def answering(answer):
    """A server. YIELDS: Its address, and the requests that came, as path, headers and body.

    answer (Callable): From path and headers to status, headers and body.
    """
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers, body))
            status, headers, reply = answer(self.path, self.headers)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(reply)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *arguments) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [307, 308])
def test_transport_sends_the_same_again_where_the_server_sends_it_on(status):
    def answer(path, headers):
        on = path != "/v1/there"
        return (status, {"Location": "/v1/there"}, b"") if on else (200, {}, b"{}")

    with answering(answer) as (url, seen):
        (response,) = post(f"{url}/v1")
    assert (response.status, [path for path, _, _ in seen]) == (200, ["/v1/chat/completions", "/v1/there"])
    assert [(headers["X-Test"], body) for _, headers, body in seen] == [("1", BODY)] * 2


def test_transport_sends_no_key_to_where_another_server_is():
    with (
        answering(lambda path, headers: (200, {}, b"{}")) as (other, reached),
        answering(lambda path, headers: (307, {"Location": f"{other}/v1"}, b"")) as (url, _),
    ):
        assert post(f"{url}/v1")[0].status == 307
    assert reached == []


def test_transport_follows_no_circle():
    with (
        answering(lambda path, headers: (308, {"Location": path}, b"")) as (url, seen),
        pytest.raises(TransportError, match="sent the request on 5 times"),
    ):
        post(f"{url}/v1")
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("http://a/v1", "https://a/v1", "https://a/v1"),
        ("http://a:80/v1", "https://a:443/v2", "https://a:443/v2"),
        ("https://a/v1", "http://a/v1", None),
        ("http://a:8000/v1", "https://a:8001/v1", None),
        ("https://a/v1", "//b/v1", None),
        ("https://a/v1", "https://me@a/v1", None),
        ("https://a/v1", "", None),
        ("https://a/v1", "https://a:x/v1", None),
    ],
)
def test_transport_goes_on_only_to_the_same_server(url, location, target):
    assert redirected(url, location) == target


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("X-Gzip", gzip.compress)]
)
def test_transport_unpacks_a_reply(encoding, pack):
    reply = json.dumps({"text": "Anna " * 1000}).encode()
    with answering(lambda path, headers: (200, {"Content-Encoding": encoding}, pack(reply))) as (url, seen):
        assert post(f"{url}/v1")[0].body == reply
    assert "gzip" in seen[0][1]["Accept-Encoding"]


# Without the time in it, which is another one in another process that collects the same tests.
@pytest.mark.parametrize("cut", [gzip.compress(b"x" * 1000, mtime=0)[:-9], b"no gzip"])
def test_transport_takes_no_broken_packing_for_a_reply(cut):
    with (
        answering(lambda path, headers: (200, {"Content-Encoding": "gzip"}, cut)) as (url, _),
        pytest.raises(TransportError, match="the connection broke"),
    ):
        post(f"{url}/v1")


@pytest.mark.parametrize("packed", [False, True])
def test_transport_reads_no_endless_reply(packed, monkeypatch):
    monkeypatch.setattr(transport, "_MOST_BYTES", 1 << 20)
    reply = b" " * (2 << 20)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with (
        answering(lambda path, given: (200, headers, gzip.compress(reply) if packed else reply)) as (url, _),
        pytest.raises(TransportError, match="more than 1 MB"),
    ):
        post(f"{url}/v1")


def test_transport_gives_a_proxy_its_password(monkeypatch):
    wanted = "Basic " + b64encode(b"me:p@ss").decode()

    def answer(path, headers):
        return (200 if headers["Proxy-Authorization"] == wanted else 407), {}, b"{}"

    with answering(answer) as (url, seen):
        monkeypatch.setenv("http_proxy", url.replace("http://", "http://me:p%40ss@"))
        assert post("http://models.invalid/v1")[0].status == 200
        assert seen[0][0] == "http://models.invalid/v1/chat/completions"
        monkeypatch.setenv("http_proxy", url.replace("http://", "http://me:wrong@"))
        with pytest.raises(TransportError, match="the proxy wants another password") as raised:
            post("http://models.invalid/v1")
        assert raised.value.unreachable


@pytest.mark.parametrize(
    ("no_proxy", "host", "proxy"),
    [
        ("models.invalid", "models.invalid:8000", None),
        ("models.invalid:8000", "models.invalid:8000", None),
        ("models.invalid:8001", "models.invalid:8000", "http://proxy:1"),
        (".invalid", "models.invalid", None),
        ("*", "models.invalid", None),
        ("other", "models.invalid", "http://proxy:1"),
    ],
)
def test_transport_asks_no_proxy_for_the_servers_of_no_proxy(monkeypatch, no_proxy, host, proxy):
    monkeypatch.setenv("http_proxy", "proxy:1")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert proxy_for("http", host) == proxy


@pytest.mark.parametrize(
    ("proxy", "told"), [("ftp://me:secret@proxy:1", "E710"), ("socks5://me:secret@proxy:1", "E711")]
)
def test_transport_names_a_proxy_that_cannot_be_used_without_its_password(monkeypatch, proxy, told):
    monkeypatch.setenv("all_proxy", proxy)
    monkeypatch.setattr(transport, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=rf"{told}.*://proxy:1") as raised:
        post("http://models.invalid/v1")
    assert "secret" not in str(raised.value)
