"""What a format says of a file that it can't read, as a review says it.

Formats name settings of `convert`. A review has a tool where that has a format, and the rest as options of the tool.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from spacy_ner_plus.annotation.review.registered import tool_points
from spacy_ner_plus.data.detection import detect
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError

FORMAT, TOOL = "`format` (--format)", "`tool` (TOOL)"
OF_A_TOOL = " It looks like what {name} exports: give that as `tool` (TOOL)."
OF_A_FORMAT = " It looks like {name}, which `spacy-ner-plus convert` reads."


def unreadable(
    error: UserError, format: str, options: Collection[str], path: Path | None, encoding: str
) -> UserError:
    """Say what a user can do in a review about a file that can't be read.

    error (UserError): What the format says.
    format (str): The format, which the tool has the name of.
    options (Collection[str]): The names of the tool's options.
    path (Path | None): The file; None where none was found.
    encoding (str): Of the file.
    RETURNS (UserError): The same with the settings that a review has, and of which other tool or format the file is.
    """
    message = str(error).replace(FORMAT, TOOL)
    for name in options:
        message = message.replace(f"(--{name})", f"(--option {name}=...)")
    if path is not None and path.is_file():
        # What no format knows, or several, is told of by the message alone.
        with suppress(UserError):
            found = detect(Source(str(path), encoding=encoding), []).name
            if found != format:
                message += (OF_A_TOOL if _exports(found) else OF_A_FORMAT).format(name=found)
    return UserError(message)


def _exports(format: str) -> bool:
    """Whether a format is what a tool of files exports, which has its name."""
    return format in tool_points() and tool_points()[format].value.startswith(__package__)
