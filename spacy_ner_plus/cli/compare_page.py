"""The page of `spacy-ner-plus compare`: what was compared, and the documents in which predictions differ."""

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.tokens import Doc

PAGE = "index.html"


def check_page() -> None:
    """Refuse to begin where the page can't be drawn.

    RAISES (UserError): Where matplotlib isn't installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise UserError(Errors.E340)


def read_logs(logs: Sequence[str], names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Read training logs.

    logs (Sequence[str]): Each as NAME=FILE, with a file that the logger TrainingLog.v1 wrote.
    names (Sequence[str]): Of what is compared.
    RETURNS (dict[str, list[dict[str, Any]]]): Their lines by name.
    RAISES (UserError): Where one can't be read, is no such log, or is of nothing that is compared.
    """
    found = {}
    for log in logs:
        name, equals, path = log.partition("=")
        if not equals or not name or not path:
            raise UserError(Errors.E502.format(override=log))
        if name not in names:
            choices = ", ".join(names)
            raise UserError(Errors.E506.format(value=name, option="compared pipeline", choices=choices))
        try:
            lines = Path(path).read_text(encoding="utf8").splitlines()
            rows = [json.loads(line) for line in lines if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(Errors.E503.format(path=path, reason=error)) from error
        except ValueError as error:
            raise UserError(Errors.E325.format(path=path, reason=f"it is no JSONL ({error})")) from error
        # Its first line tells of the run, the others of a step each.
        if reason := _problem(rows):
            raise UserError(Errors.E325.format(path=path, reason=reason))
        found[name] = rows
    return found


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


def write_page(
    output: Path,
    *,
    golds: "Sequence[Doc] | None",
    files: Mapping[str, Path],
    metrics: Mapping[str, dict[str, Any]],
    comparison: Mapping[str, Any],
    logs: Mapping[str, list[dict[str, Any]]],
) -> Path:
    """Write the page.

    output (Path): The folder.
    golds (Sequence[Doc] | None): The gold Docs; None where only metrics were given.
    files (Mapping[str, Path]): The file of metrics of each pipeline, beside which its predictions lie.
    metrics (Mapping[str, dict]): What is in them.
    comparison (Mapping[str, Any]): As `compare_entrants` gave it.
    logs (Mapping[str, list]): Training logs by name.
    RETURNS (Path): The page.
    RAISES (UserError): Where it can't be written.
    """
    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.evaluation.pages.comparison_page import write_comparison_page
    from spacy_ner_plus.evaluation.pages.page_tables import ComparedPipeline

    pipelines = []
    for name, file in files.items():
        kept = metrics[name].get("predictions")
        path = file.with_name(kept["file"]) if kept else None
        predicted = load_docs(path, golds[0].vocab) if golds and path is not None and path.exists() else None
        pipelines.append(ComparedPipeline(name, metrics[name], predicted, logs.get(name, ())))
    corpus = next(iter(metrics.values()))["corpus"]["name"]
    page = output / PAGE
    write_comparison_page(
        page, golds=golds or (), pipelines=pipelines, comparison=comparison, title=f"Pipelines on {corpus}"
    )
    return page
