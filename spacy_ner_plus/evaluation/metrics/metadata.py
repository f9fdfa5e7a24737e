"""What was scored on, and what was scored: so that metrics say what they are about."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.corpus import corpus_files
from spacy_ner_plus.evaluation.metrics.file import corpus_fingerprint


def describe_corpus(path: Path | None, golds: Sequence[Doc]) -> dict[str, Any]:
    """Describe the corpus that was scored on.

    path (Path | None): A .spacy file or a folder of them; None where Docs were given.
    golds (Sequence[Doc]): What was read of it.
    RETURNS (dict[str, Any]): `name`, since a path says nothing elsewhere; `documents`, `tokens`, `entities`;
        `sha256` of the files, where there are such; and `fingerprint` of the texts and entities that were read.
    """
    described = {
        "name": path.name if path else "Docs",
        "documents": len(golds),
        "tokens": sum(map(len, golds)),
        "entities": sum(len(gold.ents) for gold in golds),
    }
    if path:
        described["sha256"] = _digest(corpus_files(path))
    return {**described, "fingerprint": corpus_fingerprint(golds)}


def _digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def describe_pipeline(nlp: Language) -> dict[str, Any]:
    """Describe a pipeline.

    RETURNS (dict[str, Any]): `name`, `version`, `components` (factory by name), `labels` of all components, and
        versions of packages.
    """
    import spacy

    from spacy_ner_plus.about import __version__

    return {
        "name": f"{nlp.lang}_{nlp.meta['name']}",
        "version": nlp.meta["version"],
        "components": dict(nlp.pipe_factories),
        "labels": sorted({label for labels in nlp.pipe_labels.values() for label in labels}),
        "spacy_version": spacy.__version__,
        "spacy_ner_plus_version": __version__,
    }
