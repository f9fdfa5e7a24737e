"""Known corpora: a row a corpus, with the counts by which a copy is checked."""

from pathlib import Path
from typing import Any

import srsly

from spacy_ner_plus.data.counts import CorpusCounts
from spacy_ner_plus.errors import Errors, UserError


def read_corpora(path: Path) -> dict[str, dict[str, Any]]:
    """Read the table of corpora.

    path (Path): A YAML file such as assets/corpora.yml.
    RETURNS (dict[str, dict]): Rows by corpus name.
    RAISES (UserError): Where the file can't be read or isn't such a table.
    """
    try:
        corpora = srsly.read_yaml(path)
    except (OSError, ValueError) as error:
        raise UserError(Errors.E101.format(path=path, reason=str(error).splitlines()[0])) from error
    if not isinstance(corpora, dict) or not all(isinstance(row, dict) for row in corpora.values()):
        raise UserError(Errors.E140.format(path=path))
    return corpora


def find_differences(expected: dict[str, int], counts: CorpusCounts) -> list[str]:
    """Compare a corpus with the counts of its row.

    expected (dict[str, int]): 'documents', 'sentences' and 'entities', as far as known.
    counts (CorpusCounts): What was found.
    RETURNS (list[str]): A phrase for each count that differs.
    """
    found = {
        "documents": counts.docs,
        "sentences": counts.sentences,
        "entities": counts.entities.total(),
    }
    return [
        f"{found[key]:,} {key}, not {number:,}" for key, number in expected.items() if found[key] != number
    ]
