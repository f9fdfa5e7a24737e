"""README tells the truth: its commands, its table, its picture; test_docs runs what it shows."""

import re
import subprocess
import sys

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf8")


def test_readme_commands_are_those_of_ci():
    commands = re.findall(r"^    (pip install -c constraints\.txt .*)$", README, flags=re.M)
    run = (ROOT / ".ci" / "run").read_text(encoding="utf8").splitlines()
    assert len(commands) == 2
    assert [line for line in run if line.startswith("pip install -c constraints.txt")] == commands


def test_readme_says_how_long_the_install_takes():
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "install.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_readme_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    for target in targets:
        if "://" not in target:
            assert (ROOT / target).exists(), target
