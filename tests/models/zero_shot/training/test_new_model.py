import json
import shutil

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.zero_shot.training.new_model import new_gliner
from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel

pytest.importorskip("gliner")
pytest.importorskip("gliner2")


@pytest.fixture(scope="module")
def encoder(zero_shot_folders):
    from pathlib import Path

    return Path(zero_shot_folders["uni-bert"]).parent / "bert"


def test_new_model_is_saved_and_loaded_by_gliner_without_the_encoder(encoder, tmp_path):
    import gliner

    ZeroShotModel.of(new_gliner(str(encoder)), "new").save(tmp_path / "new")
    config = json.loads((tmp_path / "new" / "gliner_config.json").read_text())
    assert config["model_name"] == "bert"
    assert str(encoder) not in json.dumps(config)
    theirs = gliner.GLiNER.from_pretrained(str(tmp_path / "new"), local_files_only=True)
    assert theirs.inference(["Anna"], ["person"], threshold=0.0, multi_label=True)[0]


def test_new_model_runs_no_code_of_the_encoder(encoder, tmp_path):
    shutil.copytree(encoder, tmp_path / "code")
    config = json.loads((encoder / "config.json").read_text())
    code = {**config, "auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.Config"}}
    (tmp_path / "code" / "config.json").write_text(json.dumps(code))
    (tmp_path / "code" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UserError, match="E623"):
        new_gliner(str(tmp_path / "code"))
    assert not (tmp_path / "ran").exists()


def test_new_model_needs_an_encoder_with_safetensors(encoder, tmp_path):
    shutil.copytree(encoder, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(UserError, match=r"model\.safetensors"):
        new_gliner(str(tmp_path / "bare"))
    with pytest.raises(UserError, match="E621"):
        new_gliner(str(tmp_path / "nowhere" / "none"))
