import json

from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.servers.fine_tuning_server import FineTuningServer

CHAT = {"messages": [{"role": "user", "content": "Ann left."}, {"role": "assistant", "content": "{}"}]}


def run(*words):
    result = CliRunner().invoke(app, ["llm", "jobs", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def test_llm_jobs_end_with_a_variant(tmp_path):
    training = tmp_path / "train.jsonl"
    training.write_text(f"{json.dumps(CHAT)}\n", encoding="utf8")
    assert "No job" in run("status", training)
    with FineTuningServer() as server:
        submit = ("submit", training, "--base-url", server.url, "--model", "base", "--epochs", 2, "--seed", 1)
        assert "Job ftjob-0: validating_files" in run(*submit)
        assert "submitted before" in run(*submit)
        (job,) = server.jobs.values()
        assert job["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
        assert job["seed"] == 1
        server.end()
        lines = run("status", training).splitlines()
    assert lines[0] == "ftjob-0: succeeded"
    assert json.loads(lines[-1]) == {
        "name": "fine_tuned",
        "model": {"base_url": job_url(lines[-1]), "name": "ft:base:ours::0"},
    }


def job_url(line):
    return json.loads(line)["model"]["base_url"]
