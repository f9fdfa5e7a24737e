import os
import subprocess

import pytest

from spacy_ner_plus.annotation.review.label_studio.label_studio import LabelStudio
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.install import install


@pytest.mark.slow
def test_install_makes_an_environment_of_its_own(tmp_path, monkeypatch):
    """With a package of no size, since the real one is a gigabyte."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "setup.py").write_text(
        "from setuptools import setup; setup(name='pencil', py_modules=['pencil'])"
    )
    (package / "pencil.py").write_text("SHARP = True")
    monkeypatch.setattr(LabelStudio, "requirements", (str(package),))
    lines = install("label-studio", tmp_path / "env")
    assert "LABEL_STUDIO_API_KEY" in lines[-1]
    code = "import pencil, importlib.util; assert importlib.util.find_spec('spacy') is None"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([tmp_path / "env" / "bin" / "python", "-c", code], check=True, env=environment)
    with pytest.raises(UserError, match="E535"):
        install("label-studio", tmp_path / "env")


@pytest.mark.slow
def test_install_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(LabelStudio, "requirements", (str(tmp_path / "nothing"),))
    with pytest.raises(UserError, match="E534"):
        install("label-studio", tmp_path / "env")
    assert not (tmp_path / "env").exists()


def test_install_of_a_tool_of_files_is_nothing(tmp_path):
    assert "nothing to install" in install("prodigy", tmp_path / "env")[0]
    assert not (tmp_path / "env").exists()
