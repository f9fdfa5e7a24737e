import shlex

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.servers.batch_server import BatchServer
from tests.workflows.chat import TEXTS, save_corpus, save_pipeline


@pytest.fixture
def server():
    with BatchServer() as running:
        yield running


@pytest.fixture
def pipeline(server, tmp_path):
    return save_pipeline(server, tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def batch(*arguments):
    return run("llm", "batch", *arguments)


def test_llm_batch_goes_from_texts_to_a_run_from_the_store(server, pipeline, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(TEXTS))
    dry = batch("submit", pipeline, texts, "--dry-run").stdout
    assert "Requests: 4" in dry
    assert "Cost at half price: $0.00" in dry
    assert not server.calls
    said = batch("submit", pipeline, texts).stdout.splitlines()
    assert "Batch batch_0: 4 requests" in said
    assert said[-1] == f"Fetch the replies with: spacy-ner-plus llm batch collect {pipeline}"
    assert batch("submit", pipeline, texts).stdout.splitlines() == [
        "Requests: 0",
        "Not collected yet: 4 more, submitted before",
    ]
    assert batch("status", pipeline).stdout.startswith(
        "batch_0: in_progress; 0 of 4 requests completed, 0 failed; ex"
    )
    assert batch("collect", pipeline).stdout.startswith("batch_0: in_progress")
    server.end()
    said = batch("collect", pipeline).stdout.splitlines()
    assert "Replies: 4 (4 valid)" in said
    command = shlex.split(said[-1])
    assert command[:2] == ["spacy-ner-plus", "predict"]
    calls = len(server.calls)
    assert "Oslo" in run(*command[1:]).stdout
    assert len(server.calls) == calls
    assert batch("status", pipeline).stdout == "No batch of this model is waited for.\n"


def test_llm_batch_says_what_is_left_and_the_command_for_it(server, pipeline, tmp_path):
    corpus = save_corpus(tmp_path)
    server.spoil = {
        TEXTS[0]: {"content": "no idea"},
        TEXTS[1]: {"error": {"message": "flagged by the safety system", "code": "content_filter"}},
    }.get
    batch("submit", pipeline, corpus)
    server.end()
    done = batch("collect", pipeline)
    said = done.stdout.splitlines()
    assert "1 x request that the server's content filter refused. First: 400: flagged" in done.stderr
    assert "1 x reply that can't be read" in done.stderr
    assert said[-3:-1] == [
        "Without a reply: 1",
        "Questions that follow from replies that can't be read: 1",
    ]
    command = shlex.split(said[-1].removeprefix("Submit these with: "))
    server.spoil = lambda text: None
    assert "Requests: 2, 1 of them ask again" in run(*command[1:]).stdout
    server.end()
    last = batch("collect", pipeline).stdout.splitlines()[-1]
    assert "F1" in run(*shlex.split(last)[1:]).stdout or last.startswith("    spacy-ner-plus evaluate")


def test_llm_batch_drops_batches(server, pipeline, tmp_path):
    batch("submit", pipeline, save_corpus(tmp_path))
    assert "4 requests may be submitted again" in batch("drop", pipeline, "batch_0").stderr
    done = batch("drop", pipeline, "batch_0")
    assert (done.exit_code, "E692" in done.stderr) == (1, True)
