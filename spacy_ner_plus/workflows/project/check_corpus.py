"""Whether a converted corpus has the counts of the published one."""

from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.stats import stats


def check_corpus(corpus: str | Path, name: str, corpora: str | Path) -> list[str]:
    """Check the counts of a converted corpus.

    corpus (str | Path): Folder with a .spacy file for each split.
    name (str): The corpus's row in the table.
    corpora (str | Path): A YAML table, as assets/corpora.yml is one.
    RETURNS (list[str]): The splits that were checked; none where no counts are known.
    RAISES (UserError): Where a count differs, or a split is missing.
    """
    from spacy_ner_plus.data.statistics.corpora import find_differences, read_corpora

    splits = read_corpora(Path(corpora)).get(name, {}).get("splits", {})
    for split, expected in splits.items():
        path = Path(corpus) / f"{split}.spacy"
        differences = find_differences(expected, stats([path])[str(path)])
        if differences:
            raise UserError(Errors.E141.format(path=path, name=name, differences="; ".join(differences)))
    return list(splits)
