import pytest
from spacy.tokens import DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.project.check_package import check_package
from tests.conftest import make_docs


@pytest.fixture
def corpus(nlp, tmp_path):
    DocBin(docs=make_docs(nlp.vocab)).to_disk(tmp_path / "corpus.spacy")
    return tmp_path / "corpus.spacy"


def package(pipeline, folder, requirements=()):
    """Build a wheel as `spacy package` does."""
    import json
    import subprocess
    import sys

    meta = json.loads((pipeline / "meta.json").read_text())
    meta["requirements"] = list(requirements)
    (pipeline / "meta.json").write_text(json.dumps(meta))
    folder.mkdir()
    command = [sys.executable, "-m", "spacy", "package", str(pipeline), str(folder)]
    subprocess.run(
        [*command, "--name", "tiny", "--build", "wheel"], check=True, capture_output=True, text=True
    )
    return next(folder.rglob("*.whl"))


def test_check_package_needs_a_wheel(corpus, trained_folder, tmp_path):
    with pytest.raises(UserError, match=r"E101.*no\.whl"):
        check_package(tmp_path / "no.whl", [corpus], trained_folder)


def test_check_package_needs_enough_entities(corpus, trained_folder, tmp_path):
    (tmp_path / "some.whl").write_bytes(b"")
    with pytest.raises(UserError, match=r"E530.*13.*100"):
        check_package(tmp_path / "some.whl", [corpus], trained_folder)


@pytest.mark.slow
def test_check_package_finds_the_same_entities_elsewhere(corpus, trained_folder, tmp_path):
    import shutil

    from tests.conftest import ROOT

    pipeline = tmp_path / "pipeline"
    shutil.copytree(trained_folder, pipeline)
    wheel = package(pipeline, tmp_path / "packages")
    constraints = ROOT / "constraints.txt"
    assert check_package(wheel, [corpus], pipeline, constraints=constraints, minimum=5) == 13


@pytest.mark.slow
def test_check_package_notices_another_pipeline(corpus, trained_folder, tmp_path, encoder_folder):
    import shutil

    from tests.conftest import ROOT, make_pipeline

    pipeline = tmp_path / "pipeline"
    shutil.copytree(trained_folder, pipeline)
    untrained = make_pipeline(encoder_folder)
    untrained.to_disk(tmp_path / "other")
    wheel = package(tmp_path / "other", tmp_path / "packages")
    with pytest.raises(UserError, match="E532"):
        check_package(wheel, [corpus], pipeline, constraints=ROOT / "constraints.txt", minimum=5)
