"""Where a model can't be had: one message, soon."""

import json
import shutil
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.zero_shot.checkpoint import plain_name, read_checkpoint
from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel
from tests.servers.hub_server import silent_hub

pytest.importorskip("gliner")
pytest.importorskip("gliner2")


@pytest.fixture(params=["uni-bert", "gliner2"])
def folder(request, zero_shot_folders, tmp_path) -> Path:
    return Path(shutil.copytree(zero_shot_folders[request.param], tmp_path / "model"))


def message(name) -> str:
    with pytest.raises(UserError) as raised:
        ZeroShotModel(str(name), "cpu").model  # noqa: B018 - loads
    assert str(raised.value).count("\n") == 0
    return str(raised.value)


def test_checkpoint_cut_off_weights_are_told(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert "which may be cut off" in message(folder)


def test_checkpoint_missing_weights_are_told(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    lost = next(key for key in weights if "span_rep" in key)
    save_file({k: v for k, v in weights.items() if k != lost}, folder / "model.safetensors")
    assert lost in message(folder)


def test_checkpoint_pickled_weights_are_refused_with_the_line_that_converts_them(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    said = message(folder)
    assert "E622" in said
    assert f"`spacy-ner-plus import-gliner {folder} DIR`" in said


def test_checkpoint_a_folder_or_file_that_is_no_model_is_told(tmp_path):
    assert "gliner_config.json" in message(tmp_path)
    (tmp_path / "file").write_text("")
    assert "it is a file" in message(tmp_path / "file")
    assert "there is no such folder" in message(tmp_path / "no" / "such" / "folder")


def test_checkpoint_broken_configurations_are_told(folder):
    for file in ("gliner_config.json", "encoder_config/config.json"):
        if (folder / file).exists():
            (folder / file).write_text("{")
            assert Path(file).name in message(folder)


def test_checkpoint_unknown_encoders_are_told(folder):
    for file in ("gliner_config.json", "encoder_config/config.json"):
        if (folder / file).exists():
            config = json.loads((folder / file).read_text())
            config.get("encoder_config", config)["model_type"] = "no-such-encoder"
            (folder / file).write_text(json.dumps(config))
            assert "E621" in message(folder)


def test_checkpoint_a_hub_without_an_answer_is_told_within_seconds(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "1")
    with silent_hub() as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        began = time.monotonic()
        said = message("owner/no-such-gliner")
        assert time.monotonic() - began < 5
    assert "isn't in the hub's cache" in said


def test_checkpoint_splitters_that_unpickle_a_model_are_refused(zero_shot_folders, tmp_path):
    folder = Path(shutil.copytree(zero_shot_folders["uni-bert"], tmp_path / "model"))
    config = json.loads((folder / "gliner_config.json").read_text())
    (folder / "gliner_config.json").write_text(json.dumps({**config, "words_splitter_type": "hanlp"}))
    assert "unpickles" in message(folder)


@pytest.mark.parametrize("kind", ["uni-bert", "bi-deberta", "gliner2"])
def test_checkpoint_of_a_named_encoder_is_whole(kind, zero_shot_folders, tmp_path):
    """Models of earlier versions of gliner name their encoders, and have no tokenizer of labels."""
    folder = Path(shutil.copytree(zero_shot_folders[kind], tmp_path / "model"))
    expected = read_checkpoint(str(folder))
    if kind != "gliner2":
        config = json.loads((folder / "gliner_config.json").read_text())
        encoders = {"model_name": "encoder_config", "labels_encoder": "labels_encoder_config"}
        for name, encoder in encoders.items():
            if config.get(name):
                config[encoder] = None
        (folder / "gliner_config.json").write_text(json.dumps(config))
        shutil.rmtree(folder / "labels_tokenizer", ignore_errors=True)
    found = read_checkpoint(str(folder))
    assert found.files.keys() == expected.files.keys()
    ZeroShotModel.of(found, str(folder))


@pytest.mark.parametrize("kind", ["uni-bert", "uni-deberta", "bi-deberta", "gliner2", "gliner2-boundary"])
def test_checkpoint_files_name_no_path(kind, zero_shot_folders, tmp_path):
    model = ZeroShotModel(zero_shot_folders[kind], "cpu")
    model.save(tmp_path / "saved")
    texts = [path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()]
    parent = str(Path(zero_shot_folders[kind]).parent).encode()
    assert texts
    assert not any(parent in text or b"/tmp/" in text for text in texts)


def test_checkpoint_plain_names():
    assert plain_name("microsoft/deberta-v3-small") == "microsoft/deberta-v3-small"
    assert plain_name("/home/me/encoder/") == "encoder"
    assert plain_name("C:\\models\\encoder") == "encoder"
    assert plain_name("../encoder") == "encoder"
    assert plain_name(None) == "encoder"
