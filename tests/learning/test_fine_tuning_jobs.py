"""Fine-tuning jobs on a server of the tests' own: submitted once, whatever goes wrong."""

import json

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.learning.fine_tuning_jobs import UNKNOWN, FineTuningJobs, check_chats
from spacy_ner_plus.llm.client.settings import ChatSettings
from tests.servers.fine_tuning_server import FineTuningServer

CHAT = {"messages": [{"role": "user", "content": "Ann left."}, {"role": "assistant", "content": "{}"}]}


@pytest.fixture
def server():
    with FineTuningServer() as server:
        yield server


@pytest.fixture
def training(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(f"{json.dumps(CHAT)}\n", encoding="utf8")
    return path


def settings_of(server, **more):
    return ChatSettings(base_url=server.url, name="base", retry_base=0.001, max_retries=1, **more)


def jobs_of(training):
    return FineTuningJobs(training.with_suffix(".jobs.json"))


def test_fine_tuning_jobs_are_submitted_once(server, training):
    job, is_new = jobs_of(training).submit(settings_of(server), training, training, wanted={"suffix": "ner"})
    assert (job.id, job.status, is_new) == ("ftjob-0", "validating_files", True)
    asked = server.jobs["ftjob-0"]
    assert (asked["model"], asked["suffix"]) == ("base", "ner")
    assert asked["training_file"] != asked["validation_file"]
    assert server.files[asked["training_file"]][1] == training.read_bytes()
    again = jobs_of(training).submit(settings_of(server), training, training, wanted={"suffix": "ner"})
    assert again == (job, False)
    assert len(server.jobs) == 1
    # Other data, another model or other settings are another job; so is the same with `again`.
    assert jobs_of(training).submit(settings_of(server), training, training)[1]
    more, is_new = jobs_of(training).submit(
        settings_of(server), training, training, wanted={"suffix": "ner"}, again=True
    )
    assert is_new
    assert more.name == f"{job.name}-2"
    assert len(server.jobs) == 3


@pytest.mark.parametrize("fault", ["lost", "half", 500])
def test_fine_tuning_jobs_are_found_where_the_answer_is_lost(server, training, fault):
    server.faults["POST /v1/fine_tuning/jobs"] = [fault]
    job, _ = jobs_of(training).submit(settings_of(server), training)
    assert job.id == "ftjob-0"
    assert len(server.jobs) == 1


def test_fine_tuning_jobs_go_on_after_a_command_that_was_ended(server, training):
    # The job is created, no answer comes, and the list can't be read either.
    server.faults["POST /v1/fine_tuning/jobs"] = ["lost"]
    server.has_list = False
    with pytest.raises(UserError, match="E856"):
        jobs_of(training).submit(settings_of(server), training)
    (noted,) = jobs_of(training).jobs()
    assert noted.training_file
    assert not noted.id
    assert jobs_of(training).look(lambda job: settings_of(server))[0].job.status == "not created yet"
    server.has_list = True
    job, is_new = jobs_of(training).submit(settings_of(server), training)
    assert (job.id, is_new) == ("ftjob-0", True)
    assert len(server.jobs) == len(server.files) == 1


def test_fine_tuning_jobs_upload_again_what_was_not_uploaded(server, training):
    server.faults["POST /v1/files"] = [400]
    with pytest.raises(UserError, match="E685"):
        jobs_of(training).submit(settings_of(server), training)
    assert jobs_of(training).submit(settings_of(server), training)[0].id == "ftjob-0"


def test_fine_tuning_jobs_become_a_variant(server, training, monkeypatch):
    monkeypatch.setenv("TUNING_KEY", "secret-of-tests")
    server.api_key = "secret-of-tests"
    settings = settings_of(server, api_key_env="TUNING_KEY")
    jobs_of(training).submit(settings, training)
    assert "secret-of-tests" not in jobs_of(training).state.read_text(encoding="utf8")
    (status,) = jobs_of(training).look(lambda job: settings)
    assert status.variant() is None
    assert not status.is_over
    server.end()
    (status,) = jobs_of(training).look(lambda job: settings)
    assert status.is_over
    assert status.events == ["The job has succeeded", "Created fine-tuning job"]
    assert status.variant("mine") == {
        "name": "mine",
        "model": {"base_url": server.url, "name": "ft:base:ours::0", "api_key_env": "TUNING_KEY"},
    }
    assert jobs_of(training).jobs() == [status.job]


def test_fine_tuning_jobs_say_why_one_failed(server, training):
    jobs_of(training).submit(settings_of(server), training)
    server.end("failed", "The file has 1 example, and 10 are needed.")
    (status,) = jobs_of(training).look(lambda job: settings_of(server))
    assert status.is_over
    assert status.failure == "The file has 1 example, and 10 are needed."
    server.jobs.clear()
    (status,) = jobs_of(training).look(lambda job: settings_of(server))
    assert status.job.status == UNKNOWN


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[]", "no list of `messages`"),
        ('{"prompt": "a"}', "no list of `messages`"),
        ('{"messages": [{"role": "bot", "content": ""}]}', "none of the roles"),
        ('{"messages": [{"role": "user", "content": null}]}', "no text as `content`"),
        ('{"messages": [{"role": "user", "content": "a"}]}', "the last message"),
        ("", "the file is empty"),
    ],
)
def test_fine_tuning_jobs_upload_chats_alone(tmp_path, line, reason):
    path = tmp_path / "train.jsonl"
    path.write_text(line, encoding="utf8")
    with pytest.raises(UserError, match=reason):
        check_chats(path)


def test_fine_tuning_jobs_are_left_to_one_process(server, training):
    fcntl = pytest.importorskip("fcntl")
    state = jobs_of(training).state
    with state.with_name(f"{state.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="E855"):
            jobs_of(training).submit(settings_of(server), training)
    state.write_text("{}", encoding="utf8")
    with pytest.raises(UserError, match="E854"):
        jobs_of(training).submit(settings_of(server), training)


def test_jobs_that_were_never_submitted_leave_no_file_where_one_looks(tmp_path):
    assert FineTuningJobs(tmp_path / "new" / "train.jobs.json").look(None) == []
    assert list(tmp_path.iterdir()) == []
