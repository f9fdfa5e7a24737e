import json

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.generate import generate


def test_generate_writes_both_parts(tmp_path):
    made = generate(tmp_path / "new" / "folder", train=20, dev=8, seed=1)
    for part, count in (("train", 20), ("dev", 8)):
        records = json.loads((tmp_path / "new" / "folder" / f"{part}.json").read_text(encoding="utf-8"))
        assert len(records) == count
        assert all(record.keys() == {"text", "labels"} for record in records)
    assert made.shared == []
    assert made.records == {"train": 20, "dev": 8}


def test_generate_takes_the_seed(tmp_path):
    files = []
    for seed in (0, 0, 1):
        generate(tmp_path, train=5, dev=5, seed=seed)
        files.append((tmp_path / "train.json").read_bytes())
    assert files[0] == files[1] != files[2]


def test_generate_writes_a_part_to_evaluate_on_where_it_is_asked_for(tmp_path):
    made = generate(tmp_path, train=20, dev=8, test=9, seed=1)
    assert made.records == {"train": 20, "dev": 8, "test": 9}
    assert made.shared == []
    texts = [
        {record["text"] for record in json.loads((tmp_path / f"{part}.json").read_text(encoding="utf-8"))}
        for part in made.records
    ]
    assert len(set.union(*texts)) == 37


@pytest.mark.parametrize(
    "options",
    [{"train": 10**6}, {"dev": 10**6}, {"train": 0}, {"dev": -1}, {"test": 10**6}, {"lang": "xx"}],
    ids=str,
)
def test_generate_writes_nothing_when_it_refuses(options, tmp_path):
    with pytest.raises(UserError):
        generate(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_generate_refuses_a_file_as_its_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        generate(tmp_path / "file", train=1, dev=1)
