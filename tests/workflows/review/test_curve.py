import json

import pytest
import spacy
from spacy.tokens import Doc

from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.curve import learning_curve
from tests.conftest import ROOT, TAGS, TEXTS

CONFIG = ROOT / "configs" / "transformer_ner.cfg"


def write(path, copies):
    """The little corpus, so many times, no text twice."""
    vocab = spacy.blank("en").vocab
    docs = [
        Doc(vocab, words=[f"{k}", *text.split()], ents=["O", *tags.split()])
        for k in range(copies)
        for text, tags in zip(TEXTS, TAGS, strict=True)
    ]
    save_docs([*docs, Doc(vocab, words=["Nobody", "has", "read", "this"])], path)
    return path


@pytest.fixture
def curve(encoder_folder, tmp_path):
    sizes = {"window": 30, "overlap": 10, "lead": 6}
    settings = [f"components.transformer_ner.model.{name}={size}" for name, size in sizes.items()]
    settings += [f"paths.encoder={encoder_folder}", "vars.device=cpu", "vars.learn_rate=0.003"]
    corpus, dev = write(tmp_path / "gold.spacy", 2), write(tmp_path / "dev.spacy", 2)

    def run(**more):
        own = {"dev": dev, "overrides": settings, "resamples": 50}
        return learning_curve(corpus, CONFIG, tmp_path / "curve.json", **{**own, **more})

    return run


def test_curve_trains_on_more_and_more_and_goes_on_where_it_was(curve, tmp_path):
    first = curve(sizes=2, seeds=1, steps=2)
    report = json.loads((tmp_path / "curve.json").read_text(encoding="utf8"))
    assert report == first.report
    assert [row["documents"] for row in report["points"]] == [6, 12]
    assert (report["steps"], report["test_documents"], report["trainings"]) == (2, 12, [2, 2])
    assert (report["verdict"], first.complete) == ("not enough data", True)
    assert [path.name for path in (tmp_path / "curve.json.curve").iterdir()] == ["points.json"]
    again = curve(sizes=2, seeds=1)
    assert again.report == first.report
    # Nothing fits into no time but what is there, and one training.
    more = curve(sizes=2, seeds=2, minutes=0)
    assert more.report["trainings"] == [3, 4]
    assert not more.complete
    assert "run again to go on" in more.notes[0]


def test_curve_begins_again_where_settings_changed(curve, tmp_path):
    kept = tmp_path / "curve.json.curve" / "points.json"
    kept.parent.mkdir()
    kept.write_text("{", encoding="utf8")
    assert "can't be read" in curve(sizes=2, seeds=1, steps=2, minutes=0).notes[0]
    (note, _) = curve(sizes=2, seeds=1, steps=3, minutes=0).notes
    assert "is of 2 steps, not 3" in note


def test_curve_refuses_too_little(curve):
    with pytest.raises(UserError, match=r"E764.*12 documents"):
        curve(sizes=5)
    with pytest.raises(UserError, match="E765"):
        curve(dev=None)


@pytest.mark.slow
def test_curve_refuses_minutes_in_which_nothing_is_learnt(curve):
    with pytest.raises(UserError, match=r"E766.*4 trainings.*0\.001 minutes"):
        curve(sizes=2, minutes=0.001)


@pytest.mark.slow
def test_curve_takes_as_many_steps_as_fit(curve):
    found = curve(sizes=3, seeds=2, minutes=1)
    assert 20 <= found.report["steps"] <= 300
    assert found.complete
    assert sum(point["seconds"] for point in found.report["points"]) < 60
    assert found.report["sizes"][-1]["f1"] > 0.5
