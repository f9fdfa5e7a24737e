"""The guess test's answers: where a new reader should look first."""

import tomllib
from pathlib import Path

import pytest

from tests.house.modules import PACKAGE

GUESSES = tomllib.loads((Path(__file__).parent / "guesses.toml").read_text(encoding="utf8"))["guess"]


def test_guesses_are_twenty_behaviours():
    assert len({guess["behaviour"] for guess in GUESSES}) == 20


@pytest.mark.parametrize("file", sorted({guess["file"] for guess in GUESSES}))
def test_guesses_name_files_that_exist(file):
    assert (PACKAGE / file).is_file()
