"""Threads sleep while they wait, unless the user chose otherwise."""

import os
import subprocess
import sys

import pytest

from spacy_ner_plus.cli.openmp import wait_passively

VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.fixture
def environment(monkeypatch):
    # Set first, so that what is tested is undone even where it wasn't set.
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    return monkeypatch


def test_openmp_waits_passively_by_default(environment):
    wait_passively()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == ("PASSIVE", "5000")


@pytest.mark.parametrize(
    ("name", "value"), [("OMP_WAIT_POLICY", "ACTIVE"), ("GOMP_SPINCOUNT", "1000"), ("KMP_BLOCKTIME", "200")]
)
def test_openmp_keeps_what_the_user_set(environment, name, value):
    environment.setenv(name, value)
    wait_passively()
    assert [os.environ[variable] for variable in VARIABLES if variable != name] == ["", ""]
    assert os.environ[name] == value


def test_openmp_is_told_before_any_command_loads_torch():
    """Of spaCy's commands too; that libgomp took it, it says itself."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    code = (
        "import sys; from spacy_ner_plus.cli import main; assert 'torch' not in sys.modules; "
        "sys.argv = ['spacy-ner-plus', 'spacy', 'info', '--silent']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "OMP_DISPLAY_ENV": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    shown = [line for line in done.stderr.splitlines() if "OMP_WAIT_POLICY" in line]
    if not shown:
        pytest.skip("this torch's OpenMP doesn't show its settings")
    assert all("PASSIVE" in line for line in shown)
