"""What a user gives, opened: a project of a review tool, and the corpus that goes there."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from spacy_ner_plus.annotation.review.tool import ReviewProject


# Endings of what tools export: without one, a file may have the name of a project by chance.
EXPORTS = (".json", ".jsonl", ".csv", ".tsv", ".conll")


def review_tools() -> list[str]:
    """RETURNS (list[str]): The names of the review tools that are installed, sorted."""
    from spacy_ner_plus.annotation.review.registered import tool_points

    return list(tool_points())


def open_project(project: str, tool: str, options: Mapping[str, Any] | None) -> "ReviewProject":
    """Open a project.

    project (str): Its name; for a tool of files, the file.
    tool (str): One of `review_tools()`.
    options (Mapping[str, Any]): The tool's own, by name; strings are read as the option's type.
    RAISES (UserError): Where there is no such tool or option, the tool can't be reached, or an export stands for the
        name of a project in a tool that isn't reached by files.
    """
    from spacy_ner_plus.annotation.review.registered import get_tool, tool_options

    found = get_tool(tool)
    if project_file(project, tool) is None and Path(project).suffix in EXPORTS and Path(project).is_file():
        raise UserError(Errors.E829.format(path=project, tool=tool))
    return found.open(project, tool_options(found, options or {}))


def project_file(project: str, tool: str) -> Path | None:
    """RETURNS (Path | None): The file or folder that a project is; None for a tool that isn't reached by files."""
    from spacy_ner_plus.annotation.review.files.file_project import FileOptions
    from spacy_ner_plus.annotation.review.registered import get_tool

    return Path(project) if issubclass(get_tool(tool).options, FileOptions) else None


def sent_docs(corpus: "str | Path | Iterable[Doc]", vocab: "Vocab") -> "list[Doc]":
    """Read a corpus, or take the Docs that are given, with all that is known of them: copies may lack their ids.

    vocab (Vocab): Of the Docs that are read.
    RAISES (UserError): Where a file can't be read, or there is no Doc.
    """
    from spacy_ner_plus.corpus import load_docs

    if isinstance(corpus, str | Path):
        return load_docs(Path(corpus), vocab)
    docs = list(corpus)
    if not docs:
        raise UserError(Errors.E302.format(path="Docs"))
    return docs
