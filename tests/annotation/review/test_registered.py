import pytest

from spacy_ner_plus.annotation.review.registered import get_tool, tool_options, tool_points
from spacy_ner_plus.annotation.review.tool import ReviewProject
from spacy_ner_plus.errors import UserError


@pytest.mark.parametrize("name", list(tool_points()))
def test_registered_tools_are_what_the_protocol_says(name, tmp_path):
    tool = get_tool(name)
    assert tool.name == name
    assert tool_options(tool, {}) == tool.options()


def test_registered_file_tools_open_projects(tmp_path):
    tool = get_tool("doccano")
    with tool.open(str(tmp_path / "a.jsonl"), tool.options()) as project:
        assert isinstance(project, ReviewProject)


def test_registered_refuses_other_names_and_options():
    with pytest.raises(UserError, match=r"E740.*doccano"):
        get_tool("pencil")
    with pytest.raises(UserError, match=r"E746.*offsets"):
        tool_options(get_tool("doccano"), {"paper": "A4"})
