import copy
import pickle
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config
from thinc.api import Adam

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.errors import UserError
from tests.conftest import ROOT

pytest.importorskip("gliner")
pytest.importorskip("gliner2")
TEXT = "Anna Berg lives in Oslo and works for Acme ."


def gold(nlp, labels=("person", "city")):
    doc = nlp.make_doc(TEXT)
    ents = [doc.char_span(0, 9, labels[0]), doc.char_span(19, 23, labels[1])]
    doc.ents = ents
    return Example(nlp.make_doc(TEXT), doc)


def make(model, **config):
    nlp = spacy.blank("en")
    defaults = {"model": model, "labels": ["person", "city"], "device": "cpu", "precision": "fp32"}
    nlp.add_pipe("zero_shot_ner", config={**defaults, "trained": "all", **config})
    return nlp


def learn(nlp, examples, steps=25):
    optimizer = Adam(0.002, grad_clip=1.0)
    losses = []
    for _ in range(steps):
        losses.append(nlp.update(examples, sgd=optimizer, losses={})["zero_shot_ner"])
    return losses


def found(nlp):
    doc = nlp(TEXT)
    group = doc.spans["zero_shot_ner"]
    scores = [round(score, 4) for score in group.attrs["scores"]]
    return list(zip([(span.text, span.label_) for span in group], scores, strict=True))


def train_by_config(folder, path, **overrides):
    config = load_config(
        ROOT / "configs" / "zero_shot_ner.cfg",
        overrides={
            "paths.train": str(path),
            "paths.dev": str(path),
            "components.zero_shot_ner.labels": ["person", "city"],
            "components.zero_shot_ner.precision": "fp32",
            "vars.device": "cpu",
            "vars.min_steps": 30,
            "vars.learn_rate": 0.001,
            "training.eval_frequency": 30,
            **overrides,
        },
    )
    folder.mkdir()
    return train(init_nlp(config), folder)


def test_training_by_a_config_is_saved_and_loaded(zero_shot_folders, tmp_path):
    nlp = spacy.blank("en")
    DocBin(docs=[gold(nlp).reference] * 2).to_disk(tmp_path / "train.spacy")
    trained, _ = train_by_config(
        tmp_path / "out", tmp_path / "train.spacy", **{"paths.model": zero_shot_folders["uni-bert"]}
    )
    loaded = spacy.load(tmp_path / "out" / "model-last")
    assert found(loaded) == found(trained) != found(make(zero_shot_folders["uni-bert"]))
    # What was saved is a checkpoint that gliner loads, too.
    import gliner

    folder = tmp_path / "out" / "model-last" / "zero_shot_ner" / "model"
    assert not list(folder.rglob("*.bin"))
    assert gliner.GLiNER.from_pretrained(str(folder), local_files_only=True).inference([TEXT], ["person"])


def test_training_makes_a_new_model_on_an_encoder(zero_shot_folders, tmp_path):
    nlp = spacy.blank("en")
    DocBin(docs=[gold(nlp).reference] * 2).to_disk(tmp_path / "train.spacy")
    encoder = str(Path(zero_shot_folders["uni-bert"]).parent / "bert")
    trained, _ = train_by_config(
        tmp_path / "out", tmp_path / "train.spacy", **{"paths.encoder": encoder, "vars.min_steps": 3}
    )
    assert found(spacy.load(tmp_path / "out" / "model-last")) == found(trained)


@pytest.mark.parametrize("kind", ["uni-deberta", "bi-deberta"])
def test_training_changes_what_a_used_component_finds(kind, zero_shot_folders):
    nlp = make(zero_shot_folders[kind], threshold=0.01)
    before = found(nlp)
    losses = learn(nlp, [gold(nlp)])
    after = found(nlp)
    assert losses[-1] < losses[0] / 2
    assert after != before
    fresh = make(zero_shot_folders[kind], threshold=0.01).from_bytes(nlp.to_bytes())
    for other in (copy.deepcopy(nlp), pickle.loads(pickle.dumps(nlp)), fresh):
        assert found(other) == after


@pytest.mark.parametrize("way", ["disk", "bytes"])
def test_training_goes_on_with_what_was_loaded_meanwhile(way, zero_shot_folders, tmp_path):
    nlp = make(zero_shot_folders["uni-bert"], threshold=0.01)
    learn(nlp, [gold(nlp)], steps=2)
    if way == "disk":
        nlp.to_disk(tmp_path / "saved")
        nlp.from_disk(tmp_path / "saved")
    else:
        nlp.from_bytes(nlp.to_bytes())
    before = found(nlp)
    learn(nlp, [gold(nlp)], steps=5)
    assert found(nlp) != before


def test_training_goes_on_in_a_copy_alone(zero_shot_folders):
    nlp = make(zero_shot_folders["uni-bert"], threshold=0.01)
    learn(nlp, [gold(nlp)], steps=5)
    other = copy.deepcopy(nlp)
    after = found(nlp)
    learn(other, [gold(other)], steps=5)
    assert found(nlp) == after != found(other)


def test_training_leaves_a_component_alone_that_isnt_to_be_trained(zero_shot_folders):
    nlp = make(zero_shot_folders["uni-bert"], trained="nothing", threshold=0.01)
    before = found(nlp)
    assert not nlp.get_pipe("zero_shot_ner").is_trainable
    assert learn(nlp, [gold(nlp)], steps=2) == [0, 0]
    assert found(nlp) == before


def test_training_beside_another_component_trains_both(zero_shot_folders):
    nlp = make(zero_shot_folders["uni-bert"])
    nlp.add_pipe("ner")
    optimizer = nlp.initialize(lambda: [gold(nlp)])
    losses = nlp.update([gold(nlp)], sgd=optimizer, losses={})
    assert losses["ner"] > 0
    assert losses["zero_shot_ner"] > 0


def test_training_rehearses_labels_that_werent_annotated(zero_shot_folders):
    nlp = make(zero_shot_folders["uni-bert"], rehearsal=1.0)
    example = gold(nlp)
    example.reference.ents = example.reference.ents[1:]
    set_annotated_labels(example.reference, ["city"])
    losses = learn(nlp, [example], steps=3)
    assert all(loss > 0 for loss in losses)


def test_training_says_which_labels_nothing_is_learnt_of(zero_shot_folders):
    nlp = make(zero_shot_folders["uni-bert"])
    with pytest.raises(UserError, match=r"E641.*LOC, PER"):
        nlp.initialize(lambda: [gold(nlp, ("PER", "LOC"))])
    with pytest.warns(
        UserWarning, match=r"W322.*1 x gold entity whose label isn't asked for \(such as LOC: Oslo\)"
    ):
        nlp.initialize(lambda: [gold(nlp, ("person", "LOC"))])


def test_training_asks_for_the_labels_of_the_corpus_where_none_are_named(zero_shot_folders, tmp_path):
    nlp = make(zero_shot_folders["uni-bert"], labels=None)
    nlp.initialize(lambda: [gold(nlp, ("PER", "LOC"))])
    assert nlp.get_pipe("zero_shot_ner").labels == ("LOC", "PER")
    nlp.to_disk(tmp_path / "saved")
    assert spacy.load(tmp_path / "saved").get_pipe("zero_shot_ner").labels == ("LOC", "PER")


def test_training_keeps_labels_with_descriptions_that_initialize_was_given(zero_shot_folders, tmp_path):
    nlp = make(zero_shot_folders["uni-bert"], labels=None, trained="nothing", threshold=0.01)
    labels = {"PER": "name of a person", "LOC": "name of a place"}
    nlp.get_pipe("zero_shot_ner").initialize(lambda: [], nlp=nlp, labels=labels)
    nlp.to_disk(tmp_path / "saved")
    assert found(spacy.load(tmp_path / "saved")) == found(nlp)


def test_training_of_gliner2_is_refused(zero_shot_folders):
    nlp = make(zero_shot_folders["gliner2"])
    with pytest.raises(UserError, match="E640"):
        learn(nlp, [gold(nlp)], steps=1)
