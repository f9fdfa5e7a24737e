import pytest
from spacy.schemas import ConfigSchemaTraining
from spacy.tokens import Doc, DocBin
from spacy.util import load_config, load_model_from_config, registry

from tests.conftest import ROOT

CONFIGS = sorted((ROOT / "configs").glob("*.cfg"))
TRAINED = [path for path in CONFIGS if path.stem != "structured_llm_ner"]


def settings(config, prefix=""):
    for key, value in config.items():
        if isinstance(value, dict):
            yield from settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_configs_build_their_pipeline(path):
    pytest.importorskip("spacy_transformers" if path.stem in ("stock_ner", "shared_encoder") else "spacy")
    # No network is asked, whatever the encoder: only initialize and stock's constructor read it.
    nlp = load_model_from_config(load_config(path), auto_fill=True, validate=True)
    assert nlp.pipe_names == load_config(path)["nlp"]["pipeline"]


@pytest.mark.parametrize("path", TRAINED, ids=[path.stem for path in TRAINED])
def test_configs_take_the_same_overrides(path):
    config = load_config(path)
    names = {"device", "epochs", "min_steps", "batch_words", "learn_rate", "evals_per_epoch"}
    assert set(config["vars"]) == names
    assert set(config["paths"]) - {"model"} == {"train", "dev", "log", "encoder", "vectors", "init_tok2vec"}


@pytest.mark.parametrize("path", TRAINED, ids=[path.stem for path in TRAINED])
def test_configs_train_longer_on_a_small_corpus(path, nlp, tmp_path):
    corpus = tmp_path / "train.spacy"
    DocBin(docs=[Doc(nlp.vocab, words=["w"] * 30)] * 2).to_disk(corpus)
    overrides = {"paths.train": str(corpus), "paths.dev": str(corpus), "vars.min_steps": 50}
    pytest.importorskip("spacy_transformers" if path.stem in ("stock_ner", "shared_encoder") else "spacy")
    config = load_model_from_config(load_config(path, overrides=overrides), auto_fill=True).config
    training = registry.resolve(config.interpolate()["training"], schema=ConfigSchemaTraining)
    assert training["max_epochs"] == 50


def test_configs_for_a_gpu_differ_only_where_a_gpu_matters():
    cpu, gpu = (
        dict(settings(load_config(ROOT / "configs" / f"transformer_ner{end}.cfg"))) for end in ("", "_gpu")
    )
    different = {key for key in cpu.keys() | gpu.keys() if cpu.get(key) != gpu.get(key)}
    assert different == {
        "paths.encoder",
        "vars.device",
        "vars.epochs",
        "vars.batch_words",
        "vars.learn_rate",
        "components.transformer_ner.model.window",
        "components.transformer_ner.model.overlap",
        "components.transformer_ner.model.batch_wordpieces",
    }
