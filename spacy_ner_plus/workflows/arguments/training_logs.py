"""Training logs, as the logger `spacy_ner_plus.TrainingLog.v1` writes them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError

Rows = list[dict[str, Any]]


def parse_logs(logs: Iterable[str]) -> dict[str, Path]:
    """Read which log belongs to what.

    logs (Iterable[str]): Each as NAME=FILE.
    RETURNS (dict[str, Path]): Files by name.
    RAISES (UserError): Where one isn't of that form.
    """
    found = {}
    for log in logs:
        name, equals, path = log.partition("=")
        if not equals or not name or not path:
            raise UserError(Errors.E502.format(override=log))
        found[name] = Path(path)
    return found


def read_logs(logs: Mapping[str, str | Path], names: Sequence[str]) -> dict[str, Rows]:
    """Read the training logs of what is compared.

    logs (Mapping[str, str | Path]): Files by name.
    names (Sequence[str]): Of what is compared.
    RETURNS (dict[str, list[dict[str, Any]]]): Their lines by name.
    RAISES (UserError): Where one can't be read, is no such log, or is of nothing that is compared.
    """
    for name in logs:
        if name not in names:
            choices = ", ".join(names)
            raise UserError(Errors.E506.format(value=name, option="compared pipeline", choices=choices))
    return {name: read_log(path) for name, path in logs.items()}


def read_log(path: str | Path) -> Rows:
    """Read a training log: its first line tells of the run, the others of a step each.

    RAISES (UserError): Where it can't be read, or is no such log.
    """
    try:
        lines = Path(path).read_text(encoding="utf8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E503.format(path=path, reason=error)) from error
    except ValueError as error:
        raise UserError(Errors.E325.format(path=path, reason=f"it is no JSONL ({error})")) from error
    if reason := _problem(rows):
        raise UserError(Errors.E325.format(path=path, reason=reason))
    return rows


def _problem(rows: Sequence[Any]) -> str:
    """Why these are no lines of a training log; nothing where they are."""
    if not all(isinstance(row, dict) for row in rows):
        return "a line of it is no JSON object"
    steps = [row for row in rows if "step" in row]
    if not steps:
        return "no line of it tells of a step"
    for row in steps:
        losses = row.get("losses")
        numbers = [row.get("seconds"), *(losses.values() if isinstance(losses, dict) else ())]
        if row.get("score") is not None:
            numbers.append(row["score"])
        if not all(isinstance(number, Real) for number in numbers) or not isinstance(losses or {}, dict):
            return f"step {row['step']} lacks `seconds`, or its `score` or `losses` are no numbers"
    return ""
