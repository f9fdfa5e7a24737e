"""README tells the truth: its commands, its table, its picture, its project section; test_docs runs what it shows."""

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


def test_readme_project_section_is_up_to_date(tmp_path):
    import shutil

    for name in ("project.yml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    command = [sys.executable, "-m", "spacy", "project", "document", str(tmp_path), "--output"]
    subprocess.run([*command, str(tmp_path / "README.md")], check=True, capture_output=True)
    assert (tmp_path / "README.md").read_text(encoding="utf8") == README
