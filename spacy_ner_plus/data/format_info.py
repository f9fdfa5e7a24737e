"""The formats of corpora that `convert` knows, as a table: ours, and those that other packages add."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_ner_plus.data.formats.format import Format


@dataclass(frozen=True)
class FormatOption:
    """An option of a format, as `--option NAME=VALUE` takes it.

    name (str): Such as 'align'.
    type (str): Such as 'str | None'.
    default (Any): What counts where it isn't given.
    meaning (str): A sentence.
    """

    name: str
    type: str
    default: Any
    meaning: str


@dataclass(frozen=True)
class FormatInfo:
    """What there is to know about a format. All of them are read.

    name (str): As `--format` and `--to` take it.
    about (str): What it is, in a line.
    endings (tuple[str, ...]): Of its files; () where any may be.
    writes (bool): Whether it is written, too.
    writes_folder (bool): Whether what is written is a folder.
    keeps (tuple[str, ...]): Of what a Doc may hold beside text and entities, what its files have a place for.
    loses (tuple[str, ...]): The rest, which is counted as lost where it is written.
    checked (bool): Whether files of the real tool were read and written in a test; otherwise it was made after
        the tool's documentation.
    options (tuple[FormatOption, ...]): How to read and write it.
    text (str): What its files look like.
    problem (str): Why another package's format can't be used; everything else is empty then.
    """

    name: str
    about: str = ""
    endings: tuple[str, ...] = ()
    writes: bool = False
    writes_folder: bool = False
    keeps: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    checked: bool = False
    options: tuple[FormatOption, ...] = ()
    text: str = ""
    problem: str = ""


def formats() -> dict[str, FormatInfo]:
    """List the formats of corpora that are installed.

    RETURNS (dict[str, FormatInfo]): By name, sorted.
    """
    from spacy_ner_plus.errors import UserError
    from spacy_ner_plus.format_names import format_names

    found = {}
    for name in format_names():
        try:
            found[name] = format_info(name)
        except UserError as error:
            # Another package's, which mustn't hide all others.
            found[name] = FormatInfo(name, problem=str(error))
    return found


def format_info(name: str) -> FormatInfo:
    """Describe a format.

    RAISES (UserError): Where there is none of this name, or it can't be used.
    """
    from spacy_ner_plus.data.formats.format import FEATURES
    from spacy_ner_plus.data.formats.registered import get_format

    format = get_format(name)
    return FormatInfo(
        name=name,
        about=format.about,
        endings=tuple(format.endings),
        writes=format.writes,
        writes_folder=getattr(format, "writes_folder", False),
        keeps=tuple(feature for feature in FEATURES if feature in format.keeps),
        loses=tuple(feature for feature in FEATURES if feature not in format.keeps),
        checked=format.checked,
        options=tuple(_options(format.options)),
        text=_text(format),
    )


def _options(declared: type) -> Iterator[FormatOption]:
    import dataclasses
    import inspect

    for field in dataclasses.fields(declared):
        kind = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
        yield FormatOption(
            field.name,
            kind.replace("typing.", "").replace("collections.abc.", ""),
            None if field.default is dataclasses.MISSING else field.default,
            field.metadata.get("meaning", ""),
        )


def _text(format: "Format") -> str:
    """What a format's files look like: what its module says, or else its class."""
    import inspect
    import sys

    kind = type(format)
    module = sys.modules.get(kind.__module__)
    return inspect.cleandoc(getattr(module, "__doc__", None) or kind.__doc__ or "")
