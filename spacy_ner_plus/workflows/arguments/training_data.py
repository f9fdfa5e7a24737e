"""Examples to train and to evaluate on, by a training config or by two corpora."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.training import Example

Reader = Callable[["Language"], Iterable["Example"]]


@dataclass(frozen=True)
class TrainingData:
    """What a training would read.

    nlp (Language): The pipeline, of which no more is loaded than its tokenizer and what is trained already.
    train, dev (Callable[[Language], Iterable[Example]]): The examples.
    longest (int | None): Tokens beyond which the config's batcher leaves Docs out; None for no limit.
    known (Sequence[str]): Labels of components that the config takes from a trained pipeline.
    """

    nlp: "Language"
    train: Reader
    dev: Reader
    longest: int | None = None
    known: Sequence[str] = ()


def find_training_data(
    sources: Sequence[str | Path], overrides: Mapping[str, Any], lang: str | None
) -> TrainingData:
    """Find out what is to be read; the files are read later.

    sources (Sequence[str | Path]): A training config (.cfg), or a training corpus and an evaluation corpus.
    overrides (Mapping[str, Any]): Settings of the config by dotted key.
    lang (str | None): The language of corpora; None for English.
    RAISES (UserError): Where the config can't be read, or arguments don't go together.
    """
    paths = [Path(source) for source in sources]
    if [path.suffix for path in paths] == [".cfg"]:
        if lang is not None:
            raise UserError(Errors.E543)
        return _from_config(paths[0], overrides)
    if len(paths) == 2 and not overrides and not any(path.suffix == ".cfg" for path in paths):
        return _from_corpora(paths, lang or "en")
    raise UserError(Errors.E544.format(sources=", ".join(map(str, sources)) or "nothing"))


def _from_config(path: Path, overrides: Mapping[str, Any]) -> TrainingData:
    """The pipeline without what isn't trained yet: no encoder is read for its tokens."""
    from spacy.training.initialize import get_sourced_components
    from spacy.util import load_config, load_model_from_config, resolve_dot_names

    try:
        config = load_config(path, overrides=dict(overrides))
        sourced = get_sourced_components(config.interpolate())
        untrained = [name for name in config["nlp"]["pipeline"] if name not in sourced]
        nlp = load_model_from_config(config, auto_fill=True, exclude=untrained)
        filled = nlp.config.interpolate()
        training = filled["training"]
        readers = resolve_dot_names(filled, [training["train_corpus"], training["dev_corpus"]])
    except UserError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(Errors.E545.format(path=path, reason=" ".join(str(error).split()))) from error
    batcher = training["batcher"]
    size = batcher.get("size") if batcher.get("discard_oversize") else None
    known = sorted({label for name in sourced for label in getattr(nlp.get_pipe(name), "labels", ())})
    longest = size if isinstance(size, int) else None
    return TrainingData(nlp, *(_reading(path, reader) for reader in readers), longest, known)


def _reading(path: Path, reader: Reader) -> Reader:
    """A corpus that says in one message why it can't be read."""

    def read(nlp: "Language") -> "Iterable[Example]":
        try:
            yield from reader(nlp)
        except UserError:
            raise
        except (OSError, ValueError) as error:
            raise UserError(Errors.E545.format(path=path, reason=" ".join(str(error).split()))) from error

    return read


def _from_corpora(paths: Sequence[Path], lang: str) -> TrainingData:
    import spacy
    from spacy.training import Corpus

    from spacy_ner_plus.corpus import corpus_files, read_docs

    for path in paths:
        if path.is_file() and path.suffix != ".spacy":
            raise UserError(Errors.E130.format(path=path))
    try:
        nlp = spacy.blank(lang)
    except (ImportError, ValueError) as error:
        raise UserError(Errors.E118.format(lang=lang, reason=error)) from error

    def reader(path: Path) -> Reader:
        def read(nlp: "Language") -> "Iterable[Example]":
            for file in corpus_files(path):
                yield from Corpus(file).make_examples(nlp, read_docs(file, nlp.vocab))

        return read

    return TrainingData(nlp, *map(reader, paths))
