"""Whether a packaged pipeline finds the same in an environment of its own."""

import json
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.pipelines import load_pipeline
from spacy_ner_plus.workflows.project.own_wheel import NAME, build_own_wheel
from spacy_ner_plus.workflows.subprocesses import run


def check_package(
    wheel: str | Path,
    corpora: Sequence[str | Path],
    pipeline: str | Path,
    *,
    constraints: str | Path | None = None,
    minimum: int = 100,
) -> int:
    """Compare a packaged pipeline, installed in a new environment, with the folder it was made from.

    wheel (str | Path): What `spacy package` built; a wheel of this package is built beside it. Or a folder, as
        `package` writes it: what lies there is installed, and nothing else.
    corpora (Sequence[str | Path]): .spacy files whose texts are run.
    pipeline (str | Path): The folder that was packaged.
    constraints (str | Path): Constraints file for pip. Default: None for the versions that are installed here.
    minimum (int): How many entities must be found for the test to tell something. Default: 100.
    RETURNS (int): How many entities were found, the same on both sides.
    RAISES (UserError): Where the wheel can't be installed or loaded, lacks a requirement, or differs.
    """
    from spacy_ner_plus.corpus import read_docs

    wheel, corpora = Path(wheel), [Path(corpus) for corpus in corpora]
    constraints = None if constraints is None else Path(constraints)
    for path in (*corpora, *([constraints] if constraints else [])):
        if not path.is_file():
            raise UserError(Errors.E101.format(path=path, reason="no such file"))
    wheels = _find_wheels(wheel)
    wheel = wheels[-1]
    nlp = load_pipeline(pipeline)
    texts = [doc.text for corpus in corpora for doc in read_docs(corpus, nlp.vocab)]
    expected = [[[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents] for doc in nlp.pipe(texts)]
    count = sum(len(ents) for ents in expected)
    if count < minimum:
        raise UserError(Errors.E530.format(count=count, minimum=minimum))
    with tempfile.TemporaryDirectory() as folder:
        found = _run_elsewhere(Path(folder), wheels, texts, constraints)
    if not any(requirement.startswith("spacy-ner-plus") for requirement in found["requirements"]):
        raise UserError(Errors.E531.format(wheel=wheel.name, requirements=found["requirements"]))
    for text, here, there in zip(texts, expected, found["ents"], strict=True):
        if here != there:
            raise UserError(Errors.E532.format(wheel=wheel.name, text=text[:80], here=here, there=there))
    return count


def _find_wheels(path: Path) -> list[Path]:
    """RETURNS (list[Path]): The wheels to install, the pipeline's last; that alone where it was given alone."""
    if path.is_file():
        return [path.resolve()]
    wheels = sorted(path.resolve().glob("*.whl"), key=lambda wheel: not wheel.name.startswith(f"{NAME}-"))
    if not path.is_dir() or not wheels or wheels[-1].name.startswith(f"{NAME}-"):
        raise UserError(Errors.E101.format(path=path, reason="no wheel of a pipeline"))
    return wheels


def _run_elsewhere(folder: Path, wheels: list[Path], texts: list[str], constraints: Path | None) -> dict:
    from spacy_ner_plus import resources

    python = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run([sys.executable, "-m", "venv", str(folder / "env")])
    # -I: a PYTHONPATH would let pip find there what is to be installed.
    # Compiling all of torch would take longer than all else; Python compiles what is imported.
    pip = [
        str(python),
        "-I",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    if constraints is None:
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(_installed_versions()), encoding="utf8")
    own = [build_own_wheel(folder)] if len(wheels) == 1 else []
    run([*pip, "-c", str(constraints.resolve()), *map(str, (*own, *wheels))], folder)
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf8")
    probe = folder / "probe.py"
    probe.write_bytes((Path(resources.__path__[0]) / "probe_package.py").read_bytes())
    # Isolated mode: neither this folder's surroundings nor PYTHONPATH are seen.
    name = wheels[-1].name.split("-")[0]
    run([str(python), "-I", str(probe), name, str(folder / "texts.json"), str(folder / "found.json")], folder)
    found = json.loads((folder / "found.json").read_text(encoding="utf8"))
    if not Path(found["package"]).resolve().is_relative_to(folder.resolve()):
        raise UserError(Errors.E533.format(path=found["package"]))
    return found


def _installed_versions() -> list[str]:
    """RETURNS (list[str]): Constraints for pip: what is installed here, so that it is fetched from pip's cache."""
    versions = {}
    for found in distributions():
        # What came from a folder or an address isn't on an index, and a build's own part of a version neither.
        if found.metadata["Name"] and found.read_text("direct_url.json") is None:
            versions[found.metadata["Name"]] = found.version.partition("+")[0]
    return [f"{name}=={version}" for name, version in sorted(versions.items()) if name != "spacy-ner-plus"]
