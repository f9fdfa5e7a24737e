import errno
import os
from pathlib import Path
from threading import Thread

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.files import write_whole, written_together, written_whole
from tests.disk import at_most


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


def test_files_are_none_of_them_written_where_the_last_one_is_a_folder(tmp_path):
    (tmp_path / "b.txt").mkdir()
    with (  # noqa: PT012
        pytest.raises(UserError, match=r"E303.*b\.txt.*it is a folder"),
        written_together([tmp_path / "a.txt", tmp_path / "b.txt"]) as besides,
    ):
        for beside in besides:
            beside.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_files_put_nothing_over_a_folder_unless_told(tmp_path):
    (tmp_path / "taken" / "deep").mkdir(parents=True)
    with pytest.raises(UserError, match=r"E303.*taken"):
        write_whole(tmp_path / "taken", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_files_that_find_no_room_are_one_message_and_leave_nothing(tmp_path):
    with at_most(1000), pytest.raises(UserError, match=r"E303.*file\.txt.*larger than.*Make room") as caught:
        write_whole(tmp_path / "file.txt", b"x" * 2000)
    assert caught.value.__suppress_context__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full. Make room there"),
        (errno.EROFS, "it lies where nothing can be written. Write to another place"),
        (errno.EACCES, "you may not write there. Change its rights"),
        (errno.EISDIR, "it is a folder. Name a file"),
        (errno.EIO, "Input/output error. Check the folder"),
    ],
)
def test_files_say_what_the_system_refuses_and_what_helps(tmp_path, number, said):
    with pytest.raises(UserError) as caught, written_whole(tmp_path / "out"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(f"[E303] Can't write '{tmp_path / 'out'}': {said}")


def test_files_that_are_read_meanwhile_are_told_apart(tmp_path):
    with pytest.raises(UserError, match=r"E101.*missing\.txt"), written_whole(tmp_path / "out") as beside:
        beside.write_text((tmp_path / "missing.txt").read_text())
    assert list(tmp_path.iterdir()) == []


def test_files_are_written_where_a_link_leads(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "store" / "file.txt")
    for text in (b"into nothing", b"over a file"):
        write_whole(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "store" / "file.txt").read_bytes() == text
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["file.txt"]


def test_files_never_take_the_place_of_a_device(tmp_path):
    write_whole(Path("/dev/null"), b"gone")
    assert Path("/dev/null").is_char_device()
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"through")
    reader.join()
    assert read == [b"through"]
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
