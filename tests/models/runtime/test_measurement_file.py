import json
import os
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path

import pytest

from spacy_ner_plus.cache_folder import FOLDER
from spacy_ner_plus.models.runtime.measurement_file import (
    keep_measurement,
    measurement_file,
    read_measurement,
)

KEY = {"cpu": "a", "threads": 2}
SECONDS = {"fp32": 0.002, "bf16": 0.001, "int8": inf}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_measurement_file_is_read_again(folder):
    assert read_measurement(KEY) is None
    keep_measurement(KEY, SECONDS, 227)
    keep_measurement({**KEY, "threads": 1}, {"fp32": 0.1}, 32)
    assert read_measurement(KEY) == {"seconds": SECONDS, "wordpieces": 227}
    assert read_measurement({**KEY, "threads": 4}) is None
    assert [path.name for path in folder.iterdir()] == ["measurements.json"]


def test_measurement_file_holds_the_latest(folder):
    for seconds in (0.2, 0.1):
        keep_measurement(KEY, {"fp32": seconds}, 227)
    assert read_measurement(KEY)["seconds"] == {"fp32": 0.1}
    for i in range(300):
        keep_measurement({"threads": i}, {"fp32": 0.1}, 1)
    assert read_measurement(KEY) is None
    assert read_measurement({"threads": 299}) is not None


BROKEN = [
    "",
    "{",
    "[" * 100_000,
    "[]",
    "null",
    '{"format": 1, "measurements": []}',
    '{"format": 2, "measurements": 3}',
    *(
        json.dumps({"format": 2, "measurements": [entry]})
        for entry in (
            3,
            {"key": KEY},
            {"key": KEY, "seconds": {"fp32": "fast"}, "wordpieces": 1},
            {"key": KEY, "seconds": {"fp32": -1}, "wordpieces": 1},
            {"key": KEY, "seconds": {"fp32": True}, "wordpieces": 1},
            {"key": KEY, "seconds": {"fp32": None}, "wordpieces": 1},
            {"key": KEY, "seconds": {"fp32": 1.0}, "wordpieces": "many"},
            {"key": KEY, "seconds": {"fp32": 1.0}, "wordpieces": 0},
            {"key": KEY, "seconds": [], "wordpieces": 1},
        )
    ),
    '{"format": 2, "measurements": [{"key": {}, "seconds": {"fp32": NaN}, "wordpieces": 1}]}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_measurement_file_that_is_broken_is_as_if_there_was_none(folder, text):
    folder.mkdir()
    (folder / "measurements.json").write_text(text, encoding="utf8")
    assert read_measurement(KEY) is None
    keep_measurement(KEY, SECONDS, 227)
    assert read_measurement(KEY)["wordpieces"] == 227


def test_measurement_file_of_bytes_that_are_no_text_is_ignored(folder):
    folder.mkdir()
    (folder / "measurements.json").write_bytes(b"\xff\xfe\x00")
    assert read_measurement(KEY) is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no rights of this kind")
def test_measurement_file_where_nothing_can_be_written_is_none(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", Path("/proc/nowhere"), Path("/dev/null")):
        monkeypatch.setenv(FOLDER, str(place))
        keep_measurement(KEY, SECONDS, 227)
        assert read_measurement(KEY) is None
    assert (tmp_path / "file").read_text() == ""


def test_measurement_file_is_switched_off(monkeypatch):
    monkeypatch.setenv(FOLDER, "off")
    assert measurement_file() is None
    keep_measurement(KEY, SECONDS, 227)
    assert read_measurement(KEY) is None


@pytest.mark.skipif(os.name != "posix", reason="other systems have other places")
def test_measurement_file_is_in_the_user_s_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(FOLDER)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    for xdg, expected in (("", tmp_path / ".cache"), ("relative", tmp_path / ".cache"), ("/x", Path("/x"))):
        monkeypatch.setenv("XDG_CACHE_HOME", xdg)
        assert measurement_file() == expected / "spacy-ner-plus" / "measurements.json"
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert measurement_file() is None


def test_measurement_file_survives_many_writers(folder):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: keep_measurement({"threads": i}, {"fp32": 0.1}, 1), range(64)))
    json.loads((folder / "measurements.json").read_text(encoding="utf8"))
    assert any(read_measurement({"threads": i}) for i in range(64))
    assert [path.name for path in folder.iterdir()] == ["measurements.json"]
