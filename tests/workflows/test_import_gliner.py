import pickle
import shutil
from pathlib import Path

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.zero_shot.prompts import Prompt
from spacy_ner_plus.models.zero_shot.reading import Layout, Question
from spacy_ner_plus.models.zero_shot.windows import Windowing
from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel
from spacy_ner_plus.workflows.import_gliner import import_gliner
from tests.conftest import TEXTS

gliner = pytest.importorskip("gliner")
pytest.importorskip("gliner2")
QUESTIONS = [Question(text, (Prompt("person"), Prompt("city")), (-1.0, -1.0)) for text in TEXTS]
LAYOUT = Layout(Windowing(24, 8), 512)


def pickled(source: str, target: Path) -> Path:
    """A model as it was published years ago."""
    import torch
    from safetensors.torch import load_file

    shutil.copytree(source, target)
    torch.save(load_file(target / "model.safetensors"), target / "pytorch_model.bin")
    (target / "model.safetensors").unlink()
    return target


@pytest.mark.parametrize("kind", ["uni-bert", "bi-deberta", "gliner2"])
def test_import_gliner_converts_pickled_weights(kind, zero_shot_folders, tmp_path):
    source = pickled(zero_shot_folders[kind], tmp_path / "published")
    import_gliner(source, tmp_path / "converted")
    shutil.rmtree(source)
    found = ZeroShotModel(str(tmp_path / "converted"), "cpu").read(QUESTIONS, LAYOUT)
    assert any(found)
    assert found == ZeroShotModel(zero_shot_folders[kind], "cpu").read(QUESTIONS, LAYOUT)


def test_import_gliner_writes_what_gliner_loads(zero_shot_folders, tmp_path):
    import_gliner(zero_shot_folders["bi-deberta"], tmp_path / "converted")
    ours, theirs = (
        gliner.GLiNER.from_pretrained(str(folder), local_files_only=True).inference(TEXTS, ["person"])
        for folder in (tmp_path / "converted", zero_shot_folders["bi-deberta"])
    )
    assert ours == theirs


class Spy:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "it ran")


def test_import_gliner_runs_nothing_that_is_pickled(zero_shot_folders, tmp_path):
    import torch

    source = pickled(zero_shot_folders["uni-bert"], tmp_path / "published")
    written = tmp_path / "written"
    for save in (torch.save, lambda data, path: path.write_bytes(pickle.dumps(data))):
        save({"weight": torch.zeros(2), "spy": Spy(written)}, source / "pytorch_model.bin")
        with pytest.raises(UserError, match="E633"):
            import_gliner(source, tmp_path / "converted")
    assert not written.exists()
    assert not (tmp_path / "converted").exists()


def test_import_gliner_overwrites_nothing_and_says_what_is_missing(zero_shot_folders, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match="E535"):
        import_gliner(zero_shot_folders["uni-bert"], tmp_path / "there")
    source = pickled(zero_shot_folders["uni-bert"], tmp_path / "published")
    (source / "pytorch_model.bin").write_bytes((source / "pytorch_model.bin").read_bytes()[:1000])
    with pytest.raises(UserError, match="E633"):
        import_gliner(source, tmp_path / "converted")
    (source / "pytorch_model.bin").unlink()
    with pytest.raises(UserError, match="neither"):
        import_gliner(source, tmp_path / "converted")
    assert not (tmp_path / "converted").exists()
