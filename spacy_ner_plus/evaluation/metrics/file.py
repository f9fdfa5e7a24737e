"""Files of metrics: written whole, with a format version; read only where we know what they mean."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.metrics.schema import find_problem
from spacy_ner_plus.files import write_whole

# Raised when a key changes its name or meaning, not when one is added.
FORMAT_VERSION = 3
# From here on `upgrade` knows what files mean.
OLDEST_VERSION = 2


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON for people, too, whole or not at all: indented, but columns of numbers on one line.

    RAISES (UserError): Where it can't be written.
    """
    text = json.dumps(dict(content), indent=2, ensure_ascii=False, default=_plain)
    # A line break within JSON is never part of a string.
    text = re.sub(r"\[\n[\s\d.,eE+-]+\]", lambda match: f"[{' '.join(match[0][1:-1].split())}]", text)
    write_whole(path, f"{text}\n".encode())


def read_metrics(path: Path) -> dict[str, Any]:
    """Read metrics that `evaluate` wrote.

    RETURNS (dict[str, Any]): What the file holds, in the newest format.
    RAISES (UserError): Where it can't be read, holds no metrics or damaged ones, or those of a format version that
        isn't known.
    """
    try:
        content = json.loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise UserError(Errors.E308.format(path=path, reason=error.strerror)) from error
    except ValueError as error:
        raise UserError(Errors.E308.format(path=path, reason="it is no JSON")) from error
    if not isinstance(content, dict) or not isinstance(content.get("seqeval"), dict):
        raise UserError(Errors.E308.format(path=path, reason="it holds no strict scores (seqeval)"))
    found = content.get("format_version")
    if not isinstance(found, int) or not OLDEST_VERSION <= found <= FORMAT_VERSION:
        newer = isinstance(found, int) and found > FORMAT_VERSION
        values = {"age": "a newer" if newer else "an older", "found": found or "none"}
        raise UserError(Errors.E309.format(path=path, expected=FORMAT_VERSION, **values))
    content = upgrade(content)
    if problem := find_problem(content):
        raise UserError(Errors.E308.format(path=path, reason=problem))
    return content


def upgrade(content: dict[str, Any]) -> dict[str, Any]:
    """Bring what a file of an older format holds into the newest one, the only one that the rest of us knows.

    Version 2 called issues `losses`, and had the threshold of the fuzzy scheme as `likeness`, on a scale of 100.
    """
    if content["format_version"] == FORMAT_VERSION:
        return content
    content = {**content, "format_version": FORMAT_VERSION}
    if "losses" in content:
        content["issues"] = content.pop("losses")
    if isinstance(usage := content.get("llm"), dict):
        content["llm"] = {
            name: {"issues" if key == "losses" else key: value for key, value in report.items()}
            if isinstance(report, dict)
            else report
            for name, report in usage.items()
        }
    schemes, settings = content.get("schemes"), content.get("settings")
    fuzzy = schemes.get("fuzzy") if isinstance(schemes, dict) else None
    if isinstance(fuzzy, dict) and isinstance(likeness := fuzzy.get("likeness"), Real):
        content["schemes"] = {**schemes, "fuzzy": {k: v for k, v in fuzzy.items() if k != "likeness"}}
        if isinstance(settings, dict):
            content["settings"] = {**settings, "similarity_threshold": likeness / 100}
    return content


def corpus_fingerprint(golds: Iterable[Doc]) -> str:
    """Tell corpora apart by what is scored: texts and gold entities, whatever file they come from.

    RETURNS (str): A digest in hexadecimal.
    """
    digest = hashlib.sha256()
    for gold in golds:
        ents = [(ent.start_char, ent.end_char, ent.label_) for ent in gold.ents]
        digest.update(json.dumps([gold.text, ents]).encode())
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """RETURNS (str): The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _plain(value: Any) -> Any:
    """numpy's numbers, which JSON doesn't know; of what else a component reports, its text."""
    return float(value) if isinstance(value, Real) else str(value)
