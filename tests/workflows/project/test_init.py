import pytest
import srsly

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.project.init import init
from spacy_ner_plus.workflows.training.origin import hash_path
from tests.conftest import ROOT


@pytest.mark.parametrize("exists", [True, False])
def test_init_makes_a_project(tmp_path, exists):
    folder = tmp_path / "new"
    if exists:
        folder.mkdir()
    assert init(folder) == folder
    assert {path.name for path in folder.iterdir()} == {
        "project.yml", "configs", "assets", "README.md", ".gitignore",
    }  # fmt: skip
    for part in ("project.yml", "configs", "assets/synthetic", "assets/corpora.yml"):
        assert hash_path(folder / part) == hash_path(ROOT / part)


def test_init_makes_one_in_the_folder_it_is_called_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    init(".")
    assert (tmp_path / "project.yml").is_file()


def test_init_refuses_a_folder_with_something_in_it(tmp_path):
    (tmp_path / "project.yml").write_text("mine")
    with pytest.raises(UserError, match="E563"):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["project.yml"]
    with pytest.raises(UserError, match="E563"):
        init(tmp_path / "project.yml")


def test_init_names_what_project_yml_has(tmp_path):
    readme = (init(tmp_path / "new") / "README.md").read_text()
    project = srsly.read_yaml(ROOT / "project.yml")
    for words in (line.split() for line in readme.splitlines() if "project run" in line):
        name = words[words.index("run") + 1].strip("`")
        assert name in {*project["workflows"], *(command["name"] for command in project["commands"])}
    for word in readme.replace("`", " ").split():
        if word.startswith("--vars."):
            assert word.removeprefix("--vars.").rstrip(",:") in project["vars"]
