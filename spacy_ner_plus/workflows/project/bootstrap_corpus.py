"""The corpus on which the workflow `bootstrap` measures what each of its steps brings."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.workflows.arguments.annotators import find_annotators
from spacy_ner_plus.workflows.arguments.sources import read_label_map, shipped_label_maps
from spacy_ner_plus.workflows.progress import Progress, no_progress
from spacy_ner_plus.workflows.project.convert_corpus import ConvertedCorpus, convert_corpus

GOLD = "gold"
LABEL_MAP = "label_map.json"
# The teacher has the corpus's own labels.
NO_MAP = "none"


@dataclass
class BootstrapCorpus:
    """What was prepared.

    source (Path): The folder that was converted.
    corpus (ConvertedCorpus): Its splits, in the folder `gold`.
    labels (list[str]): The corpus's labels.
    map_name (str): The label map that was taken.
    dropped (list[str]): Labels of the teacher that neither the map nor the corpus has: their entities are O.
    """

    source: Path
    corpus: ConvertedCorpus
    labels: list[str]
    map_name: str
    dropped: list[str]


def bootstrap_corpus(
    source: str | Path,
    target: str | Path,
    *,
    otherwise: str | Path | None = None,
    label_map: str = "",
    teacher: str = "",
    lang: str = "en",
    progress: Progress = no_progress,
) -> BootstrapCorpus:
    """Convert a corpus, and write how a teacher's labels become its labels.

    source (str | Path): A folder, as `convert_corpus` takes it.
    target (str | Path): The folder for gold/train.spacy, dev and test beside it, and label_map.json.
    otherwise (str | Path): The folder that is taken where there is no source. Default: none.
    label_map (str): A JSON or YAML file, or the name of a map that ships; 'none' where the teacher has the corpus's
        labels. Default: '' for the map that ships and makes exactly the corpus's labels, or most of them.
    teacher (str): The pipeline whose labels these are, as `annotate` takes it. Default: '', which checks nothing of it.
    lang (str): Language code. Default: 'en'.
    progress (Progress): Wraps the Docs of each source. Default: none.
    RAISES (UserError): What the user can mend, such as a map that makes other labels than the corpus's.
    """
    folder, target = source_folder(source, otherwise), Path(target)
    corpus = convert_corpus(folder, target / GOLD, lang=lang, progress=progress)
    labels = sorted({label for counts in corpus.counts.values() for label in counts.entities})
    name = label_map or _fitting_map(labels)
    if name == NO_MAP:
        mapped: dict[str, str | None] = {label: label for label in labels}
    else:
        found = read_label_map(name)
        mapped = {} if found is None else dict(found.labels)
        others = {new for new in mapped.values() if new is not None} - set(labels)
        if others:
            values = {"name": name, "others": ", ".join(sorted(others)), "labels": ", ".join(labels)}
            raise UserError(Errors.E953.format(**values))
    dropped = _unknown_labels(teacher, mapped, labels) if teacher else []
    mapped |= dict.fromkeys(dropped)
    write_whole(target / LABEL_MAP, json.dumps(mapped, indent=2, ensure_ascii=False).encode())
    return BootstrapCorpus(folder, corpus, labels, name, dropped)


def source_folder(source: str | Path, otherwise: str | Path | None = None) -> Path:
    """RETURNS (Path): The folder of a corpus; the other where there is none and another is given."""
    return Path(otherwise) if otherwise and not Path(source).is_dir() else Path(source)


def _unknown_labels(teacher: str, mapped: Mapping[str, str | None], labels: Collection[str]) -> list[str]:
    """RETURNS (list[str]): The teacher's labels that a map leaves as they are, and the corpus hasn't, sorted.

    RAISES (UserError): Where none of the teacher's labels becomes one of the corpus's.
    """
    theirs = find_annotators(teacher)[0].labels()
    if theirs is None:
        # It doesn't say what it looks for.
        return []
    made = {label: mapped.get(label, label) for label in theirs}
    if not set(labels) & set(made.values()):
        values = {"teacher": teacher, "theirs": ", ".join(sorted(theirs)), "labels": ", ".join(labels)}
        raise UserError(Errors.E954.format(**values))
    return sorted(label for label, new in made.items() if new is not None and new not in labels)


def _fitting_map(labels: list[str]) -> str:
    """RETURNS (str): The map that ships whose new labels are all among the corpus's, and most of them.

    RAISES (UserError): Where there is none.
    """
    made = {
        name: {new for new in read_label_map(name).labels.values() if new is not None}
        for name in shipped_label_maps()
    }
    fitting = [name for name, new in made.items() if new <= set(labels)]
    if not fitting:
        raise UserError(Errors.E788.format(labels=", ".join(labels), known=", ".join(made)))
    return max(fitting, key=lambda name: len(made[name]))
