import os
import subprocess
import sys

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.training.fresh_folder import REPLACED, fresh_folder, move_into

NAMES = ("model", "log", "origin")


@pytest.fixture
def target(tmp_path):
    """A folder with what an earlier run made, and with a file of somebody's."""
    target = tmp_path / "target"
    (target / "model").mkdir(parents=True)
    (target / "model" / "weights").write_text("old")
    (target / "origin").write_text("old")
    (target / "notes.txt").write_text("mine")
    return target


def fill(folder):
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_text("new")
    (folder / "log").write_text("new")
    (folder / "origin").write_text("new")


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


OLD = {"model/weights": "old", "origin": "old", "notes.txt": "mine"}


def test_fresh_folder_is_beside_its_target_and_goes(target):
    with fresh_folder(target) as folder:
        assert folder.parent == target.parent
        fill(folder)
    assert list(target.parent.iterdir()) == [target]
    assert contents(target) == OLD


def test_fresh_folder_moves_what_is_new_and_leaves_what_is_not_its_own(target):
    with fresh_folder(target) as folder:
        fill(folder)
        move_into(target, folder, NAMES)
    assert contents(target) == {"model/weights": "new", "log": "new", "origin": "new", "notes.txt": "mine"}


def test_fresh_folder_leaves_nothing_older_of_what_it_makes(target):
    (target / "log").write_text("old")
    with fresh_folder(target) as folder:
        (folder / "origin").write_text("new")
        move_into(target, folder, NAMES)
    assert contents(target) == {"origin": "new", "notes.txt": "mine"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", range(5))
def test_fresh_folder_gives_all_back_where_a_move_fails(target, monkeypatch, error, failing):
    moves = iter(range(100))
    replace = os.replace

    def fail_at(source, place):
        if next(moves) == failing:
            raise error
        replace(source, place)

    with fresh_folder(target) as folder:
        fill(folder)
        monkeypatch.setattr(os, "replace", fail_at)
        with pytest.raises((UserError, KeyboardInterrupt)):
            move_into(target, folder, NAMES)
    assert contents(target) == OLD
    assert list(target.parent.iterdir()) == [target]


def left_by_a_killed_process(target, *lines):
    """Run lines in a fresh folder in a process that ends as if it were killed."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from spacy_ner_plus.workflows.training.fresh_folder import REPLACED, fresh_folder\n"
        "target = Path(sys.argv[1])\n"
        "with fresh_folder(target) as folder:\n    " + "\n    ".join((*lines, "os._exit(9)"))
    )
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    return [path for path in target.parent.iterdir() if path != target]


def test_fresh_folder_removes_those_of_killed_processes(target):
    (left,) = left_by_a_killed_process(target, "(folder / 'model').mkdir()")
    with fresh_folder(target) as folder:
        assert not left.exists()
        # The one in use stays, and that of a target whose name begins alike.
        with (
            fresh_folder(target),
            fresh_folder(target.with_name("target.two")) as other,
            fresh_folder(target),
        ):
            assert folder.exists()
            assert other.exists()
    assert contents(target) == OLD


def test_fresh_folder_gives_back_what_a_process_took_before_it_was_killed(target):
    lines = ("(folder / REPLACED).mkdir()", "os.replace(target / 'model', folder / REPLACED / 'model')")
    (left,) = left_by_a_killed_process(target, *lines)
    assert (left / REPLACED / "model").exists()
    with fresh_folder(target):
        assert contents(target) == OLD


def test_fresh_folder_says_where_it_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"E303.*file"), fresh_folder(tmp_path / "file" / "target"):
        pass
