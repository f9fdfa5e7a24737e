"""What corpora hold, which texts they share, and what of it would spoil a training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.training import Example

    from spacy_ner_plus.data.statistics.counts import CorpusCounts
    from spacy_ner_plus.data.statistics.example_counts import ExampleCounts
    from spacy_ner_plus.data.statistics.findings import Finding


@dataclass(frozen=True)
class DataReport:
    """What was found about examples to train and to evaluate on.

    train, dev (ExampleCounts): What they hold.
    findings (Sequence[Finding]): What is good, doubtful or wrong about them.
    known (Sequence[str]): Labels of components that the config takes from a trained pipeline.
    """

    train: "ExampleCounts"
    dev: "ExampleCounts"
    findings: "Sequence[Finding]"
    known: Sequence[str]

    @property
    def failed(self) -> bool:
        """Whether something was found that can't be trained or evaluated."""
        return any(finding.level == "fail" for finding in self.findings)


def stats(corpora: Sequence[str | Path], *, progress: Progress = no_progress) -> dict[str, "CorpusCounts"]:
    """Count what corpora hold.

    corpora (Sequence[str | Path]): .spacy files, or folders, each of which is one corpus.
    progress (Progress): Wraps the Docs of each file. Default: none.
    RETURNS (dict[str, CorpusCounts]): The counts by path; `CorpusCounts.shared_with` compares two.
    RAISES (UserError): What cannot be read.
    """
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import corpus_files, read_docs
    from spacy_ner_plus.data.statistics.counts import CorpusCounts

    counts = {}
    for corpus in map(Path, corpora):
        if corpus.is_file() and corpus.suffix != ".spacy":
            raise UserError(Errors.E130.format(path=corpus))
        count = counts[str(corpus)] = CorpusCounts()
        for file in corpus_files(corpus):
            for doc in progress(read_docs(file, Vocab()), f"Reading {file}"):
                count.add(doc)
    return counts


def debug_data(
    sources: Sequence[str | Path],
    *,
    overrides: Mapping[str, Any] | None = None,
    lang: str | None = None,
    code: str | Path | None = None,
    progress: Progress = no_progress,
) -> DataReport:
    """Look for what would spoil a training, as `spacy debug data` does for spaCy's own `ner`.

    sources (Sequence[str | Path]): A training config (.cfg); or a training corpus and, after it, an evaluation
        corpus: .spacy files or folders of them.
    overrides (Mapping[str, Any]): Settings of the config, such as {"paths.train": "train.spacy"}. Default: none.
    lang (str): The language whose tokenizer cuts the texts, where corpora are given. Default: 'en'.
    code (str | Path): A Python file to run before. Default: none.
    progress (Progress): Wraps the examples. Default: none.
    RETURNS (DataReport): Counts and findings.
    RAISES (UserError): Where something can't be read, or arguments don't go together.
    """
    from spacy_ner_plus.data.statistics.findings import find_problems
    from spacy_ner_plus.workflows.arguments.pipelines import import_code
    from spacy_ner_plus.workflows.arguments.training_data import find_training_data

    if code is not None:
        import_code(Path(code))
    data = find_training_data(sources, overrides or {}, lang)
    train = _count(progress(data.train(data.nlp), "Reading the training data"))
    dev = _count(progress(data.dev(data.nlp), "Reading the evaluation data"))
    findings = find_problems(train, dev, known=data.known, longest=data.longest)
    return DataReport(train, dev, findings, data.known)


def _count(examples: "Iterable[Example]") -> "ExampleCounts":
    from spacy_ner_plus.data.statistics.example_counts import ExampleCounts

    counts = ExampleCounts()
    for example in examples:
        counts.add(example)
    return counts
