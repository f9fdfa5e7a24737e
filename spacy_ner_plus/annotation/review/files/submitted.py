"""Which records of a file of JSON a person has submitted, by their places."""

import json
from collections.abc import Callable
from typing import Any

from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog


def submitted_places(
    source: Source, is_submitted: Callable[[dict[str, Any]], bool], kind: str, issues: IssueLog
) -> set[str]:
    """Find the records that were submitted.

    is_submitted (Callable): Tells it of a record.
    kind (str): Under which the others are counted.
    RETURNS (set[str]): Their places, such as 'admin.jsonl:12'.
    RAISES (UserError): Where several records have one place, as in an array on one line, and only some were submitted.
    """
    found, others = set(), set()
    for number, record in json_records(source.lines, source.name):
        place = f"{source.name}:{number}"
        if isinstance(record, dict) and is_submitted(record):
            found.add(place)
        else:
            others.add(place)
            issues.add(kind, json.dumps(record, ensure_ascii=False)[:60], place)
    if both := found & others:
        raise UserError(Errors.E833.format(where=min(both), kind=kind))
    return found
