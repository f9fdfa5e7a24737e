"""What corpora hold, and which texts they share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy_ner_plus.data.counts import CorpusCounts


def stats(corpora: Sequence[str | Path], *, progress: Progress = no_progress) -> dict[str, "CorpusCounts"]:
    """Count what corpora hold.

    corpora (Sequence[str | Path]): .spacy files, or folders, each of which is one corpus.
    progress (Progress): Wraps the Docs of each file. Default: none.
    RETURNS (dict[str, CorpusCounts]): The counts by path; `CorpusCounts.shared_with` compares two.
    RAISES (UserError): What cannot be read.
    """
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import corpus_files, read_docs
    from spacy_ner_plus.data.counts import CorpusCounts

    counts = {}
    for corpus in map(Path, corpora):
        if corpus.is_file() and corpus.suffix != ".spacy":
            raise UserError(Errors.E130.format(path=corpus))
        count = counts[str(corpus)] = CorpusCounts()
        for file in corpus_files(corpus):
            for doc in progress(read_docs(file, Vocab()), f"Reading {file}"):
                count.add(doc)
    return counts
