import io
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.batch.batch_api import BatchAPI
from spacy_ner_plus.llm.batch.files_api import NotFound
from spacy_ner_plus.llm.client.settings import ChatSettings
from tests.servers.batch_server import BatchServer


@pytest.fixture
def server():
    with BatchServer() as running:
        yield running


def api_of(server, **settings):
    return BatchAPI(ChatSettings(base_url=server.url, name="m", retry_base=0.001, **settings))


def create(api, name):
    return api.create(name, api.upload(f"{name}.jsonl", io.BytesIO(b"{}\n"), "batch"), "24h")["id"]


def test_batch_api_finds_a_batch_on_any_page_of_the_list(server):
    api = api_of(server)
    first = create(api, "first")
    for number in range(4):
        create(api, f"other {number}")
    assert api.find("first", "no file")["id"] == first
    assert api.find("no name", server.batches[first]["input_file_id"])["id"] == first
    assert api.find("no name", "no file") is None


def test_batch_api_says_what_is_not_there(server):
    api = api_of(server)
    with pytest.raises(NotFound, match="no such thing"):
        api.batch("batch_7")
    with pytest.raises(NotFound):
        api.download("../batches", io.BytesIO())


def test_batch_api_says_that_a_server_has_no_batches(server):
    api = BatchAPI(ChatSettings(base_url=f"{server.url}/wrong", name="m"))
    with pytest.raises(UserError, match=r"E685.*\(404\).*llm_servers"):
        api.upload("x.jsonl", io.BytesIO(b""), "batch")


def test_batch_api_gives_up_with_one_message(server):
    server.faults["POST"] = [503] * 9
    with pytest.raises(UserError, match=r"E685.*\(503\).*try again"):
        api_of(server, max_retries=2).upload("x.jsonl", io.BytesIO(b""), "batch")
    assert len(server.calls) == 3
    with pytest.raises(UserError, match="E686"):
        BatchAPI(ChatSettings(base_url="http://127.0.0.1:9/v1", name="m", max_retries=0)).batch("b")


@pytest.mark.parametrize("answer", [b"<html>welcome</html>", b"[]", b'{"id": 7}', b"{}"])
def test_batch_api_takes_nothing_else_for_an_answer(server, answer, monkeypatch):
    monkeypatch.setattr(
        server, "upload", lambda *given: (200, json.loads(answer) if answer[:1] != b"<" else "page")
    )
    with pytest.raises(UserError, match=r"E685.*something else"):
        api_of(server).upload("x.jsonl", io.BytesIO(b""), "batch")


class _Elsewhere(BaseHTTPRequestHandler):
    seen: list

    def do_GET(self):
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"line")

    def log_message(self, *arguments):
        pass


def test_batch_api_follows_a_file_to_another_host_without_the_key(server, monkeypatch):
    monkeypatch.setenv("BATCH_KEY", "a-secret-of-mine")
    handler = type("Handler", (_Elsewhere,), {"seen": []})
    other = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        server.files["file-9"] = ("elsewhere", f"http://127.0.0.1:{other.server_port}/signed".encode())
        got = io.BytesIO()
        api_of(server, api_key_env="BATCH_KEY").download("file-9", got)
    finally:
        other.shutdown()
        other.server_close()
    assert got.getvalue() == b"line"
    assert (server.keys[-1], handler.seen) == ("Bearer a-secret-of-mine", [None])
