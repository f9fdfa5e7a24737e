"""What `spacy train` does, with its evaluations timed and a limit."""

import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from thinc.api import Config

from peers import Entity
from peers.clock import Clock
from peers.sentences import doc_entities
from spacy_ner_plus.corpus import bare_copy, save_docs


class OutOfTime(Exception):
    """The limit of a training is passed."""


def read_config(path: Path, train_docs: list[Doc], dev_docs: list[Doc], folder: Path, seed: int) -> Config:
    """Read a config, with the corpora as files for it.

    path (Path): The config.
    train_docs (list[Doc]), dev_docs (list[Doc]): The corpora.
    folder (Path): Where they are written; `train_from_config` removes them.
    seed (int): The seed.
    RETURNS (Config): Not interpolated yet.
    """
    corpora = folder / "corpora"
    corpora.mkdir(parents=True)
    for name, docs in (("train", train_docs), ("dev", dev_docs)):
        save_docs(docs, corpora / f"{name}.spacy")
    overrides = {
        "paths.train": str(corpora / "train.spacy"),
        "paths.dev": str(corpora / "dev.spacy"),
        "paths.log": str(folder / "log.jsonl"),
        "system.seed": seed,
    }
    return spacy.util.load_config(path, overrides=overrides, interpolate=False)


def train_from_config(config: Config, folder: Path, limits: dict[str, Any]) -> dict[str, Any]:
    """Train as `spacy train` does.

    config (Config): The config, of `read_config`.
    folder (Path): Gets `model-best`.
    limits (dict[str, Any]): As `Clock` takes them.
    RETURNS (dict[str, Any]): As a peer's `train`, without recipe and source.
    """
    clock = Clock(limits)
    nlp = init_nlp(config, use_gpu=-1)
    words_seen = 0
    plain_evaluate, plain_update = nlp.evaluate, nlp.update

    def evaluate(examples, **settings):
        clock.pause()
        scores = plain_evaluate(examples, **settings)
        clock.resume(scores["ents_f"] or 0.0)
        return scores

    def update(examples, *args, **settings):
        nonlocal words_seen
        if clock.over():
            raise OutOfTime
        examples = list(examples)
        words_seen += sum(len(eg.reference) for eg in examples)
        return plain_update(examples, *args, **settings)

    nlp.evaluate, nlp.update = evaluate, update
    with suppress(OutOfTime):
        train_nlp(nlp, folder, use_gpu=-1, stdout=sys.stdout, stderr=sys.stderr)
    clock.end()
    for name in ("model-last", "corpora"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return {**clock.report(), "words_seen": words_seen}


def load(folder: Path, config: dict[str, Any] | None = None) -> Callable[..., list[list[Entity]]]:
    """Load a pipeline for raw text."""
    nlp = spacy.load(folder / "model-best", config=config or {})

    def predict(texts: list[str], batch_size: int | None = None) -> list[list[Entity]]:
        return [doc_entities(doc) for doc in nlp.pipe(texts, batch_size=batch_size)]

    predict.nlp = nlp
    return predict


def load_for_tokens(folder: Path, config: dict[str, Any] | None = None) -> Callable[..., list[list[Entity]]]:
    """Load a pipeline for gold tokens; it sees no sentence starts."""
    nlp = spacy.load(folder / "model-best", config=config or {})

    def predict(docs: list[Doc], batch_size: int | None = None) -> list[list[Entity]]:
        bare = (bare_copy(doc, nlp.vocab) for doc in docs)
        return [doc_entities(doc) for doc in nlp.pipe(bare, batch_size=batch_size)]

    return predict
