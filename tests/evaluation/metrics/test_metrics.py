import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.metrics.metrics import Metrics
from tests.evaluation.metrics.test_file import metrics


def test_metrics_are_a_mapping_of_what_their_file_holds(tmp_path):
    found = Metrics(metrics())
    found.write(tmp_path / "m.json")
    read = Metrics.from_file(tmp_path / "m.json")
    assert read == found == metrics()
    assert read.to_dict() == dict(read)
    assert read["schemes"]["strict"]["f1"] == metrics()["schemes"]["strict"]["f1"]


def test_metrics_know_where_their_predictions_were_kept(tmp_path):
    found = Metrics(metrics())
    assert found.predictions_path is None
    found.write(tmp_path / "m.json")
    assert found.predictions_path == tmp_path / "m-predictions.spacy"
    assert Metrics(metrics({"predictions": "absent"}), tmp_path / "m.json").predictions_path is None


def test_metrics_are_refused_where_the_file_is_damaged(tmp_path):
    (tmp_path / "m.json").write_text("{}")
    with pytest.raises(UserError, match="E308"):
        Metrics.from_file(tmp_path / "m.json")


def test_metrics_show_their_scores_and_become_a_frame():
    found = Metrics(metrics())
    assert repr(found) == "Metrics(precision=0.5000, recall=0.5000, f1=0.5000)"
    assert set(found.to_frame().section) >= {"scheme", "label"}
