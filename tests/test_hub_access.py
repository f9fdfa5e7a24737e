"""What is said about a hub that can't be asked, and how soon: against real servers that go wrong."""

import json
import logging
import os
import subprocess
import sys
import time

import pytest
from huggingface_hub import constants

from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub
from tests.servers.hub_server import answering_hub, no_hub, silent_hub, unreachable_hub


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.mark.parametrize(
    ("hub", "said"),
    [
        (answering_hub(), "has no model of this name, or none that you may read"),
        (answering_hub(401), "has no model of this name, or none that you may read"),
        (answering_hub(404, "EntryNotFound"), ""),
        (answering_hub(403, "GatedRepo"), ""),
        (answering_hub(503), "answers 503"),
        (no_hub(), "can't be reached: Connection refused"),
        (silent_hub(), r"doesn't answer within 0\.5 s"),
        (unreachable_hub(), r"doesn't answer within 0\.5 s"),
    ],
    ids=["no such name", "private", "other files", "gated", "failing", "refused", "silent", "dropped"],
)
def test_hub_access_says_what_is_in_the_way(hub, said, monkeypatch):
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.5")
    with hub as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        problem = hub_problem("no-such-encoder")
    if said:
        assert said.replace("\\", "") in problem
        assert address.removeprefix("http://") in problem
    else:
        assert problem == ""


def test_hub_access_says_that_a_host_is_unknown(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    began = time.monotonic()
    problem = hub_problem("owner/model")
    assert problem.startswith(("hub.invalid can't be reached: ", "hub.invalid doesn't answer within 4 s"))
    assert time.monotonic() - began < 5
    assert "Traceback" not in problem
    assert "Error" not in problem


def test_hub_access_names_the_proxy_without_its_password(monkeypatch):
    with no_hub() as proxy:
        monkeypatch.setenv("http_proxy", proxy.replace("//", "//ann:secret@"))
        monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
        problem = hub_problem("owner/model")
    assert f"through the proxy {proxy.removeprefix('http://')}" in problem
    assert "secret" not in problem


def test_hub_access_asks_nobody_for_folders(tmp_path, monkeypatch):
    with no_hub() as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        assert hub_problem(tmp_path) == ""
        assert hub_problem(tmp_path / "missing") == "there is no such folder"
        assert not_here(hub_problem("./models/mine")) == "there is no such folder."


def test_hub_access_asks_nobody_when_offline(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    problem = hub_problem("owner/model")
    assert not_here(problem) == "it is no folder and isn't in the hub's cache, and HF_HUB_OFFLINE is set."


def test_hub_access_quiet_hides_warnings_for_as_long_as_it_lasts(caplog):
    logger = logging.getLogger("huggingface_hub.utils._http")
    with quiet_hub():
        logger.warning("Retrying in 1s [Retry 1/5].")
    assert caplog.records == []
    logger.warning("seen")
    assert len(caplog.records) == 1


LOADING = """
import json, sys, time, warnings
import spacy
from spacy.training import Example
from spacy_ner_plus import UserError, convert, import_hf

def use_encoder():
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_ner_plus.TransformerTagger.v2", "encoder": "owner/model"}
    nlp.add_pipe("transformer_ner", config={"model": model}).add_label("PER")
    nlp.initialize()

def use_embeddings():
    from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
    from spacy_ner_plus.llm.prompting.embedded_demonstrations import EmbeddedDemonstrations
    from spacy_ner_plus.models.embeddings.embedder import Embedder
    EmbeddedDemonstrations([Demonstration("Anna")], 1, embedder=Embedder("owner/model")).select("Robert")

uses = {
    "encoder": use_encoder,
    "import-hf": lambda: import_hf("owner/model", "imported"),
    "dataset": lambda: convert("owner/model", "corpus.spacy", format="hub"),
    "embeddings": use_embeddings,
}
said = {}
for name, use in uses.items():
    began = time.monotonic()
    try:
        use()
    except UserError as error:
        said[name] = [str(error), time.monotonic() - began]
print(json.dumps(said))
"""


def load(hub: str, folder, *arguments: str) -> dict[str, list]:
    waited = {"HF_HUB_ETAG_TIMEOUT": "1"}
    environment = {
        **os.environ,
        **waited,
        "HF_ENDPOINT": hub,
        "HF_HOME": str(folder / "cache"),
        "HF_HUB_OFFLINE": "0",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADING, *arguments],
        capture_output=True, text=True, check=False, cwd=folder, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_hub_access_without_a_network_each_loader_gives_up_within_seconds(tmp_path):
    with unreachable_hub() as address:
        said = load(address, tmp_path)
    host = address.removeprefix("http://")
    for name, code in {
        "encoder": "E202",
        "import-hf": "E217",
        "dataset": "E161",
        "embeddings": "E247",
    }.items():
        message, seconds = said[name]
        assert message.startswith(f"[{code}] Can't ")
        assert f"isn't in the hub's cache, and {host} doesn't answer within 1 s" in message
        # Imports of transformers, datasets and the like among them, on a machine that is busy.
        assert seconds < 30


@pytest.mark.slow
def test_hub_access_a_name_that_the_hub_doesnt_know_is_told_apart(tmp_path):
    with answering_hub() as address:
        said = load(address, tmp_path)
    for name, (message, _) in said.items():
        assert "owner/model" in message, name
        assert f"{address.removeprefix('http://')} has no " in message, name
    assert said.keys() == {"encoder", "import-hf", "dataset", "embeddings"}
