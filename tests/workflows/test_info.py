import json

import pytest
import spacy

from spacy_ner_plus import UserError, info
from spacy_ner_plus.models.runtime import measurement
from tests.conftest import make_pipeline


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch, tmp_path):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(measurement, "_known", {})


def test_info_measures_a_pipeline_and_keeps_what_it_found(encoder_folder, tmp_path):
    nlp = make_pipeline(encoder_folder, precision="auto")
    found = info(nlp)
    [network] = found.networks
    assert network.chosen.keys() == {"prediction", "training"}
    assert {speed.task for speed in network.speeds} == {"prediction", "training"}
    chosen = {speed.task: speed.name for speed in network.speeds if speed.chosen}
    assert chosen == network.chosen
    assert found.cache == tmp_path / "cache" / "measurements.json"
    assert json.loads(json.dumps(found.to_dict()))["threads"] == found.threads >= 1


def test_info_tells_what_was_measured_and_what_is_named(encoder_folder):
    [network] = info(make_pipeline(encoder_folder, precision="fp32")).networks
    assert network.chosen == {"prediction": "fp32", "training": "fp32"}
    assert "fp32" in {speed.name for speed in network.speeds if speed.task == "prediction"}


def test_info_remembers_and_measures_anew(encoder_folder, monkeypatch):
    nlp, calls = make_pipeline(encoder_folder, precision="auto"), []
    timed = measurement.time_variants
    monkeypatch.setattr(measurement, "time_variants", lambda *a: calls.append(a) or timed(*a))
    # As on a quiet machine: on a busy one, `info` measures again.
    monkeypatch.setattr(measurement, "times_preempted", lambda: 0)
    info(nlp)
    before = len(calls)
    info(nlp)
    assert len(calls) == before > 0
    info(nlp, anew=True)
    assert len(calls) > before


def test_info_needs_a_network_of_ours():
    with pytest.raises(UserError, match=r"E565.*pipeline"):
        info(spacy.blank("en"))
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner")
    with pytest.raises(UserError, match="E565"):
        info(nlp)


def test_info_without_a_pipeline_is_of_the_packaged_encoder_where_it_is(monkeypatch):
    monkeypatch.setattr("spacy_ner_plus.models.encoders.packaged.is_installed", lambda: False)
    found = info()
    assert found.networks == []
    assert found.cpu.name
