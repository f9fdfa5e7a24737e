"""`spacy-ner-plus test-package`: a packaged pipeline in an environment of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.errors import Errors, UserError


def check_package_command(
    wheel: Annotated[Path, typer.Argument(help="Wheel that `spacy package` built.")],
    corpora: Annotated[list[Path], typer.Argument(help="Corpora whose texts are run: .spacy files.")],
    pipeline: Annotated[
        Path, typer.Option(help="The pipeline that was packaged; the wheel must agree with it.")
    ],
    constraints: Annotated[Path | None, typer.Option(help="Constraints file for pip.")] = None,
    minimum: Annotated[
        int, typer.Option(help="Entities that must be found for the test to tell something.")
    ] = 100,
) -> None:
    """Install a packaged pipeline into a new environment and compare what it finds, with no network."""
    from spacy_ner_plus.cli.console import err, out

    with err.status("Installing into a new environment (a minute or two)"):
        count = check_package(wheel, corpora, pipeline, constraints, minimum)
    out.print(f"{wheel.name}: installed, loaded by name with no network, the same {count} entities.")


def check_package(
    wheel: Path, corpora: list[Path], pipeline: Path, constraints: Path | None = None, minimum: int = 100
) -> int:
    """Compare a packaged pipeline, installed in a new environment, with the folder it was made from.

    wheel (Path): The wheel.
    corpora (list[Path]): .spacy files whose texts are run.
    pipeline (Path): The folder.
    constraints (Path): Constraints file for pip.
    minimum (int): How many entities must be found at least.
    RETURNS (int): How many entities were found, the same on both sides.
    RAISES (UserError): Where the wheel can't be installed or loaded, lacks a requirement, or differs.
    """
    import spacy

    from spacy_ner_plus.corpus import read_docs

    for path in (wheel, *corpora, *([constraints] if constraints else [])):
        if not path.is_file():
            raise UserError(Errors.E101.format(path=path, reason="no such file"))
    nlp = spacy.load(pipeline)
    texts = [doc.text for corpus in corpora for doc in read_docs(corpus, nlp.vocab)]
    expected = [[[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents] for doc in nlp.pipe(texts)]
    count = sum(len(ents) for ents in expected)
    if count < minimum:
        raise UserError(Errors.E530.format(count=count, minimum=minimum))
    with tempfile.TemporaryDirectory() as folder:
        found = _run_elsewhere(Path(folder), wheel.resolve(), texts, constraints)
    if not any(requirement.startswith("spacy-ner-plus") for requirement in found["requirements"]):
        raise UserError(Errors.E531.format(wheel=wheel.name, requirements=found["requirements"]))
    for text, here, there in zip(texts, expected, found["ents"], strict=True):
        if here != there:
            raise UserError(Errors.E532.format(wheel=wheel.name, text=text[:80], here=here, there=there))
    return count


def _run_elsewhere(folder: Path, wheel: Path, texts: list[str], constraints: Path | None) -> dict:
    from spacy_ner_plus import resources

    python = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    _run([sys.executable, "-m", "venv", str(folder / "env")])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    limits = ["-c", str(constraints.resolve())] if constraints else []
    _run([*pip, *limits, *_own_package(folder), str(wheel)])
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf8")
    probe = folder / "probe.py"
    probe.write_bytes((Path(resources.__path__[0]) / "probe_package.py").read_bytes())
    # Isolated mode: neither this folder's surroundings nor PYTHONPATH are seen.
    name = wheel.name.split("-")[0]
    _run(
        [str(python), "-I", str(probe), name, str(folder / "texts.json"), str(folder / "found.json")], folder
    )
    found = json.loads((folder / "found.json").read_text(encoding="utf8"))
    if not Path(found["package"]).resolve().is_relative_to(folder.resolve()):
        raise UserError(Errors.E533.format(path=found["package"]))
    return found


def _own_package(folder: Path) -> list[str]:
    """Build a wheel of this package where it is a clone; an installed one comes by its requirement."""
    import spacy_ner_plus

    root = Path(spacy_ner_plus.__file__).parent.parent
    if not (root / "setup.cfg").is_file():
        return []
    # Built from a copy of what is needed, so that nothing is left behind in the clone.
    copy = folder / "source"
    _copy_sources(root, copy)
    _run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(copy)],
        folder,
    )
    return [str(path) for path in folder.glob("spacy_ner_plus-*.whl")]


def _copy_sources(root: Path, copy: Path) -> None:
    import shutil

    shutil.copytree(
        root / "spacy_ner_plus", copy / "spacy_ner_plus", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy / name)


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise UserError(Errors.E534.format(command=" ".join(command[:4]), reason="\n".join(lines[-5:])))
