"""Whether a packaged pipeline finds the same in an environment of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.pipelines import load_pipeline


def check_package(
    wheel: str | Path,
    corpora: Sequence[str | Path],
    pipeline: str | Path,
    *,
    constraints: str | Path | None = None,
    minimum: int = 100,
) -> int:
    """Compare a packaged pipeline, installed in a new environment, with the folder it was made from.

    wheel (str | Path): What `spacy package` built.
    corpora (Sequence[str | Path]): .spacy files whose texts are run.
    pipeline (str | Path): The folder that was packaged.
    constraints (str | Path): Constraints file for pip. Default: none.
    minimum (int): How many entities must be found for the test to tell something. Default: 100.
    RETURNS (int): How many entities were found, the same on both sides.
    RAISES (UserError): Where the wheel can't be installed or loaded, lacks a requirement, or differs.
    """
    from spacy_ner_plus.corpus import read_docs

    wheel, corpora = Path(wheel), [Path(corpus) for corpus in corpora]
    constraints = None if constraints is None else Path(constraints)
    for path in (wheel, *corpora, *([constraints] if constraints else [])):
        if not path.is_file():
            raise UserError(Errors.E101.format(path=path, reason="no such file"))
    nlp = load_pipeline(pipeline)
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
    root = Path(__file__).parents[2]
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
