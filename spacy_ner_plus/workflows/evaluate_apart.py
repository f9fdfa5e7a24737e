"""An evaluation in a process of its own, so that time and memory are those of one pipeline alone."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics


def evaluate_apart(
    pipeline: str | Path, gold: Path, target: Path, *, notes: list[str], **settings: Any
) -> "Metrics":
    """Evaluate a pipeline in a new process.

    pipeline (str | Path): A folder, or the name of an installed package.
    gold (Path): The gold corpus.
    target (Path): Where the metrics are written.
    notes (list[str]): Gets the lines that the process wrote to its standard error, such as warnings.
    settings (Any): Of `evaluate`, such as JSON can hold.
    RAISES (UserError): Where the pipeline can't be evaluated, or the process breaks off.
    """
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

    with tempfile.TemporaryDirectory() as folder:
        request, reply = Path(folder) / "request.json", Path(folder) / "reply.json"
        arguments = {"pipeline": str(pipeline), "gold": str(gold), "target": str(target), **settings}
        request.write_text(json.dumps(arguments, default=str), encoding="utf8")
        done = subprocess.run(
            [sys.executable, "-m", "spacy_ner_plus.workflows.evaluate_apart", str(request), str(reply)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf8",
            errors="replace",
            check=False,
        )
        said = [line.rstrip() for line in done.stderr.splitlines() if line.strip()]
        notes += [f"{pipeline}: {line}" for line in said]
        if done.returncode:
            reason = f"it ended with code {done.returncode}: {said[-1].strip() if said else ''}"
            raise UserError(Errors.E315.format(name=pipeline, reason=reason))
        if error := json.loads(reply.read_text(encoding="utf8"))["error"]:
            raise UserError(Errors.E315.format(name=pipeline, reason=error))
    return Metrics.from_file(target)


def main(request: str, reply: str) -> None:
    """Evaluate as a file says, and write whether that went well.

    request (str): A JSON file with arguments of `evaluate`.
    reply (str): The JSON file to write, with an `error`; '' where there was none.
    """
    from spacy_ner_plus.workflows.evaluate import evaluate

    error = ""
    try:
        evaluate(**json.loads(Path(request).read_text(encoding="utf8")))
    except UserError as reason:
        error = str(reason)
    Path(reply).write_text(json.dumps({"error": error}), encoding="utf8")


if __name__ == "__main__":
    main(*sys.argv[1:])
