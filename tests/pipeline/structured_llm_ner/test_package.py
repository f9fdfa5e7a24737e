"""structured_llm_ner as a package: assembled, packaged, installed elsewhere, used."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import spacy
from packaging.requirements import Requirement

from tests.conftest import ROOT
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label

pytestmark = pytest.mark.slow


def run(*arguments, **environment) -> str:
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def requirements(wheel: Path) -> set[str]:
    """RETURNS (set[str]): What a wheel requires, without versions."""
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("METADATA"))
        lines = archive.read(name).decode("utf8").splitlines()
    texts = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    assert len(texts) == len({Requirement(text).name for text in texts})
    return {re.match(r"[\w.-]+(\[[\w,-]+\])?", text)[0] for text in texts}


def own_sources(folder: Path) -> Path:
    """RETURNS (Path): A copy of what our wheel is built of, so that nothing is left behind in the clone."""
    copy = folder / "source"
    copy.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(
        ROOT / "spacy_ner_plus", copy / "spacy_ner_plus", ignore=shutil.ignore_patterns("__pycache__")
    )
    return copy


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(dict.fromkeys(("PER", "ORG", "LOC", "MISC"), "names")), encoding="utf8")
    return path


def test_llm_package_is_installed_without_network_key_or_files(labels, tmp_path):
    config = ROOT / "configs" / "structured_llm_ner.cfg"
    assembled, packages, site = tmp_path / "assembled", tmp_path / "packages", tmp_path / "site"
    packages.mkdir()
    with FaultServer() as server:
        options = ("--vars.llm_url", server.url, "--vars.llm_model", "m", "--vars.labels", labels)
        run("spacy", "assemble", config, assembled, *options)
        labels.unlink()
        run("spacy", "package", assembled, packages, "--name", "llm", "--build", "wheel", "--force")
        wheel = next(packages.rglob("*.whl"))
        assert requirements(wheel) == {"spacy-ner-plus[llm]", "spacy"}
        # One line, where pip finds both wheels and what they require is here: the extra is one that ours has.
        run(
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            packages,
            own_sources(tmp_path),
        )
        run("pip", "install", "--dry-run", "--no-index", "--find-links", packages, wheel)
        run("pip", "install", "--no-deps", "--no-index", "--target", site, wheel)
        assert not server.requests
        code = (
            "import spacy\n"
            "nlp = spacy.load('en_llm')\n"
            "print(sorted((ent.text, ent.label_) for ent in nlp('Anna met Robert.').ents))"
        )
        command = [sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONPATH": str(site)}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, check=True, cwd=tmp_path
        )
    expected = sorted(
        (name, label) for label, names in names_by_label("Anna met Robert.").items() for name in names
    )
    assert done.stdout.strip() == str(expected)


def test_llm_package_of_a_local_model_brings_its_weights(tiny_gguf, tmp_path):
    saved, packages, site, gguf = (tmp_path / name for name in ("saved", "packages", "site", "tiny.gguf"))
    packages.mkdir()
    shutil.copy(tiny_gguf, gguf)
    nlp = spacy.blank("en")
    model = {"local": str(gguf), "threads": 1, "max_tokens": 60}
    nlp.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": model})
    expected = [ent.text for ent in nlp("Anna met Peter.").ents]
    nlp.to_disk(saved)
    gguf.unlink()
    run("spacy", "package", saved, packages, "--name", "llm", "--build", "wheel", "--force")
    wheel = next(packages.rglob("*.whl"))
    assert requirements(wheel) == {"spacy-ner-plus[llm,local-llm]", "spacy"}
    run("pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    shutil.rmtree(packages)
    shutil.rmtree(saved)
    code = "import spacy; print([ent.text for ent in spacy.load('en_llm')('Anna met Peter.').ents])"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
        "SPACY_NER_PLUS_CACHE": str(tmp_path),
    }
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, cwd=tmp_path)
    assert done.stdout.strip() == str(expected)
