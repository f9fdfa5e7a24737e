import json
import re
import shutil

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.llm.requests import ChatReply, ReplyStatus
from spacy_ner_plus.llm.store.store import Store
from tests.servers.fault_server import FaultServer
from tests.workflows.chat import save_corpus, save_pipeline


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


@pytest.fixture
def pipeline(server, tmp_path):
    return save_pipeline(server, tmp_path)


@pytest.fixture
def corpus(tmp_path):
    return save_corpus(tmp_path)


def test_llm_try_prints_a_table_and_writes_it(pipeline, corpus, tmp_path):
    output = tmp_path / "table.json"
    arguments = ["llm", "try", pipeline, str(corpus), "--format", "label_lists", "--output", str(output)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "label_lists" in done.stdout
    assert "100.00" in done.stdout
    assert json.loads(output.read_text())[0]["format"] == "label_lists"


def test_llm_estimate_prints_the_sums(pipeline, corpus):
    done = CliRunner().invoke(app, ["llm", "estimate", pipeline, str(corpus)], catch_exceptions=False)
    assert "Requests: 4, 0 of them in the store already" in done.stdout


def test_llm_try_fails_where_no_format_could_be_tried(tmp_path, pipeline, corpus):
    prefix = "components.structured_llm_ner.model."
    overrides = [
        "--override",
        f"{prefix}base_url=http://127.0.0.1:9/v1",
        "--override",
        f"{prefix}retry_base=0.01",
    ]
    done = CliRunner().invoke(app, ["llm", "try", pipeline, str(corpus), *overrides])
    assert done.exit_code != 0


def test_llm_check_says_what_is_missing():
    done = CliRunner().invoke(app, ["llm", "check", ""])
    assert "E514" in done.stderr
    assert "--vars.llm_url" in done.stderr
    done = CliRunner().invoke(app, ["llm", "check", "", "--optional"], catch_exceptions=False)
    assert "No chat model" in done.stderr


def test_llm_check_says_where_the_model_is():
    command = ["llm", "check", "http://127.0.0.1:8080/v1", "--model", "qwen3"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.stderr.strip() == "Chat model: qwen3 at http://127.0.0.1:8080/v1/chat/completions"


def test_llm_check_refuses_what_is_no_address():
    done = CliRunner().invoke(app, ["llm", "check", "127.0.0.1:8080", "--optional"])
    assert "E251" in done.stderr


def test_llm_show_prints_messages_reply_and_entities(pipeline):
    done = CliRunner().invoke(
        app, ["llm", "show", pipeline, "Anna met Robert in Oslo."], catch_exceptions=False
    )
    assert "Request 1" in done.stdout
    assert "system:" in done.stdout
    assert done.stdout.index("user:") < done.stdout.index("\nReply\n") < done.stdout.index("\nEntities\n")
    assert re.search(r"\n[A-Z]+ +Oslo +\[19:23\] 1\.00", done.stdout)


def test_llm_show_sends_nothing_in_a_dry_run(pipeline, server):
    arguments = ["llm", "show", pipeline, "Anna met [Robert] in Oslo.", "--dry-run"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "Anna met [Robert] in Oslo." in done.stdout
    assert "Reply" not in done.stdout.replace("Reply with", "")
    assert not server.requests


def test_llm_show_wants_a_text(pipeline):
    done = CliRunner().invoke(app, ["llm", "show", pipeline, "  "])
    assert "E515" in done.stderr
    assert done.exit_code == 1


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "replies.sqlite"
    with Store(path) as opened:
        for number, status in enumerate(("valid", "invalid", "cut")):
            asked = {"model": "m", "messages": [{"role": "user", "content": f"Text {number}"}]}
            reply = ChatReply(f"reply {number}", key=f"{number}", status=ReplyStatus(status))
            opened.add(json.dumps(asked), reply)
    return str(path)


def run(*arguments: str) -> str:
    return CliRunner().invoke(app, ["llm", "store", *arguments], catch_exceptions=False).output


def test_llm_store_lists_and_shows_replies(store):
    lines = run("list", store, "--status", "invalid", "--status", "cut").splitlines()
    assert lines[:2] == ["m: 1 cut", "m: 1 invalid"]
    id, *rest = lines[2].split("  ")
    assert rest == ["invalid", "Text 1", "reply 1"]
    row = json.loads(run("show", store, id))
    assert (row["request"]["messages"][0]["content"], row["reply"]["content"]) == ("Text 1", "reply 1")


def test_llm_store_drops_replies(store):
    assert "2 replies dropped" in run("drop", store, "--status", "invalid", "--status", "cut")
    assert run("list", store).splitlines()[0] == "m: 1 valid"


def test_llm_store_exports(store, tmp_path):
    assert "3 replies written" in run("export", store, str(tmp_path / "r.jsonl"), "--table", "replies")
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf8").splitlines()]
    assert [row["status"] for row in rows] == ["valid", "invalid", "cut"]
    assert "0 inferences written" in run("export", store, str(tmp_path / "i.parquet"))
    assert "E809" in run("export", store, store)
    assert "E320" in run("export", str(shutil.copy(store, tmp_path / "r.jsonl")), str(tmp_path / "r.jsonl"))


def test_llm_store_takes_the_address_of_a_database(store, postgresql_address, tmp_path):
    assert "E266" in run("list", postgresql_address)
    with Store(postgresql_address) as opened:
        opened.add('{"model": "m"}', ChatReply("{}", key="k", status=ReplyStatus.INVALID))
    assert run("list", postgresql_address).splitlines()[0] == "m: 1 invalid"
    assert "1 replies written" in run(
        "export", postgresql_address, str(tmp_path / "r.parquet"), "--table", "replies"
    )
    assert "1 replies dropped" in run("drop", postgresql_address, "--status", "invalid")
    assert "E801" in run("list", postgresql_address.replace("tests@", "tests:hunter2@"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["drop"], "E272"),
        (["show", "no-such-id"], "E271"),
        (["list", "--status", "bad"], "E506"),
        (["export", "x.jsonl", "--table", "bad"], "E506"),
    ],
)
def test_llm_store_says_what_it_needs(store, arguments, told):
    command, *rest = arguments
    assert told in run(command, store, *rest)
