"""A pipeline as a wheel, with its model card, beside the wheel of this package."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import cant_write
from spacy_ner_plus.workflows.model_card import model_card
from spacy_ner_plus.workflows.project.own_wheel import build_own_wheel
from spacy_ner_plus.workflows.subprocesses import run

if TYPE_CHECKING:
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics


def package(
    pipeline: str | Path,
    target: str | Path,
    *,
    name: str | None = None,
    version: str | None = None,
    metrics: "Metrics | str | Path | None" = None,
) -> list[Path]:
    """Build the two wheels by which a pipeline is installed where no index has this package.

    The pipeline's is built by `spacy package` from a copy of the folder, which stays as it is.

    pipeline (str | Path): The pipeline's folder.
    target (str | Path): Folder for the wheels; older ones of the same packages go.
    name (str): Of the pipeline, without its language. Default: the pipeline's own.
    version (str): Of the pipeline. Default: its own.
    metrics (Metrics | str | Path): What `evaluate` gave or wrote, for a model card with this name and version.
        Default: without one.
    RETURNS (list[Path]): The wheels, as pip is to be given them.
    RAISES (UserError): Where the metrics are of another pipeline, or a wheel can't be built or written.
    """
    pipeline, target = Path(pipeline), Path(target)
    if not (pipeline / "meta.json").is_file():
        raise UserError(Errors.E501.format(name=pipeline, reason="it is no folder of a pipeline"))
    with tempfile.TemporaryDirectory() as scratch:
        copy, packages, wheels = (Path(scratch) / part for part in ("pipeline", "packages", "wheels"))
        for folder in (packages, wheels):
            folder.mkdir()
        shutil.copytree(pipeline, copy)
        if metrics is not None:
            model_card(copy, metrics, name=name, version=version)
        options = [*(("--name", name) if name else ()), *(("--version", version) if version else ())]
        spacy_package = [sys.executable, "-m", "spacy", "package", str(copy), str(packages), *options]
        run([*spacy_package, "--build", "wheel"])
        built = [build_own_wheel(wheels), *packages.glob("*/dist/*.whl")]
        return _put(built, target)


def _put(built: list[Path], target: Path) -> list[Path]:
    """Bring the wheels to where they belong, and take older ones away."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for wheel in built:
            shutil.copy(wheel, target / f"{wheel.name}.part")
        for wheel in built:
            for older in target.glob(f"{wheel.name.split('-')[0]}-*.whl"):
                older.unlink()
            os.replace(target / f"{wheel.name}.part", target / wheel.name)
    except OSError as error:
        for wheel in built:
            (target / f"{wheel.name}.part").unlink(missing_ok=True)
        raise cant_write(target, error) from error
    return [target / wheel.name for wheel in built]
