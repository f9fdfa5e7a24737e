"""Puts what `spacy-ner-plus init` makes a project of into the wheel; all else is in setup.cfg."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# As workflows/project/init.py reads them.
PARTS = ("project.yml", "configs", "assets/synthetic", "assets/pii", "assets/corpora.yml")


class BuildWithProject(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "spacy_ner_plus" / "resources" / "project"
        for part in PARTS:
            source = Path(part)
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target / part, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target / part)


setup(cmdclass={"build_py": BuildWithProject})
