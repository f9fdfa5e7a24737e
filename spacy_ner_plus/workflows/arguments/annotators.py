"""Pipelines as annotators: their names, and what tells whether what they said before still holds."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from hashlib import blake2b
from inspect import getsourcefile, isroutine
from pathlib import Path
from typing import TYPE_CHECKING, Union

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.compared import short_names
from spacy_ner_plus.workflows.arguments.pipelines import (
    component_names,
    import_code,
    language_of,
    load_pipeline,
)

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.annotation.weak_labels.annotator import Annotator

Pipeline = Union["Language", str, Path]
_BLOCK = 1 << 20
# What holds no code of the user's: Python's own, and what the hash names the version of.
_KNOWN_CODE = sys.stdlib_module_names | {"spacy", "spacy_ner_plus", "thinc"}


def find_annotators(
    pipelines: Pipeline | Sequence[Pipeline],
    *,
    overrides: Iterable[str] = (),
    code: str | Path | None = None,
    batch_size: int | None = None,
    soft_temperature: float | None = None,
    episode: str = "",
) -> list["Annotator"]:
    """Name pipelines, and load them.

    pipelines (Language | str | Path | Sequence): Folders, names of installed packages, or pipelines; a string may be
        NAME=PIPELINE. Without a name, a folder is called as it is called there, with as many of the folders above as
        are needed to tell all apart.
    overrides (Iterable[str]): Settings as key=value; one of a component is for the pipelines that have it.
    code (str | Path): A Python file to run before. Default: none.
    batch_size (int): Texts at once. Default: each pipeline's own.
    soft_temperature (float): How soft are the tags that are asked for beside spans. Default: none are.
    episode (str): That of all texts. Default: none.
    RAISES (UserError): Where there is none, one can't be loaded, or two have one name.
    """
    from spacy.language import Language

    from spacy_ner_plus.annotation.weak_labels.annotator import Annotator

    given = [pipelines] if isinstance(pipelines, str | Path | Language) else list(pipelines)
    if not given:
        raise UserError(Errors.E655)
    named = [_with_name(pipeline) for pipeline in given]
    names = iter(short_names([str(pipeline) for name, pipeline in named if not name]))
    named = [(name or next(names), pipeline) for name, pipeline in named]
    twice = [name for name, count in Counter(name for name, _ in named).items() if count > 1]
    if twice:
        raise UserError(Errors.E656.format(name=twice[0]))
    if code is not None:
        import_code(Path(code))
    by_pipeline = _deal([pipeline for _, pipeline in named], tuple(overrides))
    annotators = []
    for (name, pipeline), own in zip(named, by_pipeline, strict=True):
        nlp = load_pipeline(pipeline, own)
        identity = _identity(nlp, pipeline, own, code)
        annotators.append(
            Annotator(
                name,
                nlp,
                identity,
                batch_size=batch_size,
                soft_temperature=soft_temperature,
                episode=episode,
            )
        )
    return annotators


def annotators_language(pipelines: Pipeline | Sequence[Pipeline]) -> str:
    """RETURNS (str): The language code of the first pipeline, as `find_annotators` takes them.

    RAISES (UserError): Where there is none, or it can't be read.
    """
    from spacy.language import Language

    given = [pipelines] if isinstance(pipelines, str | Path | Language) else list(pipelines)
    if not given:
        raise UserError(Errors.E655)
    return language_of(_with_name(given[0])[1])


def _deal(pipelines: Sequence[Pipeline], overrides: Sequence[str]) -> list[list[str]]:
    """RETURNS (list[list[str]]): The settings of each pipeline; one of a component goes to all where none has it."""
    if len(pipelines) == 1 or not overrides:
        return [list(overrides) for _ in pipelines]
    has = [set(component_names(pipeline)) for pipeline in pipelines]

    def is_meant(override: str, names: set[str]) -> bool:
        section, _, rest = override.partition(".")
        component = rest.split(".")[0]
        known = section != "components" or not any(component in others for others in has)
        return known or component in names

    return [[override for override in overrides if is_meant(override, names)] for names in has]


def _with_name(pipeline: Pipeline) -> tuple[str, Pipeline]:
    """A pipeline and its name; '' where it is to be called by its path."""
    if isinstance(pipeline, Path):
        return "", pipeline
    if not isinstance(pipeline, str):
        return f"{pipeline.lang}_{pipeline.meta['name']}", pipeline
    name, equals, rest = pipeline.partition("=")
    if not equals or Path(pipeline).exists():
        return "", pipeline
    if not name or not rest:
        raise UserError(Errors.E657.format(pipeline=pipeline))
    return name, rest


def _identity(nlp: "Language", pipeline: Pipeline, overrides: Sequence[str], code: str | Path | None) -> str:
    """A hash of all that a pipeline's answers depend on; '' where it can't be told."""
    from spacy import __version__ as spacy_version
    from spacy.util import get_package_path, is_package

    from spacy_ner_plus.about import __version__

    digest = blake2b(f"{spacy_version} {__version__}".encode(), digest_size=16)
    digest.update("\0".join(overrides).encode())
    if code is not None:
        digest.update(Path(code).read_bytes())
    files = _own_code(nlp)
    if files is None and code is None:
        return ""
    for file in files or ():
        digest.update(file.read_bytes())
    if isinstance(pipeline, str | Path):
        folder = Path(pipeline)
        if not folder.exists() and is_package(str(pipeline)):
            folder = get_package_path(str(pipeline))
        for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            digest.update(f"\0{file.relative_to(folder).as_posix()}\0".encode())
            with file.open("rb") as stream:
                for block in iter(partial(stream.read, _BLOCK), b""):
                    digest.update(block)
        return digest.hexdigest()
    try:
        digest.update(nlp.config.to_str().encode())
        digest.update(nlp.to_bytes())
    except Exception:  # noqa: BLE001 - a component of anyone's may fail in any way
        return ""
    return digest.hexdigest()


def _own_code(nlp: "Language") -> list[Path] | None:
    """Find the files with the code of components of the user's, whose version nothing names.

    RETURNS (list[Path] | None): None where code is in no file, as that of a notebook.
    """
    files = set()
    for _, component in nlp.pipeline:
        if isinstance(component, partial):
            component = component.func
        for part in [component] if isroutine(component) else type(component).__mro__:
            # A function of C may have no module.
            if (part.__module__ or "").split(".")[0] in _KNOWN_CODE:
                continue
            try:
                file = getsourcefile(part)
            except (OSError, TypeError):
                file = None
            if file is None or not Path(file).is_file():
                return None
            files.add(Path(file))
    return sorted(files)
