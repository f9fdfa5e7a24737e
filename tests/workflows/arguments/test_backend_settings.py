import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.arguments.backend_settings import read_settings


def test_backend_settings_of_the_line_go_before_those_of_the_file(tmp_path):
    path = tmp_path / "settings.yml"
    path.write_text("lower: 0.5\nmodel:\n  name: m\n  budget: {usd: 1}\n", "utf-8")
    found = read_settings(path, ["model.name=n", "model.budget.usd=2", 'labels=["PER"]'])
    assert found == {"lower": 0.5, "model": {"name": "n", "budget": {"usd": 2}}, "labels": ["PER"]}
    assert read_settings(None) == {}
    for name in ("windows.json", "windows.yaml"):
        (tmp_path / name).write_bytes(b'\xef\xbb\xbf{\r\n"labels": ["PER"]\r\n}')
        assert read_settings(tmp_path / name) == {"labels": ["PER"]}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.yaml", "a: [", "a.yaml"),
        ("a.yaml", "- a", "no mapping"),
        ("a.yaml", "", "no mapping"),
        ("a.json", "{", "a.json"),
        ("a.json", '{"model": {"name": "m", "name": "n"}}', "E738.*'name' twice"),
        ("a.yaml", b"\xff\xfe\xff", "a.yaml"),
    ],
)
def test_backend_settings_that_cannot_be_read_are_one_message(name, text, reason, tmp_path):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=reason):
        read_settings(tmp_path / name)
