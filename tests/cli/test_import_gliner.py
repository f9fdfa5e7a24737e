import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app

pytest.importorskip("gliner")


def test_import_gliner_says_where_it_saved_the_model_or_why_not(zero_shot_folders, tmp_path):
    folder = tmp_path / "out"
    done = CliRunner().invoke(app, ["import-gliner", zero_shot_folders["uni-bert"], str(folder)])
    assert done.exit_code == 0, done.output
    assert f"model = '{folder}'" in done.stdout.replace("\n", "")
    assert (folder / "model.safetensors").exists()
    done = CliRunner().invoke(app, ["import-gliner", str(tmp_path / "nowhere"), str(tmp_path / "other")])
    assert done.exit_code == 1
    assert "E621" in done.output
    assert not (tmp_path / "other").exists()
