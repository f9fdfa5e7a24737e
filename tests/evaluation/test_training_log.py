import io
import json

import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin

from spacy_ner_plus.evaluation.training_log import training_log_v1
from tests.conftest import make_pipeline

INFO = {
    "epoch": 1,
    "step": 200,
    "seconds": 12,
    "words": 3456,
    "losses": {"transformer_ner": np.float32(1.5)},
    "score": 0.75,
    "other_scores": {"ents_f": 0.75, "ents_p": 0.7, "ents_r": 0.8, "ents_per_type": {"PER": {"f": 1.0}}},
}


def make_nlp(encoder):
    nlp = make_pipeline(encoder)
    nlp.config["training"].update(
        {"seed": "${system.seed}", "max_steps": 0, "eval_frequency": 10, "score_weights": {"ents_f": 1.0}}
    )
    nlp.config["system"] = {"seed": 7, "gpu_allocator": None}
    return nlp


def test_training_log_writes_a_line_for_the_run_and_each_evaluation(encoder_folder, tmp_path):
    path = tmp_path / "deep" / "log.jsonl"
    out = io.StringIO()
    log_step, finish = training_log_v1(str(path))(make_nlp(encoder_folder), out, io.StringIO())
    log_step(None)
    log_step(INFO)
    finish()
    run, step = [json.loads(line) for line in path.read_text().splitlines()]
    assert run["seed"] == 7
    assert run["versions"]["spacy"] == spacy.__version__
    assert run["hardware"]
    assert step["step"] == 200
    assert step["losses"] == {"transformer_ner": 1.5}
    assert step["seconds"] == 12
    assert step["scores"] == {"ents_f": 0.75, "ents_p": 0.7, "ents_r": 0.8}
    assert "75.00" in out.getvalue()


@pytest.mark.parametrize(("given", "logged"), [(3, 3), ({"min_steps": 50}, 50), (None, None)])
def test_training_log_says_how_many_epochs_there_are(encoder_folder, tmp_path, given, logged):
    corpus = tmp_path / "train.spacy"
    nlp = make_nlp(encoder_folder)
    DocBin(docs=[nlp.make_doc("Oslo")]).to_disk(corpus)
    if isinstance(given, dict):
        counted = {"@misc": "spacy_ner_plus.epochs.v1", "corpus": str(corpus), "batch_words": 10, "epochs": 1}
        given = {**counted, **given}
    nlp.config["training"]["max_epochs"] = given
    _, finish = training_log_v1(str(tmp_path / "log.jsonl"))(nlp, io.StringIO(), io.StringIO())
    finish()
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])["max_epochs"] == logged


def test_training_log_starts_anew_with_each_training(encoder_folder, tmp_path):
    path = tmp_path / "log.jsonl"
    for _ in range(2):
        log_step, finish = training_log_v1(str(path))(make_nlp(encoder_folder), io.StringIO(), io.StringIO())
        log_step(INFO)
        finish()
    assert len(path.read_text().splitlines()) == 2


def test_training_log_without_a_file_writes_to_the_console_alone(encoder_folder):
    out = io.StringIO()
    log_step, finish = training_log_v1()(make_nlp(encoder_folder), out, io.StringIO())
    log_step(INFO)
    finish()
    assert "200" in out.getvalue()


def logged(nlp, train, weights):
    nlp.add_pipe("ner", config={"scorer": {"@scorers": "spacy_ner_plus.ner_scorer.v1", "train": train}})
    nlp.config["training"] = {
        "seed": 0,
        "max_epochs": 1,
        "max_steps": 0,
        "eval_frequency": 1,
        "score_weights": weights,
    }
    training_log_v1()(nlp, io.StringIO(), io.StringIO())


@pytest.mark.parametrize("weight", [0.5, 0.0])
def test_training_log_warns_of_weights_that_no_scorer_fills(nlp, weight):
    with pytest.warns(UserWarning, match=r"W305.*ents_unseen_f.*\$\{paths.train\}"):
        logged(nlp, None, {"ents_f": 0.5, "ents_unseen_f": weight})


def test_training_log_takes_weights_that_a_scorer_fills_or_that_are_off(nlp, recwarn):
    logged(nlp, "train.spacy", {"ents_f": 0.5, "ents_unseen_f": 0.5})
    logged(spacy.blank("en"), None, {"ents_f": 1.0, "ents_unseen_f": None})
    assert not recwarn.list
