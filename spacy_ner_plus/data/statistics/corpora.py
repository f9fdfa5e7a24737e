"""Known corpora: a row a corpus, with the counts by which a copy is checked."""

from pathlib import Path
from typing import Any

import srsly

from spacy_ner_plus.data.statistics.counts import CorpusCounts
from spacy_ner_plus.errors import Errors, UserError

COUNTED = ("documents", "sentences", "entities")


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
    if not isinstance(corpora, dict):
        raise UserError(Errors.E140.format(path=path, reason="it is no mapping"))
    for name, row in corpora.items():
        splits = row.get("splits", {}) if isinstance(row, dict) else None
        if not isinstance(splits, dict) or not all(map(_is_counts, splits.values())):
            raise UserError(Errors.E140.format(path=path, reason=f"the row '{name}' doesn't read so"))
    return corpora


def _is_counts(counts: Any) -> bool:
    return isinstance(counts, dict) and all(
        key in COUNTED and isinstance(number, int) for key, number in counts.items()
    )


def find_differences(expected: dict[str, int], counts: CorpusCounts) -> list[str]:
    """Compare a corpus with the counts of its row.

    expected (dict[str, int]): 'documents', 'sentences' and 'entities', as far as known.
    counts (CorpusCounts): What was found.
    RETURNS (list[str]): A phrase for each count that differs.
    """
    found = dict(zip(COUNTED, (counts.docs, counts.sentences, counts.entities.total()), strict=True))
    return [
        f"{found[key]:,} {key}, not {number:,}" for key, number in expected.items() if found[key] != number
    ]
