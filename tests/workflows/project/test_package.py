import shutil
import subprocess
import sys
import zipfile

import pytest
from spacy.tokens import DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.evaluate import evaluate
from spacy_ner_plus.workflows.project.package import package
from spacy_ner_plus.workflows.training.origin import hash_path
from tests.conftest import make_docs


def test_package_needs_a_pipeline(tmp_path):
    with pytest.raises(UserError, match="E501"):
        package(tmp_path, tmp_path / "wheels")
    assert not (tmp_path / "wheels").exists()


@pytest.mark.slow
def test_package_builds_both_wheels_with_a_card_of_the_package(nlp, trained_folder, tmp_path):
    DocBin(docs=make_docs(nlp.vocab)).to_disk(tmp_path / "corpus.spacy")
    evaluate(trained_folder, tmp_path / "corpus.spacy", tmp_path / "metrics.json", resamples=0)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "en_mine_corpus-0.9.0-py3-none-any.whl").write_bytes(b"older")
    (wheels / "en_mine-1.0.0-py3-none-any.whl").write_bytes(b"another")
    before = hash_path(trained_folder)
    built = package(
        trained_folder, wheels, name="mine_corpus", version="1.2.3", metrics=tmp_path / "metrics.json"
    )
    assert hash_path(trained_folder) == before
    assert [path.name.split("-")[0] for path in built] == ["spacy_ner_plus", "en_mine_corpus"]
    assert {path.name for path in wheels.iterdir()} == {
        *(path.name for path in built), "en_mine-1.0.0-py3-none-any.whl",
    }  # fmt: skip
    with zipfile.ZipFile(built[1]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("README.md"))
        card = wheel.read(name).decode()
        metadata = wheel.read("en_mine_corpus-1.2.3.dist-info/METADATA").decode()
    for text in (card, metadata):
        assert "# en\\_mine\\_corpus" in text
        assert "| **Version** | 1.2.3 |" in text
        assert 'spacy.load("en_mine_corpus")' in text


@pytest.mark.slow
def test_own_wheel_of_an_installed_package_is_the_wheel_it_came_from(tmp_path):
    from spacy_ner_plus.workflows.project.own_wheel import build_own_wheel

    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    first = build_own_wheel(tmp_path / "first")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path / "site")]
    subprocess.run([*pip, str(first)], check=True, capture_output=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from pathlib import Path\n"
        "from spacy_ner_plus.workflows.project.own_wheel import build_own_wheel\n"
        f"print(build_own_wheel(Path({str(tmp_path / 'second')!r})))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path, env={})
    (second,) = (tmp_path / "second").iterdir()
    assert second.name == first.name
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        assert {name: one.read(name) for name in one.namelist() if not name.endswith("RECORD")} == {
            name: other.read(name) for name in other.namelist() if not name.endswith("RECORD")
        }
    # pip takes it, and checks its record.
    shutil.rmtree(tmp_path / "site")
    subprocess.run([*pip, str(second)], check=True, capture_output=True)
