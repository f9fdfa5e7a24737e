import json
import shutil
from pathlib import Path

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.embeddings.model_folder import ModelFolder
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
MEAN = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}


@pytest.fixture
def folder(encoder_folder, tmp_path) -> Path:
    """A model of sentence-transformers."""
    path = shutil.copytree(encoder_folder, tmp_path / "model")
    (path / "1_Pooling").mkdir()
    write(path, "1_Pooling/config.json", MEAN)
    write(path, "modules.json", MODULES)
    return path


def write(path: Path, name: str, value) -> None:
    (path / name).write_text(json.dumps(value))


def test_model_folder_is_run_by_our_layers_where_it_is_a_mean(folder, encoder_folder):
    assert ModelFolder.find(encoder_folder).by_own_layers
    assert ModelFolder.find(str(folder)).by_own_layers
    write(folder, "1_Pooling/config.json", {"embedding_dimension": 32, "pooling_mode": "mean"})
    assert ModelFolder.find(str(folder)).by_own_layers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}),
        ("1_Pooling/config.json", {**MEAN, "pooling_mode_max_tokens": True}),
        ("1_Pooling/config.json", {"pooling_mode": "cls"}),
        ("1_Pooling/config.json", {**MEAN, "include_prompt": False}),
        ("modules.json", [*MODULES[:2], {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]),
        ("modules.json", [{**MODULES[0], "path": "0_Transformer"}, *MODULES[1:]]),
        ("config_sentence_transformers.json", {"prompts": {"query": "query: "}}),
        ("sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": True}),
        ("config.json", {"model_type": "modernbert"}),
    ],
)
def test_model_folder_is_left_to_sentence_transformers_where_it_is_more(folder, name, value):
    write(folder, name, value)
    assert not ModelFolder.find(str(folder)).by_own_layers


def test_model_folder_has_a_hash_of_all_that_decides_its_vectors(folder, tmp_path):
    first = ModelFolder.find(str(folder)).hash
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    (moved / "README.md").write_text("About it")
    assert ModelFolder.find(str(moved)).hash == first
    write(moved, "sentence_bert_config.json", {"max_seq_length": 16})
    assert ModelFolder.find(str(moved)).hash != first


def test_model_folder_is_the_packaged_one_by_its_names():
    if encoder_path_v1() == "all-MiniLM-L6-v2":
        pytest.skip("the packaged encoder isn't installed")
    one, other = (
        ModelFolder.find(name) for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
    )
    assert one == other
    assert (one.name, one.limit, one.by_own_layers) == ("all-MiniLM-L6-v2", 256, True)


def test_model_folder_refuses_pickles_and_what_is_no_model(folder, tmp_path):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"E247.*is a pickle"):
        ModelFolder.find(str(folder))
    with pytest.raises(UserError, match=r"E247.*neither config\.json nor modules\.json"):
        ModelFolder.find(str(tmp_path))
    (folder / "modules.json").write_text("{")
    with pytest.raises(UserError, match=r"E247.*modules\.json can't be read"):
        ModelFolder.find(str(folder))
