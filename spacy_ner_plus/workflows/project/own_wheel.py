"""A wheel of this package, for places that have no index with it."""

import base64
import hashlib
import shutil
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.subprocesses import run

NAME = "spacy_ner_plus"
# What of a clone goes into a wheel, beside the package.
SOURCES = (
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "project.yml",
    "configs",
    "assets",
)
# What pip writes where it installs, and what only holds there.
INSTALLED = ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD")


def build_own_wheel(folder: Path) -> Path:
    """Build a wheel of this package: from its clone, or from the installed files, with no network.

    folder (Path): Where to.
    RETURNS (Path): The wheel.
    RAISES (UserError): Where it can't be built.
    """
    root = Path(__file__).parents[3]
    if (root / "setup.cfg").is_file():
        return _build_from_clone(root, folder)
    return _pack_installed(distribution("spacy-ner-plus"), folder)


def _build_from_clone(root: Path, folder: Path) -> Path:
    # Built from a copy of what is needed, so that nothing is left behind in the clone.
    copy = folder / "source"
    shutil.copytree(root / NAME, copy / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name)
        else:
            shutil.copy(root / name, copy / name)
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(copy)], folder)
    shutil.rmtree(copy)
    return next(folder.glob(f"{NAME}-*.whl"))


def _pack_installed(found: Distribution, folder: Path) -> Path:
    """Put the files of an installed wheel into a wheel again."""
    tags = [line.removeprefix("Tag: ") for line in (found.read_text("WHEEL") or "").splitlines()]
    tag = next((line for line in tags if line.endswith("-any")), "py3-none-any")
    path = folder / f"{NAME}-{found.version}-{tag}.whl"
    record, record_name = [], f"{NAME}-{found.version}.dist-info/RECORD"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in found.files or ():
            # Scripts lie outside, and are made anew from the entry points.
            if file.parts[0] == ".." or file.suffix == ".pyc" or file.name in INSTALLED:
                continue
            if file.parts[0] not in (NAME, record_name.split("/", maxsplit=1)[0]):
                raise UserError(Errors.E556.format(file=file))
            data = file.read_binary()
            wheel.writestr(file.as_posix(), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{file.as_posix()},sha256={digest},{len(data)}")
        if not record:
            raise UserError(Errors.E556.format(file="none"))
        wheel.writestr(record_name, "\n".join((*record, f"{record_name},,", "")))
    return path
