import base64
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from spacy_ner_plus.annotation.review.label_studio.rest import Rest
from spacy_ner_plus.errors import UserError

SECRET = "s3cret-token-of-nobody"


@pytest.fixture
def answering(monkeypatch):
    """A server that gives one answer after the other, and keeps what it was asked."""
    monkeypatch.setenv("TOKEN", SECRET)
    answers, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, self.headers.get("Authorization"), body))
            status, headers, data = answers.pop(0)
            if status is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = respond

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield Rest(f"http://127.0.0.1:{server.server_port}/", "TOKEN", 10), answers, asked
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch):
    monkeypatch.setattr("spacy_ner_plus.annotation.review.label_studio.rest.WAITS", (0, 0))


def test_rest_asks_again_what_only_reads(answering):
    rest, answers, asked = answering
    answers += [(503, {}, b""), (None, {}, b""), (200, {}, b'{"a": 1}')]
    assert rest.get("/x", page=2) == {"a": 1}
    assert [path for _, path, _, _ in asked] == ["/x?page=2"] * 3
    answers += [(None, {}, b""), (200, {}, b"{}")]
    with pytest.raises(UserError, match=r"E751.*again"):
        rest.post("/x", {})
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        ((401, {}, json.dumps({"detail": f"Bad {SECRET}"}).encode()), "E753", "TOKEN"),
        ((302, {"Location": "http://elsewhere.example/"}, b""), "E752", "elsewhere"),
        ((200, {}, b"<html>A shop</html>"), "E752", "A shop"),
        (
            (400, {}, b'{"detail": "Validation error", "validation_errors": {"title": ["long"]}}'),
            "E754",
            "long",
        ),
        ((500, {}, f"<title>Oh {SECRET}</title>".encode()), "E754", "Oh"),
    ],
)
def test_rest_errors_are_clear_and_never_tell_the_token(answering, answer, code, told):
    rest, answers, asked = answering
    answers.append(answer)
    with pytest.raises(UserError, match=code) as raised:
        rest.post("/x", {})
    assert told in str(raised.value)
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(rest)
    # To where a redirect points, nothing is sent.
    assert len(asked) == 1


def test_rest_of_nobody_and_of_no_address(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("TOKEN", SECRET)
    with pytest.raises(UserError, match="E750"):
        Rest(f"http://127.0.0.1:{port}", "TOKEN", 5).get("/")
    with pytest.raises(UserError, match="E748"):
        Rest("localhost:8080", "TOKEN", 5)


def test_rest_warns_of_a_token_over_plain_http(monkeypatch):
    monkeypatch.setenv("TOKEN", SECRET)
    with pytest.warns(UserWarning, match=r"W263.*tools\.example"):
        Rest("http://tools.example", "TOKEN", 5)


@pytest.mark.parametrize("value", [None, " ", "two\nlines", "bücher"])
def test_rest_without_a_token_names_the_variable(monkeypatch, value):
    monkeypatch.delenv("TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("TOKEN", value)
    with pytest.raises(UserError, match=r"E749.*TOKEN") as raised:
        Rest("http://127.0.0.1:1", "TOKEN", 5)
    assert value is None or not value.strip() or value not in str(raised.value)


def test_rest_exchanges_personal_tokens_and_renews_them(answering, monkeypatch):
    rest, answers, asked = answering
    head = base64.urlsafe_b64encode(b'{"alg": "HS256"}').decode().rstrip("=")
    monkeypatch.setenv("TOKEN", f"{head}.e30.x")
    rest = Rest(rest.url, "TOKEN", 10)
    answers += [(200, {}, b'{"access": "one"}'), (200, {}, b"{}")]
    rest.get("/x")
    # It has lapsed.
    answers += [(401, {}, b"{}"), (200, {}, b'{"access": "two"}'), (200, {}, b'{"a": 2}')]
    assert rest.post("/y", {}) == {"a": 2}
    assert [(path, key) for _, path, key, _ in asked] == [
        ("/api/token/refresh", None),
        ("/x", "Bearer one"),
        ("/y", "Bearer one"),
        ("/api/token/refresh", None),
        ("/y", "Bearer two"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:s3cret@127.0.0.1:1",
        "ann:s3cret@host:80",
        "http://ann:a/s3cret@host:80",
        "http://host:80/?token=s3cret",
    ],
)
def test_rest_refuses_secrets_in_the_address_and_never_tells_them(monkeypatch, url):
    monkeypatch.setenv("TOKEN", SECRET)
    with pytest.raises(UserError, match=r"E795|E748") as raised:
        Rest(url, "TOKEN", 5)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://127.0.0.1:abc", "http://127.0.0.1:99999", "http://a b:80", "http://a..b"]
)
def test_rest_refuses_what_is_no_address(monkeypatch, url):
    monkeypatch.setenv("TOKEN", SECRET)
    with pytest.raises(UserError, match="E748"):
        Rest(url, "TOKEN", 5)


def test_rest_takes_paths_with_any_letters(monkeypatch):
    monkeypatch.setenv("TOKEN", SECRET)
    assert Rest("http://127.0.0.1:1/é/%20/", "TOKEN", 5).url == "http://127.0.0.1:1/%C3%A9/%20"
    assert Rest("http://[::1]:1/", "TOKEN", 5).url == "http://[::1]:1"


@pytest.mark.parametrize(
    "token", ["0123456789abcdef0123456789", "argilla.apikey", "abcdef0123456789", "ABC0DEF123A"]
)
def test_rest_never_tells_a_token_given_as_the_name_of_its_variable(token):
    with pytest.raises(UserError, match=r"E796.*NAME") as raised:
        Rest("http://127.0.0.1:1", token, 5)
    assert token not in str(raised.value)


def test_rest_says_what_answers_where_it_is_something_else(answering):
    rest, answers, _ = answering
    for body in (b"", b"[]", b'"x"', b'{"a": 1}', b'{"items": null}', b'{"items": [3]}'):
        answers.append((200, {}, body))
        with pytest.raises(UserError, match=r"E752.*isn't Label Studio"):
            rest.listed(rest.get("/x"), "items", "id")
