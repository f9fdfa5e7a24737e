"""Pipelines, configs and weights that earlier versions saved give what they gave."""

import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.training import Example
from spacy.util import load_config, load_model_from_config

from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.evaluation.metrics.performance import processor
from tests.compatibility.fifty_steps import STEPS, train
from tests.compatibility.found import found

MADE = Path(__file__).parent / "made"
EXPECTED = json.loads((MADE / "expected.json").read_text(encoding="utf8"))
CONFIGS = sorted((MADE / "configs").glob("*.cfg"))
# Scores of networks, which are sums of many products.
CLOSE = 1e-5


def check(docs, name: str, key: str = "transformer_ner") -> None:
    """Entities are the same; scores are as close as the order of sums lets them be."""
    rows, expected = found(docs, key), EXPECTED["pipelines"][name]
    scores, expected_scores = ([row["scores"] for row in some] for some in (rows, expected))
    assert [row | {"scores": None} for row in rows] == [row | {"scores": None} for row in expected]
    assert [len(some) for some in scores] == [len(some) for some in expected_scores]
    np.testing.assert_allclose(np.concatenate(scores), np.concatenate(expected_scores), rtol=0, atol=CLOSE)


def texts(name: str) -> list[str]:
    return [row["text"] for row in EXPECTED["pipelines"][name]]


@pytest.mark.parametrize(
    ("name", "key"),
    [("transformer_ner", "found"), ("roberta_ner", "transformer_ner"), ("cnn_ner", "transformer_ner")],
)
def test_pipelines_saved_before_find_what_they_found(name, key):
    check(spacy.load(MADE / name).pipe(texts(name)), name, key)


def test_pipelines_saved_before_take_a_threshold_at_load():
    name = "transformer_ner, threshold 0"
    nlp = spacy.load(MADE / "transformer_ner", config={"components": {"transformer_ner": {"threshold": 0.0}}})
    check(nlp.pipe(texts(name)), name, "found")
    assert sum(len(row["ents"]) for row in EXPECTED["pipelines"][name]) > sum(
        len(row["ents"]) for row in EXPECTED["pipelines"]["transformer_ner"]
    )


def test_pipelines_saved_before_as_bytes_find_what_they_found():
    nlp = load_model_from_config(load_config(MADE / "transformer_ner" / "config.cfg"), auto_fill=True)
    nlp.from_bytes((MADE / "transformer_ner.bytes").read_bytes())
    check(nlp.pipe(texts("transformer_ner")), "transformer_ner", "found")


def test_pipelines_saved_before_survive_being_saved_again(tmp_path):
    spacy.load(MADE / "transformer_ner").to_disk(tmp_path / "again")
    check(spacy.load(tmp_path / "again").pipe(texts("transformer_ner")), "transformer_ner", "found")


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_configs_of_before_build_their_pipeline(path):
    pytest.importorskip("spacy_transformers" if path.stem in ("stock_ner", "shared_encoder") else "spacy")
    config = load_config(path)
    nlp = load_model_from_config(config, auto_fill=True, validate=True)
    assert nlp.pipe_names == config["nlp"]["pipeline"]


def test_configs_of_before_score_with_likeness_as_they_did(monkeypatch):
    # The scorer's training corpus is named by a relative path.
    monkeypatch.chdir(MADE)
    scorer = load_config(MADE / "configs" / "scorer_with_likeness.cfg")["components"]["transformer_ner"][
        "scorer"
    ]
    assert scorer["@scorers"] == "spacy_ner_plus.ner_scorer.v1"
    nlp = spacy.load(MADE / "cnn_ner", config={"components": {"transformer_ner": {"scorer": scorer}}})
    golds = load_docs(MADE / "gold.spacy", nlp.vocab)
    scores = nlp.evaluate([Example(nlp.make_doc(gold.text), gold) for gold in golds])
    expected = EXPECTED["scores"]["scorer_with_likeness"]
    assert {key: scores[key] for key in expected} == expected
    assert scores["ents_fuzzy_f"] != scores["ents_f"]


def test_training_of_fifty_steps_gives_the_weights_of_before():
    """On the processor and torch of before to 1e-6, as benchmarks/two_trees.py checks anywhere beside the old tree.

    Others sum in another order, and each step makes that difference larger.
    """
    from safetensors.numpy import load_file
    from torch import __version__ as torch_version

    made_on = EXPECTED["made_on"]
    same = (made_on["processor"], made_on["torch"]) == (processor(), torch_version)
    weights, expected = train(str(MADE / "encoder")), load_file(MADE / "fifty_steps.safetensors")
    assert weights.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(weights[name], array, rtol=0, atol=1e-6 if same else 1e-4, err_msg=name)
    # Training moved them by far more than what is forgiven.
    words = "embeddings.word_embeddings.weight"
    before = load_file(MADE / "encoder" / "model.safetensors")[words]
    assert abs(expected[f"encoder.{words}"] - before).max() > 1e-2
    assert STEPS == 50
