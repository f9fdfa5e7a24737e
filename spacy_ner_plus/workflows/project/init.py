"""A spaCy project for a corpus of one's own, in a new folder."""

import shutil
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError

# What of the repository a project is made of, beside its README.
PARTS = ("project.yml", "configs", "assets/synthetic", "assets/pii", "assets/corpora.yml")
IGNORED = ("corpus/", "training/", "metrics/", "packages/", "assets/conllpp/", "project.lock", "")


def init(target: str | Path) -> Path:
    """Make a spaCy project: project.yml, configs, the bundled corpus, a README.

    target (str | Path): A folder that isn't there yet, or is empty.
    RETURNS (Path): The folder.
    RAISES (UserError): Where the folder holds something, or can't be written.
    """
    from spacy_ner_plus import resources
    from spacy_ner_plus.files import written_together

    target, source = Path(target), project_source()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UserError(Errors.E563.format(path=target))
    readme = (Path(resources.__path__[0]) / "project_readme.md").read_text(encoding="utf8")
    names = ("project.yml", "configs", "assets", "README.md", ".gitignore")
    made = not target.exists()
    try:
        with written_together([target / name for name in names]) as (project, configs, assets, *texts):
            shutil.copyfile(source / PARTS[0], project)
            shutil.copytree(source / PARTS[1], configs, ignore=shutil.ignore_patterns(".*"))
            assets.mkdir()
            shutil.copytree(source / PARTS[2], assets / "synthetic")
            shutil.copytree(source / PARTS[3], assets / "pii")
            shutil.copyfile(source / PARTS[4], assets / "corpora.yml")
            for path, text in zip(texts, (readme, "\n".join(IGNORED)), strict=True):
                path.write_text(text, encoding="utf8")
    except UserError:
        if made and target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        raise
    return target


def project_source() -> Path:
    """RETURNS (Path): Where the parts of a project lie: in a clone, or in the installed package."""
    root = Path(__file__).parents[3]
    return root if (root / "project.yml").is_file() else root / "spacy_ner_plus" / "resources" / "project"
