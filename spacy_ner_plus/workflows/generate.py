"""Synthetic records, from any of the backends: checked, written, and accounted for."""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_texts
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.annotation.generate.backend import Made
    from spacy_ner_plus.annotation.generate.diversity import Diversity
    from spacy_ner_plus.annotation.generate.overlap import KnownCorpus, Overlap
    from spacy_ner_plus.annotation.generate.records import Record, RecordCheck

PARTS = ("train", "dev", "test")
_SHOWN = 60


@dataclass(frozen=True)
class Generated:
    """A corpus that was made.

    entities (dict[str, list[tuple[str, str]]]): Label and text of the entities, by part.
    records (dict[str, int]): How many records each part has.
    shared (list[str]): Entities that are in several parts, in lower case; with `templates` there are none.
    baseline (dict[str, Any]): What the baseline trained on train scores on dev; empty without dev.
    backend (str): What made it.
    asked (dict[str, int]): How many records each part was to have.
    offered (int): How many texts came, with those that were refused.
    refused (IssueLog): Texts that got into no part, by reason, with the first of each.
    diversity (dict[str, Diversity]): By part, how much of it repeats itself.
    overlaps (list[Overlap]): What the parts together have in common with each corpus that was named.
    notes (tuple[str, ...]): What else the backend says.
    usage (Mapping[str, Any]): What a chat model took; empty without one.
    files (list[Path]): What was written.
    losses (IssueLog): What other formats than `bio-json` have no place for, or write otherwise, such as a label.
    """

    entities: dict[str, list[tuple[str, str]]]
    records: dict[str, int]
    shared: list[str]
    baseline: dict[str, Any]
    backend: str = "templates"
    asked: dict[str, int] = field(default_factory=dict)
    offered: int = 0
    refused: IssueLog = field(default_factory=IssueLog)
    diversity: "dict[str, Diversity]" = field(default_factory=dict)
    overlaps: "list[Overlap]" = field(default_factory=list)
    notes: tuple[str, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    losses: IssueLog = field(default_factory=IssueLog)

    def labels(self, part: str) -> dict[str, int]:
        """RETURNS (dict[str, int]): How many entities of each label a part has, by name of the label."""
        names = [label for label, _ in self.entities[part]]
        return {label: names.count(label) for label in sorted(set(names))}

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it but the entities themselves, for JSON."""
        refused = [{"reason": kind, **asdict(issue)} for kind, issue in self.refused]
        return {
            "backend": self.backend,
            "asked": self.asked,
            "kept": self.records,
            "offered": self.offered,
            "refused": refused,
            "labels": {part: self.labels(part) for part in self.records},
            "entities_in_several_parts": self.shared,
            "diversity": {part: asdict(found) for part, found in self.diversity.items()},
            "overlaps": [asdict(found) for found in self.overlaps],
            "baseline": self.baseline,
            "notes": list(self.notes),
            "losses": [{"kind": kind, **asdict(issue)} for kind, issue in self.losses],
            "usage": dict(self.usage),
        }


def generate(
    target: str | Path,
    *,
    train: int = 200,
    dev: int = 50,
    test: int = 0,
    seed: int = 0,
    lang: str = "en",
    backend: str = "templates",
    settings: Mapping[str, Any] | None = None,
    to: Sequence[str] = (),
    instructions: Sequence[str] = (),
    against: Sequence[str | Path] = (),
    report: str | Path | None = None,
    progress: Progress = no_progress,
) -> Generated:
    """Make a corpus and write it as train.json, dev.json and test.json of the form `bio-json`: all of it, or nothing.

    target (str | Path): The folder, which is made where it is missing.
    train (int): Records to train on. Default: 200.
    dev (int): Records to choose the best step on. Default: 50.
    test (int): Records to evaluate on, which share templates with dev's where `templates` makes them. Default: 0 for
        none.
    seed (int): The same seed makes the same files. Default: 0.
    lang (str): Language of the records. Default: 'en'.
    backend (str): What makes them: 'templates', 'presidio', 'llm', or another package's. Default: 'templates'.
    settings (Mapping[str, Any]): The backend's, by name. Default: its own.
    to (Sequence[str]): Formats to write each part in beside that: 'spacy' for train.spacy, or another that `convert`
        writes. Default: none.
    instructions (Sequence[str]): Forms of instruction data to write each part in: 'universal-ner', or a reply format of
        `structured_llm_ner`, such as 'guidelines'. Default: none.
    against (Sequence[str | Path]): Corpora, of any format, to say what the records have in common with. Default: none.
    report (str | Path): A file for the account of it all, as JSON. Default: none.
    progress (Progress): Wraps what takes long. Default: none.
    RAISES (UserError): More records than there can be, an unknown language, backend or setting, a
        folder that can't be written to.
    """
    from spacy_ner_plus.annotation.generate.backend import Asked
    from spacy_ner_plus.annotation.generate.records import RecordCheck, surfaces_of
    from spacy_ner_plus.annotation.generate.registered import get_backend, settings_of
    from spacy_ner_plus.evaluation.baseline import predict_baseline
    from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
    from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
    from spacy_ner_plus.files import cant_write, written_together

    folder = Path(target)
    if folder.exists() and not folder.is_dir():
        raise cant_write(folder, "it is a file")
    sizes = {"train": train, "dev": dev, "test": test}
    for part, least in (("train", 1), ("dev", 1 if backend == "templates" else 0), ("test", 0)):
        if sizes[part] < least:
            raise UserError(Errors.E404.format(part=part, asked=sizes[part]))
    maker = get_backend(backend)
    chosen = settings_of(maker, settings or {})
    nlp = blank_pipeline(lang)
    writers = _Writers(nlp, to, instructions)
    report = None if report is None else Path(report)
    parts = [part for part, size in sizes.items() if size]
    files = [*(folder / name for name in writers.names(parts)), *([] if report is None else [report])]
    inputs = [("a corpus to compare with", path) for path in against]
    check_targets({f"'{path.name}'": path for path in files}, inputs)
    # All is read before a chat model is asked, and paid.
    corpora = [_read_corpus(corpus, nlp, progress) for corpus in against]
    check = RecordCheck(nlp)
    made = maker.make(Asked(sizes, seed, lang), chosen, check, progress)
    parts = _checked(made, sizes, check, backend)
    docs = {part: [record.to_doc(nlp) for record in parts.get(part, ())] for part in ("train", "dev")}
    baseline = (
        seqeval_scores(match_docs(docs["dev"], predict_baseline(docs["train"], docs["dev"])))
        if docs["train"] and docs["dev"]
        else {}
    )
    surfaces = {part: surfaces_of(records) for part, records in parts.items()}
    shared = {text for one, other in combinations(surfaces.values(), 2) for text in one & other}
    everything = [record for records in parts.values() for record in records]
    generated = Generated(
        {
            part: [entity for record in records for entity in record.entities]
            for part, records in parts.items()
        },
        {part: len(records) for part, records in parts.items()},
        sorted(shared),
        baseline,
        backend=backend,
        asked={part: size for part, size in sizes.items() if size},
        offered=check.offered,
        refused=check.refused,
        diversity=_diversity(parts, seed),
        overlaps=[corpus.overlap(everything) for corpus in corpora],
        notes=made.notes,
        usage=made.usage,
        files=files,
    )
    with written_together(files) as besides:
        writers.write(parts, made, besides, generated.losses)
        if report is not None:
            besides[-1].write_text(
                json.dumps(generated.to_dict(), indent=2, ensure_ascii=False) + "\n", "utf-8"
            )
    if others := _other_files(folder, files):
        shown = f"{', '.join(path.name for path in others[:5])}{', ...' if len(others) > 5 else ''}"
        warnings.warn(Warnings.W731.format(folder=folder, files=shown), stacklevel=2)
    for part, size in generated.asked.items():
        if generated.records.get(part, 0) < size:
            values = {"part": part, "kept": generated.records.get(part, 0), "asked": size, "backend": backend}
            warnings.warn(Warnings.W730.format(**values), stacklevel=2)
    return generated


def _checked(
    made: "Made", sizes: Mapping[str, int], check: "RecordCheck", backend: str
) -> "dict[str, list[Record]]":
    """Take no record that the check hasn't made, and none that wasn't asked for."""
    parts = {part: made.parts.get(part, [])[:size] for part, size in sizes.items() if size}
    for part, records in parts.items():
        for record in records:
            if not check.has_made(record):
                shown = f"{record!r}"[:_SHOWN]
                raise UserError(Errors.E734.format(backend=backend, part=part, record=shown))
    if not any(parts.values()):
        reasons = "; ".join(
            f"{issue.count:,} {kind}, such as '{issue.example}'" for kind, issue in check.refused
        )
        raise UserError(Errors.E735.format(backend=backend, reasons=reasons or "nothing came"))
    return parts


def _other_files(folder: Path, written: Iterable[Path]) -> list[Path]:
    """RETURNS (list[Path]): Files of a part in the folder that another run has left there."""
    mine = {path.name for path in written}
    found = [path for path in folder.iterdir() if path.name.split(".")[0] in PARTS and path.name not in mine]
    return sorted(path for path in found if path.is_file())


def _diversity(parts: "Mapping[str, list[Record]]", seed: int) -> "dict[str, Diversity]":
    from spacy_ner_plus.annotation.generate.diversity import measure_diversity

    return {part: measure_diversity(records, seed) for part, records in parts.items() if records}


def _read_corpus(corpus: str | Path, nlp: "Language", progress: Progress) -> "KnownCorpus":
    from spacy_ner_plus.annotation.generate.overlap import KnownCorpus

    log = {"encoding": "utf-8", "written": (), "issues": IssueLog(), "notes": []}
    records = read_texts([str(corpus)], nlp, format="auto", options={}, progress=progress, **log)
    return KnownCorpus((record.doc for record in records), str(corpus))


class _Writers:
    """Writes the parts in all the forms that were asked for.

    RAISES (UserError): A form that can't be written.
    """

    def __init__(self, nlp: "Language", formats: Sequence[str], instructions: Sequence[str]):
        from spacy_ner_plus.annotation.generate.instructions import INSTRUCTIONS, UNIVERSAL_NER
        from spacy_ner_plus.data.outputs import target_format

        for name in instructions:
            if name not in INSTRUCTIONS:
                raise UserError(Errors.E736.format(instructions=name, known=", ".join(INSTRUCTIONS)))
        self._nlp = nlp
        corpora = [*formats, *(name for name in instructions if name == UNIVERSAL_NER)]
        self._formats = [
            target_format(Path(), name, 0) for name in dict.fromkeys(corpora) if name != "bio-json"
        ]
        for format in self._formats:
            if getattr(format, "writes_folder", False):
                raise UserError(Errors.E737.format(format=format.name))
        self._replies = list(dict.fromkeys(name for name in instructions if name != UNIVERSAL_NER))

    def names(self, parts: Iterable[str]) -> list[str]:
        """RETURNS (list[str]): The names of the files, in the order in which they are written."""
        found = []
        for part in parts:
            found.append(f"{part}.json")
            for format in self._formats:
                ending = next(iter(format.endings), "")
                # train.spacy and train.jsonl, and train.universal-ner.json beside train.json.
                found.append(f"{part}{'' if ending == f'.{format.name}' else f'.{format.name}'}{ending}")
            found += [f"{part}.{name}.jsonl" for name in self._replies]
        return found

    def write(
        self,
        parts: "Mapping[str, list[Record]]",
        made: "Made",
        paths: Sequence[Path],
        losses: IssueLog,
    ) -> None:
        from spacy_ner_plus.annotated_labels import set_annotated_labels
        from spacy_ner_plus.annotation.generate.instructions import UNIVERSAL_NER, conversations
        from spacy_ner_plus.annotation.generate.records import records_to_json
        from spacy_ner_plus.data.format_losses import count_losses

        places = iter(paths)
        for records in parts.values():
            next(places).write_text(records_to_json(records), "utf-8")
            for format in self._formats:
                docs: Iterable[Doc] = [record.to_doc(self._nlp) for record in records]
                if format.name == UNIVERSAL_NER:
                    # Also asks for what a part happens not to have.
                    for doc in docs:
                        set_annotated_labels(doc, made.labels.names)
                else:
                    docs = count_losses(docs, format, self._nlp, losses)
                format.write(docs, next(places), format.options(), losses)
            for name in self._replies:
                with next(places).open("w", encoding="utf-8", newline="\n") as file:
                    file.writelines(conversations(records, made.labels, name))
