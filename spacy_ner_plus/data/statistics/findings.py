"""What is good, doubtful or wrong about examples to train and evaluate on, as `spacy debug data` says it of `ner`."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from spacy_ner_plus.data.statistics.counts import quantile
from spacy_ner_plus.data.statistics.example_counts import ExampleCounts

# spaCy's own limits: documents to train a new pipeline, and entities to learn a label.
FEWEST_DOCS, FEW_DOCS, FEW_ENTITIES = 100, 2000, 50


@dataclass(frozen=True)
class Finding:
    """One finding.

    level (str): 'good', 'warn' for what is doubtful, 'fail' for what can't be trained or evaluated.
    text (str): What was found, with counts.
    """

    level: Literal["good", "warn", "fail"]
    text: str


def find_problems(
    train: ExampleCounts,
    dev: ExampleCounts,
    *,
    known: Collection[str] = (),
    longest: int | None = None,
) -> list[Finding]:
    """Judge examples.

    known (Collection[str]): Labels of components that are taken from a trained pipeline. Default: none.
    longest (int): Tokens beyond which the config's batcher leaves Docs out. Default: None for no limit.
    RETURNS (list[Finding]): In the order of spaCy's `debug data`.
    """
    return [
        *_amounts(train, dev, known),
        *_documents(train, dev, longest),
        *_labels(train, dev, known),
        *_entities("training", train),
        *_entities("evaluation", dev),
    ]


def _amounts(train: ExampleCounts, dev: ExampleCounts, known: Collection[str]) -> Iterator[Finding]:
    docs = train.gold.docs
    if docs < FEWEST_DOCS and not known:
        text = f"{docs} training documents are very few for a new pipeline: {FEWEST_DOCS} are the least, "
        yield Finding("fail", f"{text}{FEW_DOCS:,} are recommended")
    elif docs < FEW_DOCS and not known:
        yield Finding(
            "warn", f"{docs} training documents are few for a new pipeline: {FEW_DOCS:,} are recommended"
        )
    if not dev.gold.docs:
        yield Finding("fail", "No evaluation documents")
    if shared := dev.gold.shared_with(train.gold):
        yield Finding(
            "warn", f"{shared:,} evaluation documents have a text that is in the training data, too"
        )
    else:
        yield Finding("good", "No text is both in the training and in the evaluation data")


def _documents(train: ExampleCounts, dev: ExampleCounts, longest: int | None) -> Iterator[Finding]:
    for name, counts in (("training", train), ("evaluation", dev)):
        if counts.unannotated:
            yield Finding(
                "warn",
                f"{counts.unannotated:,} {name} documents aren't annotated: nothing is learnt from them",
            )
        if counts.misaligned_tokens:
            yield Finding(
                "warn",
                f"{counts.misaligned_tokens:,} tokens of the pipeline aren't those of the {name} data",
            )
    over = sum(count for length, count in train.gold.doc_lengths.items() if longest and length > longest)
    if over:
        longer = quantile(train.gold.doc_lengths, 1)
        yield Finding(
            "fail",
            f"{over:,} training documents have more than {longest:,} tokens (up to {longer:,}), and the batcher "
            "leaves them out: discard_oversize is true",
        )


def _labels(train: ExampleCounts, dev: ExampleCounts, known: Collection[str]) -> Iterator[Finding]:
    found, docs = train.gold.entities, train.gold.docs
    if not found:
        yield Finding("fail", "No entities in the training data")
    for name, counts in (("training", train), ("evaluation", dev)):
        if "" in counts.gold.entities:
            yield Finding("fail", f"Entities without a label in the {name} data")
    if absent := sorted(set(known) - set(found)):
        yield Finding(
            "warn",
            f"Labels of the trained components that the training data lacks, and may unlearn: {_names(absent)}",
        )
    if unseen := sorted(set(dev.gold.entities) - set(found) - set(known)):
        yield Finding("warn", f"Labels of the evaluation data that can't be learnt: {_names(unseen)}")
    if dev.gold.docs and (unmeasured := sorted(set(found) - set(dev.gold.entities))):
        yield Finding(
            "warn",
            f"Labels that aren't measured, since the evaluation data lacks them: {_names(unmeasured)}",
        )
    few = {label: count for label, count in found.most_common() if count <= FEW_ENTITIES}
    if few:
        yield Finding("warn", f"Few examples (at most {FEW_ENTITIES}) of {_with_counts(few)}")
    elif found:
        yield Finding("good", f"More than {FEW_ENTITIES} examples of each label")
    everywhere = [label for label in found if train.docs_with[label] == docs]
    if everywhere:
        yield Finding("warn", f"No training documents without an entity of {_names(sorted(everywhere))}")
    elif found:
        yield Finding("good", "Training documents without an entity of it for each label")


def _entities(name: str, counts: ExampleCounts) -> Iterator[Finding]:
    total = counts.gold.entities.total()
    if not total:
        return
    misaligned = counts.misaligned.total()
    if misaligned:
        yield Finding(
            "fail" if misaligned == total else "warn",
            f"{misaligned:,} of {total:,} entities of the {name} data begin or end within a token of the pipeline, "
            f"and can't be {'learnt' if name == 'training' else 'found'}: {_described(counts, 'misaligned')}",
        )
    else:
        yield Finding("good", f"All entities of the {name} data are made of whole tokens of the pipeline")
    for key, level, text in (
        ("whitespace", "fail", "begin or end with white space, which no pipeline finds"),
        ("punctuation", "warn", "begin or end with punctuation"),
        ("crossing", "warn", "go on over the beginning of a sentence"),
    ):
        if number := getattr(counts, key).total():
            yield Finding(level, f"{number:,} entities of the {name} data {text}: {_described(counts, key)}")
        elif key != "punctuation":
            never = {
                "whitespace": "begins or ends with white space",
                "crossing": "crosses a sentence's border",
            }
            yield Finding("good", f"No entity of the {name} data {never[key]}")


def _described(counts: ExampleCounts, key: str) -> str:
    return f"{_with_counts(getattr(counts, key))}, such as {counts.examples[key]!r}"


def _names(labels: Collection[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)


def _with_counts(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(
        f"'{label}' ({count:,})" for label, count in sorted(counts.items(), key=lambda item: -item[1])
    )
