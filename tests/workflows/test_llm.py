import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.formats import FORMATS
from spacy_ner_plus.workflows.llm import estimate, try_formats
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS
from tests.workflows.chat import TEXTS, save_corpus, save_pipeline


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


def test_llm_try_measures_every_format(pipeline, corpus):
    trials = {trial.format: trial for trial in try_formats(pipeline, corpus)}
    assert set(trials) == set(FORMATS)
    assert {trial.f1["all"] for trial in trials.values()} == {1.0}
    assert trials["label_lists"].f1["listed"] == 1.0
    assert trials["label_lists"].prompt_tokens > 0
    assert trials["label_lists"].cost > 0


def test_llm_try_asks_once_for_both_policies_without_a_store(pipeline, corpus, server):
    override = ["components.structured_llm_ner.model.store=null"]
    (trial,) = try_formats(pipeline, corpus, formats=["label_lists"], overrides=override)
    assert trial.f1 == {"all": 1.0, "listed": 1.0}
    assert len(server.requests) == len(TEXTS) + 1


def test_llm_try_asks_once_for_both_policies(pipeline, corpus, server):
    try_formats(pipeline, corpus, formats=["label_lists"])
    # One probe of what the server enforces.
    assert len(server.requests) == len(TEXTS) + 1


def test_llm_try_refuses_an_unknown_format(pipeline, corpus):
    with pytest.raises(UserError, match=r"E506.*label_lists"):
        try_formats(pipeline, corpus, formats=["xml"])


def test_llm_try_refuses_a_pipeline_without_the_component(tmp_path, corpus):
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(UserError, match="E538"):
        try_formats(str(tmp_path / "blank"), corpus)


def test_llm_estimate_counts_without_sending(pipeline, corpus, server):
    found = estimate(pipeline, [str(corpus)])
    assert (found.documents, found.requests, found.stored) == (4, 4, 0)
    assert found.from_gold
    assert found.cost > 0
    assert server.requests == []


def test_llm_estimate_leaves_out_what_is_in_the_store(pipeline, corpus):
    try_formats(pipeline, corpus, formats=["label_lists"])
    found = estimate(pipeline, [str(corpus)])
    assert (found.stored, found.prompt_tokens, found.cost) == (4, 0, 0.0)


def test_llm_estimate_is_near_what_a_run_takes(pipeline, corpus):
    found = estimate(pipeline, [str(corpus)])
    trial = try_formats(pipeline, corpus, formats=["label_lists"])[0]
    assert found.prompt_tokens == pytest.approx(trial.prompt_tokens, rel=0.35)


def test_llm_estimate_is_near_what_a_run_takes_with_a_question_for_each_label(pipeline, corpus):
    found = estimate(pipeline, [str(corpus)], overrides=["components.structured_llm_ner.format=per_type"])
    assert found.requests == 4 * len(LABELS)
    trial = try_formats(pipeline, corpus, formats=["per_type"])[0]
    assert trial.f1["all"] == 1.0
    assert found.prompt_tokens == pytest.approx(trial.prompt_tokens, rel=0.35)
    assert found.completion_tokens == pytest.approx(trial.completion_tokens, rel=0.6)


def test_llm_estimate_reads_lines_of_text(pipeline, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("Anna slept.\n\nBob woke.\n")
    override = "components.structured_llm_ner.model.requests_per_minute=1"
    found = estimate(pipeline, [str(path)], overrides=[override])
    assert (found.requests, found.from_gold, found.minutes_at_limits) == (2, False, 2.0)


def test_llm_try_says_the_same_of_stored_replies(pipeline, corpus):
    first = try_formats(pipeline, corpus, formats=["label_lists"])[0]
    assert try_formats(pipeline, corpus, formats=["label_lists"])[0] == first


def test_llm_try_does_not_overwrite_the_corpus(pipeline, corpus, server):
    with pytest.raises(UserError, match="E320"):
        try_formats(pipeline, corpus, corpus)
    assert not server.requests
