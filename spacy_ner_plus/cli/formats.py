"""`spacy-ner-plus formats`: which formats of corpora `convert` reads and writes."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from spacy_ner_plus.data.format_info import FormatInfo


def formats_command(
    name: Annotated[str | None, typer.Argument(help="A format, to see what its files look like.")] = None,
) -> None:
    """List the formats that `convert` reads and writes; with NAME, show a format's files and options."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.data.format_info import format_info, formats

    if name is not None:
        info = format_info(name)
        out.print(info.text, markup=False, highlight=False)
        for line in _lines(info):
            out.print(line, markup=False, highlight=False)
        if info.options:
            out.print(_options_table(info))
        return
    found = formats()
    out.print(_table([info for info in found.values() if not info.problem]))
    out.print(
        "r: read, w: written. doc: made after the tool's documentation, not tried on files that the tool wrote.\n"
        "`spacy-ner-plus formats NAME` shows what a format's files look like, and its options.",
        markup=False,
        highlight=False,
    )
    for info in found.values():
        if info.problem:
            err.print(info.problem, markup=False, highlight=False)


def _table(found: "list[FormatInfo]") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    table.add_column("format", no_wrap=True)
    table.add_column("", overflow="fold")
    table.add_column("r/w")
    table.add_column("endings", overflow="fold")
    table.add_column("checked")
    for info in found:
        table.add_row(
            escape(info.name),
            escape(info.about),
            "r/w" if info.writes else "r",
            escape(" ".join(info.endings)),
            "yes" if info.checked else "doc",
        )
    return table


def _lines(info: "FormatInfo") -> list[str]:
    ways = "read and written" if info.writes else "read"
    kind = ", as a folder" if info.writes_folder else ""
    endings = f"; endings {', '.join(info.endings)}" if info.endings else ""
    lines = ["", f"{info.name} is {ways}{kind}{endings}."]
    if info.writes:
        kept = ", ".join(info.keeps) or "nothing"
        lines.append(f"Beside text and entities it keeps: {kept}.")
        if info.loses:
            lines.append(f"It has no place for: {', '.join(info.loses)}. What is lost of them is counted.")
    if not info.checked:
        lines.append(
            "It was made after the tool's documentation, and not tried on files that the tool wrote."
        )
    return lines


def _options_table(info: "FormatInfo") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="--option NAME=VALUE", title_justify="left")
    for title in ("option", "default"):
        table.add_column(title, no_wrap=True)
    table.add_column("", overflow="fold")
    for option in info.options:
        default = "" if option.default is None else str(option.default)
        table.add_row(escape(option.name), escape(default), escape(option.meaning))
    return table
