import os

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.arguments.targets import check_new_folder, check_overlap, check_targets


@pytest.fixture
def gold(tmp_path):
    path = tmp_path / "corpus" / "gold.spacy"
    path.parent.mkdir()
    path.write_bytes(b"gold")
    return path


def test_targets_are_no_inputs_by_whatever_path(gold, tmp_path):
    (tmp_path / "link").symlink_to(gold)
    os.link(gold, tmp_path / "hard")
    for path in (gold, gold.parent / ".." / "corpus" / "gold.spacy", tmp_path / "link", tmp_path / "hard"):
        with pytest.raises(UserError, match=r"E320.*read as the corpus.*overwritten by the metrics"):
            check_targets({"the metrics": path}, corpora=[("the corpus", gold)])


def test_targets_are_not_one_file_twice(tmp_path):
    path = tmp_path / "m" / "x.json"
    with pytest.raises(UserError, match=r"E321.*both the metrics and the predictions"):
        check_targets({"the metrics": path, "the predictions": tmp_path / "m" / "." / "x.json"})


def test_targets_do_not_grow_a_corpus(gold, tmp_path):
    inside = gold.parent / "deep" / "p.spacy"
    with pytest.raises(UserError, match=r"E322.*would be part of it"):
        check_targets({"the predictions": inside}, corpora=[("the training corpus", gold.parent)])
    check_targets({"the metrics": gold.parent / "m.json"}, corpora=[("the training corpus", gold.parent)])
    check_targets({"the predictions": inside}, inputs=[("the pipeline", gold.parent)])


def test_targets_are_no_folders(tmp_path):
    with pytest.raises(UserError, match=r"E303.*it is a folder"):
        check_targets({"the metrics": tmp_path})


def test_targets_do_not_lie_in_files(gold):
    with pytest.raises(UserError, match=r"E303.*gold\.spacy is a file"):
        check_targets({"the metrics": gold / "deep" / "m.json"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_targets_lie_where_one_may_write(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(UserError, match=r"E303.*no right to write"):
        check_targets({"the metrics": tmp_path / "closed" / "deep" / "m.json"})


def test_targets_that_can_be_written_are_not_touched(gold, tmp_path):
    check_targets({"the metrics": tmp_path / "new" / "m.json", "the predictions": None}, [("the code", None)])
    check_overlap({"the output": tmp_path / "x"}, [("the label map", None), ("a source", "nowhere")])
    assert not (tmp_path / "new").exists()


def test_targets_that_are_folders_are_new_or_empty(gold, tmp_path):
    (tmp_path / "empty").mkdir()
    check_new_folder("the calibrated pipeline", tmp_path / "empty")
    check_new_folder("the calibrated pipeline", tmp_path / "new" / "deep")
    with pytest.raises(UserError, match="E535"):
        check_new_folder("the calibrated pipeline", gold.parent)
    with pytest.raises(UserError, match="E320"):
        check_new_folder("the calibrated pipeline", gold.parent, [("the pipeline", str(gold.parent))])
