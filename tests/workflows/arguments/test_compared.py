import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.arguments.compared import parse_compared


def test_compared_calls_sources_by_as_much_of_their_path_as_is_needed(tmp_path):
    found = parse_compared(["a/model-best", "b/model-best", "m.json", "x=c/model-best,d/model-best"])
    assert [source.name for source in found] == ["a/model-best", "b/model-best", "m", "x"]
    assert found[3].sources == ["c/model-best", "d/model-best"]
    assert [source.name for source in parse_compared(["a.json", "b.json"])] == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["a.json"], "E311.*'a'"),
        (["x=a.json", "x=b.json"], "E317.*'x'"),
        (["a.json", "a.json"], r"E317.*'a'"),
        (["x=", "b.json"], "E318.*'x='"),
        (["=a.json", "b.json"], "E318"),
        ([["a.json", "b.json"]], r"E942.*list.*\*several"),
        (["a.json", None], "E942.*NoneType"),
    ],
)
def test_compared_refuses_sources_that_can_not_be_told_apart(given, code):
    with pytest.raises(UserError, match=code):
        parse_compared(given)


def test_compared_calls_the_folder_it_stands_in_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "good").mkdir()
    monkeypatch.chdir(tmp_path / "good")
    assert [source.name for source in parse_compared([".", "../poor"])] == ["good", "poor"]


def test_compared_keeps_metrics_within_the_folder_whatever_the_name(tmp_path):
    sources = parse_compared(["../zz=a", "..=b", "x/y z=c,d"])
    files = [source.metrics_file(0, tmp_path) for source in sources]
    assert [file.name for file in files] == ["zz.json", "pipeline.json", "x-y z-1.json"]
    assert {file.parent for file in files} == {tmp_path}
