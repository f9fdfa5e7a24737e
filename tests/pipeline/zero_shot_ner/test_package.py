"""zero_shot_ner as a package: installed elsewhere, used without a network and without the model's folder."""

import os
import shutil
import subprocess
import sys

import pytest
import spacy

from tests.conftest import TEXTS
from tests.pipeline.structured_llm_ner.test_package import requirements, run

pytestmark = pytest.mark.slow


def test_zero_shot_package_is_installed_without_network_or_model(zero_shot_folders, tmp_path):
    pytest.importorskip("gliner")
    folder = shutil.copytree(zero_shot_folders["bi-deberta"], tmp_path / "model")
    nlp = spacy.blank("en")
    config = {"model": str(folder), "labels": ["person", "city"], "device": "cpu", "precision": "fp32"}
    nlp.add_pipe("zero_shot_ner", config=config)
    expected = [(ent.text, ent.label_) for ent in nlp(TEXTS[0]).ents]
    assert expected
    nlp.to_disk(tmp_path / "pipeline")
    shutil.rmtree(folder)
    packages, site = tmp_path / "packages", tmp_path / "site"
    packages.mkdir()
    run("spacy", "package", tmp_path / "pipeline", packages, "--name", "zero", "--build", "wheel", "--force")
    wheel = next(packages.rglob("*.whl"))
    assert requirements(wheel) == {"spacy-ner-plus[zero-shot]", "spacy"}
    run("pip", "install", "--no-deps", "--no-index", "--target", site, wheel)
    code = (
        "import socket, spacy\n"
        "socket.socket.connect = None\n"
        "nlp = spacy.load('en_zero')\n"
        f"print([(ent.text, ent.label_) for ent in nlp({TEXTS[0]!r}).ents])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(expected)
