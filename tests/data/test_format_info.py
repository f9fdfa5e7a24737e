import sys

import pytest

from spacy_ner_plus import convert, formats
from spacy_ner_plus.data.format_info import format_info
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.format_names import format_names
from tests.formats_package import looked_for_anew, write_package


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Formats of another package that can't be used, each for a reason of its own."""
    folder = tmp_path / "site"
    folder.mkdir()
    source = "class Half:\n    name = 'half'\n\n\nHALF = Half()\n"
    points = {
        "half": "others_format:HALF",
        "gone": "others_format:GONE",
        "nowhere": "no_such_module:FORMAT",
    }
    write_package(folder, points, source)
    monkeypatch.syspath_prepend(folder)
    with looked_for_anew():
        yield points
    sys.modules.pop("others_format", None)


def test_format_info_lists_what_is_installed():
    found = formats()
    assert list(found) == format_names()
    assert found["conll"].writes
    assert found["conll"].about
    assert "nested spans" in found["conll"].loses
    assert "sentences" in found["conll"].keeps
    assert found["spacy"].loses == ()
    assert [option.name for option in found["jsonl"].options] == ["align", "offsets"]
    assert found["jsonl"].options[0].default == "split"


def test_format_info_refuses_an_unknown_name():
    with pytest.raises(UserError, match="E113"):
        format_info("nothing")


def test_format_info_tells_what_is_broken_and_lists_the_rest(broken):
    found = formats()
    assert {name for name, info in found.items() if info.problem} == set(broken)
    assert "it has no about, endings" in found["half"].problem
    assert "others_format:GONE" in found["gone"].problem
    assert "no_such_module" in found["nowhere"].problem
    assert found["conll"].about


def test_format_info_of_formats_that_are_broken_keep_no_file_from_being_read(broken, tmp_path):
    (tmp_path / "a.conll").write_text("Ann B-PER\nleft O\n")
    conversion = convert(tmp_path / "a.conll")
    assert [ent.text for doc in conversion.docs for ent in doc.ents] == ["Ann"]
    assert sum("E172" in note for note in conversion.notes) == len(broken)
    with pytest.raises(UserError, match=r"E172.*'gone'"):
        convert(tmp_path / "a.conll", format="gone")
    # These look at all formats.
    with pytest.raises(UserError, match="E175"):
        convert(tmp_path / "a.conll", options={"no_such_option": 1})
    with pytest.raises(UserError, match="E177"):
        convert(tmp_path / "a.conll", tmp_path / "a.out", target_format="hub")
