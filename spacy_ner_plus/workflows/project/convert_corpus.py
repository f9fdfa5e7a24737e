"""A folder with a corpus's files of any format, to train.spacy, dev.spacy and test.spacy."""

import json
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import cant_write
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.convert import convert
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy_ner_plus.data.statistics.counts import CorpusCounts

# A file belongs to the split that a word of its name says.
SPLITS = {
    "train": ("train", "training"),
    "dev": ("dev", "development", "valid", "validation", "val", "testa"),
    "test": ("test", "testb"),
}
# Of the training documents, for each split that has no file.
SHARE = 0.1
LABELS = "labels.json"
# Named in messages, at most.
MOST_NAMED = 8


@dataclass
class ConvertedCorpus:
    """What converting a corpus gave.

    counts (dict[str, CorpusCounts]): What each split holds.
    paths (dict[str, Path]): What was written, by split.
    dealt (list[str]): Splits that had no file, and got a share of the training documents.
    issues (IssueLog): What was lost or repaired.
    notes (list[str]): What was found out about the sources, such as columns and tagging scheme.
    """

    counts: dict[str, "CorpusCounts"]
    paths: dict[str, Path]
    dealt: list[str]
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)


def find_splits(folder: str | Path) -> dict[str, Path]:
    """Find the files of a corpus by their names.

    folder (str | Path): With a file such as train.txt or eng.train, and likewise for dev and test.
    RETURNS (dict[str, Path]): Files or folders by split; train is one of them.
    RAISES (UserError): Where there is no such folder, no training file, or two for one split.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(Errors.E557.format(path=folder))
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    found: dict[str, Path] = {}
    for path in paths:
        words = set(re.findall(r"[a-z]+", path.name.lower()))
        for split, names in SPLITS.items():
            if not words.isdisjoint(names):
                if split in found:
                    raise UserError(Errors.E558.format(one=found[split], other=path, split=split))
                found[split] = path
                break
    if "train" not in found:
        there = ", ".join(path.name for path in paths[:MOST_NAMED]) or "nothing"
        raise UserError(Errors.E559.format(path=folder, found=there))
    return {split: found[split] for split in SPLITS if split in found}


def convert_corpus(
    source: str | Path,
    target: str | Path,
    *,
    lang: str = "en",
    seed: int = 0,
    progress: Progress = no_progress,
) -> ConvertedCorpus:
    """Convert the splits of a corpus; all are written, or none, with labels.json for a chat model.

    Sentences of CoNLL files begin on lines of their own, as titles and rows of tables stood.

    source (str | Path): A folder, as `find_splits` reads it; the formats are those that `convert` detects.
    target (str | Path): The folder for train.spacy, dev.spacy and test.spacy.
    lang (str): Language code. Default: 'en'.
    seed (int): By which documents are dealt to a split that has no file, a tenth of train's to each. Default: 0.
    progress (Progress): Wraps the Docs of each source. Default: none.
    RAISES (UserError): What the user can mend.
    """
    from spacy_ner_plus.data.detection import find_sources
    from spacy_ner_plus.data.formats.options import names_of

    splits, target = find_splits(source), Path(target)
    dealt = [split for split in SPLITS if split not in splits]
    share = 1 - SHARE * len(dealt)
    result = ConvertedCorpus({}, {split: target / f"{split}.spacy" for split in SPLITS}, dealt)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=target) as scratch:
            for split, path in splits.items():
                deal = dealt if split == "train" else []
                parts = {split: share, **dict.fromkeys(deal, SHARE)}
                found = find_sources([str(path)], "auto", "utf-8", [])
                has_lines = any("sentence_lines" in names_of(one.format) for one in found)
                conversion = convert(
                    path,
                    Path(scratch) / (f"{split}.spacy" if not deal else "corpus.spacy"),
                    options={"sentence_lines": True} if has_lines else None,
                    lang=lang,
                    split=",".join(f"{part}={size:g}" for part, size in parts.items()) if deal else None,
                    seed=seed,
                    issues=result.issues,
                    notes=result.notes,
                    progress=progress,
                )
                for part, written in conversion.paths.items():
                    result.counts[part or split] = conversion.counts[part]
                    written.replace(Path(scratch) / f"{part or split}.spacy")
            result.counts = {split: result.counts[split] for split in SPLITS}
            (Path(scratch) / LABELS).write_text(_labels_to_json(result.counts.values()), encoding="utf8")
            for name in (*(path.name for path in result.paths.values()), LABELS):
                os.replace(Path(scratch) / name, target / name)
    except OSError as error:
        raise cant_write(target, error) from error
    return result


def _labels_to_json(counts: Iterable["CorpusCounts"]) -> str:
    """Write the corpus's labels as a chat model is told of them: with definitions, where they are a shipped set's."""
    from spacy_ner_plus.labels import load_labels, shipped_label_sets

    names = sorted({label for count in counts for label in count.entities})
    sets = [load_labels(name) for name in shipped_label_sets()]
    known = next((labels for labels in sets if sorted(labels.names) == names), None)
    rows = {
        name: {"definition": known.definitions.get(name), "examples": list(known.examples.get(name, ()))}
        if known
        else None
        for name in (known.names if known else names)
    }
    return json.dumps(rows, indent=2, ensure_ascii=False)
