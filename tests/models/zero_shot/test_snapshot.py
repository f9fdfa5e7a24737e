"""Code that comes with a model is never run, and weights that are pickled never read."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.zero_shot.pickled import read_to_convert
from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel
from tests.servers.hub_server import no_hub

gliner = pytest.importorskip("gliner")
gliner2 = pytest.importorskip("gliner2")
AUTO_MAP = {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.EvilModel"}
TOKENIZER_MAP = {"AutoTokenizer": ["evil.EvilTokenizer", "evil.EvilTokenizer"]}
CODE = """
import pathlib
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
pathlib.Path({path!r}).write_text("it ran")
class EvilConfig(BertConfig): pass
class EvilModel(BertModel): config_class = EvilConfig
class EvilTokenizer(PreTrainedTokenizerFast): pass
"""


@pytest.fixture
def written(tmp_path) -> Path:
    """What the code writes when it runs."""
    return tmp_path / "written"


@pytest.fixture(autouse=True)
def modules(tmp_path, monkeypatch):
    # Where transformers puts code of models, and finds it again.
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def change(folder: Path, file: str, **values) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def with_code(source: str, target: Path, written: Path) -> Path:
    shutil.copytree(source, target)
    for folder in (target, target / "encoder_config"):
        if folder.is_dir():
            (folder / "evil.py").write_text(CODE.format(path=str(written)))
    return target


def in_cache(folder: Path, tmp_path: Path, name: str) -> str:
    """Put a model where the hub's cache has it."""
    cached = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40)
    shutil.copytree(folder, cached / "snapshots" / ("0" * 40))
    return name


def gliner_encoder(folder: Path, encoder: Path) -> None:
    config = json.loads((folder / "gliner_config.json").read_text())
    change(folder, "gliner_config.json", encoder_config={**config["encoder_config"], "auto_map": AUTO_MAP})


def gliner_named_encoder(folder: Path, encoder: Path) -> None:
    """As models before 0.2.20 have it: the encoder is only named."""
    change(folder, "gliner_config.json", encoder_config=None, model_name=str(encoder))
    change(encoder, "config.json", auto_map=AUTO_MAP)


def tokenizer(folder: Path, encoder: Path) -> None:
    change(folder, "tokenizer_config.json", auto_map=TOKENIZER_MAP)


def labels_encoder(folder: Path, encoder: Path) -> None:
    config = json.loads((folder / "gliner_config.json").read_text())
    labels = {**config["labels_encoder_config"], "auto_map": AUTO_MAP}
    change(folder, "gliner_config.json", labels_encoder_config=labels)


def gliner2_encoder(folder: Path, encoder: Path) -> None:
    change(folder, "encoder_config/config.json", auto_map=AUTO_MAP)


def gliner2_config(folder: Path, encoder: Path) -> None:
    change(folder, "config.json", auto_map=AUTO_MAP)


@pytest.mark.parametrize("cached", [False, True], ids=["folder", "cache"])
@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("uni-bert", gliner_encoder),
        ("uni-bert", gliner_named_encoder),
        ("uni-bert", tokenizer),
        ("bi-deberta", labels_encoder),
        ("gliner2", gliner2_encoder),
        ("gliner2", gliner2_config),
        ("gliner2", tokenizer),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_snapshot_code_of_a_model_is_never_run(kind, spoil, cached, zero_shot_folders, tmp_path, written):
    folder = with_code(zero_shot_folders[kind], tmp_path / "model", written)
    encoder = with_code(
        str(Path(zero_shot_folders["uni-bert"]).parent / "bert"), tmp_path / "encoder", written
    )
    spoil(folder, encoder)
    name = in_cache(folder, tmp_path, "owner/model") if cached else str(folder)
    with no_hub() as address, pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", address)
        for load in (lambda: ZeroShotModel(name, "cpu").model, lambda: read_to_convert(name)):
            with pytest.raises(UserError, match=r"E623.*auto_map"):
                load()
    assert not written.exists()


def test_snapshot_code_is_live_where_it_isnt_refused(zero_shot_folders, tmp_path, written):
    """The bait of the test above: gliner itself runs it."""
    folder = with_code(zero_shot_folders["uni-bert"], tmp_path / "model", written)
    encoder = with_code(
        str(Path(zero_shot_folders["uni-bert"]).parent / "bert"), tmp_path / "encoder", written
    )
    gliner_encoder(folder, encoder)
    config = json.loads((folder / "gliner_config.json").read_text())["encoder_config"]
    config["_name_or_path"] = str(folder)
    change(folder, "gliner_config.json", encoder_config={**config, "name_or_path": str(folder)})
    gliner.GLiNER.from_pretrained(str(folder), local_files_only=True)
    assert written.exists()


def test_snapshot_saved_pipelines_are_refused_as_well(zero_shot_folders, tmp_path, written):
    folder = tmp_path / "saved"
    ZeroShotModel(zero_shot_folders["gliner2"], "cpu").save(folder)
    change(folder, "encoder_config/config.json", auto_map=AUTO_MAP)
    with pytest.raises(UserError, match="E623"):
        ZeroShotModel("", "cpu").load(folder)
    assert not written.exists()
