import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.files import write_whole, written_together, written_whole


def test_files_take_their_name_when_whole(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_files_stay_as_they_were_where_writing_fails(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_whole(path) as beside:  # noqa: PT012
        beside.write_text("half")
        raise RuntimeError("broken off")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_files_of_a_folder_go_together(tmp_path):
    with written_whole(tmp_path / "folder") as beside:
        beside.mkdir()
        (beside / "a").write_text("a")
        assert not (tmp_path / "folder").exists()
    assert (tmp_path / "folder" / "a").read_text() == "a"


def test_files_below_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"E303.*file"):
        write_whole(tmp_path / "file" / "below", b"")


def test_files_are_written_together_or_none_is(tmp_path):
    paths = [tmp_path / "a.txt", tmp_path / "shards"]
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "old").write_text("old")
    with pytest.raises(RuntimeError), written_together(paths, over_folders=True) as besides:  # noqa: PT012
        besides[0].write_text("new")
        raise RuntimeError("broken off")
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]
    with written_together(paths, over_folders=True) as (text, shards):
        text.write_text("new")
        shards.mkdir()
    assert paths[0].read_text() == "new"
    assert list(paths[1].iterdir()) == []


def test_files_put_nothing_over_a_folder_unless_told(tmp_path):
    (tmp_path / "taken" / "deep").mkdir(parents=True)
    with pytest.raises(UserError, match=r"E303.*taken"):
        write_whole(tmp_path / "taken", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
