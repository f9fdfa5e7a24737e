"""What is trained by our configs can be trained on by spaCy's own calls."""

import shutil

import pytest
import spacy
from spacy.cli.train import train as spacy_train
from spacy.schemas import ConfigSchemaTraining
from spacy.util import load_config, registry

from spacy_ner_plus import resolve_training
from spacy_ner_plus.errors import UserError
from tests.conftest import ROOT, make_examples

CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.cfg") if path.stem != "structured_llm_ner")
IDS = [path.stem for path in CONFIGS]
# As our configs were before they had the callback.
OLD = ROOT / "tests" / "compatibility" / "made" / "configs" / "cnn_ner.cfg"


@pytest.fixture(params=CONFIGS, ids=IDS)
def config(request):
    if request.param.stem in ("stock_ner", "shared_encoder"):
        pytest.importorskip("spacy_transformers")
    if request.param.stem == "zero_shot_ner":
        pytest.importorskip("gliner")
    return request.param


def values(block):
    for value in block.values():
        yield from values(value) if isinstance(value, dict) else [value]


def change(nlp, *args):
    """How far an update moves what the pipeline has learnt."""
    before = nlp.update(make_examples(nlp), losses={}, drop=0.0, sgd=False)
    for _ in range(10):
        nlp.update(make_examples(nlp), drop=0.0)
    after = nlp.update(make_examples(nlp), losses={}, drop=0.0, sgd=False)
    name = nlp.pipe_names[-1]
    return before[name] - after[name]


@pytest.mark.parametrize("which", ["model-best", "model-last"])
def test_resolve_training_saves_plain_numbers(config, which, trained_by):
    saved = load_config(trained_by(config) / which / "config.cfg")
    training = saved["training"]
    assert not [value for value in values(training) if "${" in str(value)]
    assert training["max_epochs"] == 2
    assert training["eval_frequency"] == 1
    assert training["optimizer"]["learn_rate"] == load_config(config)["vars"]["learn_rate"]
    # A second training by this config doesn't write over the log of the first.
    assert training["logger"]["output_file"] is None
    registry.resolve(training, schema=ConfigSchemaTraining)


@pytest.mark.parametrize("which", ["model-best", "model-last"])
def test_resolve_training_lets_a_saved_pipeline_be_trained_on(config, which, trained_by):
    rate = load_config(config)["vars"]["learn_rate"]
    nlp = spacy.load(trained_by(config) / which)
    optimizer = nlp.resume_training()
    for _ in range(3):
        assert optimizer.learn_rate == pytest.approx(rate)
        optimizer.step_schedules()
    assert change(nlp) > 0


def test_resolve_training_lets_a_saved_pipeline_be_updated_at_once(config, trained_by):
    assert change(spacy.load(trained_by(config) / "model-best")) > 0


def test_resolve_training_lets_a_saved_pipeline_be_initialized_again(config, trained_by):
    nlp = spacy.load(trained_by(config) / "model-best")
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    assert optimizer.learn_rate == pytest.approx(load_config(config)["vars"]["learn_rate"])
    assert change(nlp) > 0


def test_resolve_training_leaves_what_is_trained_alone():
    """Its config has the variables with which the training goes on."""
    nlp = spacy.blank("en")
    nlp.config["training"]["optimizer"]["learn_rate"] = {
        "@schedules": "warmup_linear.v1",
        "initial_rate": 0.5,
    }
    before = nlp.config.to_str()
    resolved = resolve_training(nlp)
    assert resolved is not nlp
    assert resolved.vocab is nlp.vocab
    assert resolved.config["training"]["optimizer"]["learn_rate"] == 0.5
    assert nlp.config.to_str() == before
    assert resolve_training(resolved).config.to_str() == resolved.config.to_str()


def test_resolve_training_keeps_schedules_that_say_no_initial_rate():
    nlp = spacy.blank("en")
    schedule = {"@schedules": "cyclic_triangular.v1", "min_lr": 0.1, "max_lr": 0.2, "period": 4}
    nlp.config["training"]["optimizer"]["learn_rate"] = schedule
    assert resolve_training(nlp).config["training"]["optimizer"]["learn_rate"] == schedule


def test_resolve_training_again_by_the_saved_config(config, trained_by, train_overrides, tmp_path):
    spacy_train(
        trained_by(config) / "model-best" / "config.cfg",
        tmp_path,
        overrides={name: value for name, value in train_overrides.items() if name.startswith("paths.")},
    )
    assert spacy.load(tmp_path / "model-last").resume_training().learn_rate > 0


# What was saved without the callback: by earlier versions, and by people's own configs.


@pytest.fixture
def old(small_corpus, tmp_path):
    """A pipeline that was saved with variables, and whose corpus is gone."""
    corpus = shutil.copy(small_corpus, tmp_path / "train.spacy")
    overrides = {"paths.train": str(corpus), "paths.dev": str(corpus), "vars.epochs": 2}
    spacy_train(OLD, tmp_path, overrides=overrides)
    corpus.unlink()
    return tmp_path / "model-best"


def test_resolve_training_is_what_an_old_pipeline_asks_for(old):
    nlp = spacy.load(old)
    with pytest.raises(
        UserError, match=r"E235.*\$\{vars.learn_rate\}.*spacy_ner_plus.resolve_training\(nlp\)"
    ):
        nlp.resume_training()
    # With its numbers filled in, spaCy gets as far as the corpus that isn't there.
    nlp.config = nlp.config.interpolate()
    with pytest.raises(UserError, match=r"E214.*spacy_ner_plus.resolve_training\(nlp\)"):
        nlp.resume_training()


def test_resolve_training_mends_an_old_pipeline(old, small_corpus, tmp_path):
    nlp = resolve_training(spacy.load(old))
    assert nlp.resume_training().learn_rate == pytest.approx(0.001)
    assert change(nlp) > 0
    nlp.to_disk(tmp_path / "mended")
    saved = load_config(tmp_path / "mended" / "config.cfg")
    # These count the corpus that is given when it is trained again.
    assert saved["training"]["max_epochs"]["corpus"] == "${paths.train}"
    paths = {"paths.train": str(small_corpus), "paths.dev": str(small_corpus)}
    spacy_train(tmp_path / "mended" / "config.cfg", tmp_path / "again", overrides=paths)
