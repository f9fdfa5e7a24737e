"""Trains a pipeline for each fold of a corpus, on all other folds."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.tokens import Doc

# Documents of a fold on which its training is evaluated, once, for the log.
DEV = 20


def train_folds(
    docs: "Sequence[Doc]",
    folds: Sequence[Sequence[int]],
    config: Path,
    work: Path,
    steps: int,
    overrides: Mapping[str, Any],
    code: str | Path | None = None,
) -> Iterator[Path]:
    """Train a pipeline for each fold; one that is there already, from the same, isn't trained again.

    docs (Sequence[Doc]): The corpus.
    folds (Sequence[Sequence[int]]): Numbers of the documents of each.
    config (Path): The training config.
    work (Path): Where corpora, configs and pipelines lie, a folder for each fold.
    steps (int): After how many each training ends.
    overrides (Mapping[str, Any]): Settings by dotted key.
    code (str | Path): A Python file to run before. Default: none.
    YIELDS (Path): The pipeline of each fold, when it is trained.
    RAISES (UserError): What the user can mend; pipelines that are trained stay.
    """
    from spacy_ner_plus.corpus import save_docs
    from spacy_ner_plus.workflows.train import train
    from spacy_ner_plus.workflows.training.bounded import write_bounded_config
    from spacy_ner_plus.workflows.training.spacy_training import LAST

    for number, fold in enumerate(folds, start=1):
        folder, held_out = work / f"fold-{number}", set(fold)
        train_path, dev_path = folder / "train.spacy", folder / "dev.spacy"
        save_docs([doc for i, doc in enumerate(docs) if i not in held_out], train_path)
        save_docs([docs[i] for i in fold[:DEV]], dev_path)
        own = {"paths.train": str(train_path), "paths.dev": str(dev_path)}
        bounded = folder / "config.cfg"
        write_bounded_config(config, bounded, steps, {**overrides, **own})
        # The last one: nothing of the fold has chosen it.
        yield train(bounded, folder, code=code).model.with_name(LAST)
