"""Which entities of a corpus are probably wrong, by pipelines that didn't learn from them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.annotators import Pipeline, find_annotators
from spacy_ner_plus.workflows.arguments.corpora import check_annotation
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.pipelines import parse_overrides
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_texts
from spacy_ner_plus.workflows.arguments.targets import check_overlap, is_same_file
from spacy_ner_plus.workflows.progress import Progress, no_progress
from spacy_ner_plus.workflows.review.alone import alone

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.annotation.review.label_errors.readers import Reader
    from spacy_ner_plus.annotation.review.label_errors.suggestions import Suggestion

NUMBER, FOLDS, STEPS = 200, 4, 300
ANNOTATED, FOUND = "annotated", "found"
# Documents that are read at once.
BATCH = 64
UNKNOWN_LABEL = "entity with a label that {name} doesn't look for: nothing is suggested there"


@dataclass
class LabelErrors:
    """What is probably wrong in a corpus.

    rows (list[dict[str, Any]]): The suggestions, the most suspicious first: `rank`, `score`, `kind`, `document` from 1,
        `id` and `where` of its record, `start` and `end` in characters, `text`, the words `before` and `after`, what is
        `annotated` and what was `found` there, each a list of spans, and the probability of both.
    docs (list[Doc]): Their documents, the most suspicious first, ready for a review tool.
    suggested (int): How many places are suspicious, those that aren't among the rows, too.
    kinds (dict[str, int]): How many of these are of each kind.
    documents (int): How many documents the corpus has.
    entities (int): How many entities.
    path (Path | None): What was written.
    report_path (Path | None): Where the rows were written, as JSON lines.
    issues (IssueLog): What was lost or left out.
    notes (list[str]): What was found out about the sources.
    """

    rows: list[dict[str, Any]]
    docs: list["Doc"]
    suggested: int
    kinds: dict[str, int]
    documents: int
    entities: int
    path: Path | None = None
    report_path: Path | None = None
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)


def review_suggest(
    corpus: str | Path | Sequence[str | Path],
    target: str | Path | None = None,
    *,
    pipelines: Pipeline | Sequence[Pipeline] = (),
    predictions: str | Path | Sequence[str | Path] = (),
    config: str | Path | None = None,
    folds: int = FOLDS,
    steps: int = STEPS,
    work: str | Path | None = None,
    seed: int = 0,
    number: int = NUMBER,
    kinds: Sequence[str] = (),
    least: float = 0.0,
    show: str = ANNOTATED,
    report: str | Path | None = None,
    format: str = "auto",
    options: Mapping[str, Any] | None = None,
    lang: str = "en",
    encoding: str = "utf-8",
    overrides: Iterable[str] = (),
    code: str | Path | None = None,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> LabelErrors:
    """Find probable label errors in a corpus, and write their documents for people to review.

    Every document is read by pipelines that didn't learn from it, and each place where they read something else than
    what is annotated is weighed as a whole: what counts is how much more probable their reading is. A `transformer_ner`
    weighs both readings by the scores of its tags, other pipelines by the scores of their entities.

    corpus (str | Path | Sequence): The corpus, in any format of the converter.
    target (str | Path): The .spacy file for the documents, the most suspicious first; where there are none, it isn't
        written. Default: nothing is written.
    pipelines (Language | str | Path | Sequence): Pipelines that didn't learn from the corpus; several are averaged.
    predictions (str | Path | Sequence): Corpora of out-of-fold predictions, found by their texts; averaged as well.
    config (str | Path): A training config, by which a pipeline for each fold is trained on all others.
    folds (int): Into how many the corpus is dealt then; the same text is in one alone. Default: 4.
    steps (int): After how many each training ends. Default: 300.
    work (str | Path): Folder for the folds; what was trained there from the same isn't trained again. Default: beside
        the target, as NAME.folds.
    seed (int): Of the folds' random order. Default: 0.
    number (int): How many suggestions at most. Default: 200.
    kinds (Sequence[str]): Only those of these kinds: label, boundary, label and boundary, missing, spurious.
    least (float): Only those of at least this score, from 0 to 1. Default: 0.
    show (str): What a person begins with, the entities that are 'annotated' or those that were 'found'; either stands
        in the record's meta under `suggestions`. Default: annotated.
    report (str | Path): File for the rows. Default: beside the target, as NAME.suggestions.jsonl.
    format (str), options (Mapping), lang (str), encoding (str): Of the corpus, as for `convert`.
    overrides (Iterable[str]): Settings of the pipelines, or of the config, as key=value.
    code (str | Path): A Python file to run before. Default: none.
    issues (IssueLog): Where losses are counted; it outlives a failure, which it may explain.
    notes (list[str]): Likewise for what is found out about the sources.
    progress (Progress): Wraps documents and trainings. Default: none.
    RAISES (UserError): What the user can mend; nothing is written to the target then.
    """
    from spacy_ner_plus.annotation.review.label_errors.folds import split_folds
    from spacy_ner_plus.annotation.review.label_errors.marked_docs import marked_docs, to_row
    from spacy_ner_plus.annotation.review.label_errors.readers import PredictionReader, make_reader
    from spacy_ner_plus.annotation.review.label_errors.suggestions import KINDS
    from spacy_ner_plus.data.formats.registered import get_format
    from spacy_ner_plus.data.outputs import open_outputs, staged
    from spacy_ner_plus.data.records.record import record_of
    from spacy_ner_plus.workflows.review.fold_training import train_folds

    at_least("number", number, 1)
    at_least("folds", folds, 2)
    at_least("steps", steps, 2)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UserError(Errors.E762.format(setting="kind", value=unknown[0], choices=", ".join(KINDS)))
    if show not in (ANNOTATED, FOUND):
        raise UserError(Errors.E762.format(setting="show", value=show, choices=f"{ANNOTATED}, {FOUND}"))
    names, predicted = _names(corpus), _names(predictions)
    given = [pipelines] if not isinstance(pipelines, Sequence) or isinstance(pipelines, str) else pipelines
    if bool(given or predicted) == (config is not None):
        raise UserError(Errors.E761)
    target = None if target is None else Path(target)
    if target is not None and target.suffix != ".spacy":
        raise UserError(Errors.E837.format(path=target))
    report = _beside(target, ".suggestions.jsonl") if report is None else Path(report)
    work = _beside(target, ".folds") if work is None else Path(work)
    if config is not None and work is None:
        raise UserError(Errors.E763)
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    nlp = blank_pipeline(lang)
    writer = None if target is None else get_format("spacy")
    outputs_by_name = {"the documents": target, "the suggestions": report}
    inputs = [*(("the corpus", name) for name in names), *(("predictions", name) for name in predicted)]
    for name in predicted:
        if any(is_same_file(Path(name), Path(other)) for other in names):
            raise UserError(Errors.E839.format(path=name))
    check_overlap({name: path for name, path in outputs_by_name.items() if path is not None}, inputs)
    reading = {"encoding": encoding, "issues": issues, "notes": notes, "progress": progress}
    written = [path for path in (target, report) if path is not None]
    with ExitStack() as stack, open_outputs({"": target}, writer) as outputs:
        records = read_texts(
            names, nlp, format=format, options=dict(options or {}), writer=writer, written=written, **reading
        )
        docs = [record.doc for record in records]
        if not docs:
            raise UserError(Errors.E127.format(sources=", ".join(names)))
        check_annotation(docs, names[0])
        everywhere = list(range(len(docs)))
        groups: Iterable[tuple[list[Reader], list[int]]]
        if config is None:
            annotators = find_annotators(given, overrides=overrides, code=code) if given else []
            readers: list[Reader] = [make_reader(annotator) for annotator in annotators]
            for name in predicted:
                found = read_texts([name], nlp, format="auto", options={}, written=written, **reading)
                reader = PredictionReader(name, (record.doc for record in found))
                if not reader.knows(docs):
                    values = {"where": record_of(docs[0])["where"], "text": repr(docs[0].text[:60])}
                    raise UserError(Errors.E838.format(path=name, **values))
                readers.append(reader)
            groups = [(readers, everywhere)]
        else:
            dealt = split_folds(docs, folds, seed, setting="`folds` (--folds)")
            stack.enter_context(alone(work, "work", "--work"))
            settings = parse_overrides(overrides)
            models = train_folds(docs, dealt, Path(config), work, steps, settings, code)
            groups = _fold_readers(progress(models, "Training on the other folds", folds), dealt, code)
        suggestions = list(_suggestions(docs, groups, issues, notes, progress))
        suggestions.sort(key=lambda one: (-one.score, one.document, one.start))
        counts = Counter(one.kind for one in suggestions)
        chosen = [one for one in suggestions if one.score >= least and (not kinds or one.kind in kinds)][
            :number
        ]
        rows = [to_row(one, docs[one.document], rank) for rank, one in enumerate(chosen, start=1)]
        suspicious = marked_docs(docs, chosen, rows, show_found=show == FOUND)
        for doc in suspicious:
            outputs[""].add(doc)
        if target is not None and not suspicious:
            # A corpus without documents can't be pushed.
            old = " (the one that is there is that of an earlier run)" if target.exists() else ""
            notes.append(f"no suspicious place is suggested: {target} isn't written{old}")
            target = None
        with staged(outputs.values() if suspicious else (), nlp, issues):
            if report is not None:
                lines = (json.dumps(row, ensure_ascii=False) for row in rows)
                write_whole(report, "".join(f"{line}\n" for line in lines).encode())
    return LabelErrors(
        rows,
        suspicious,
        len(suggestions),
        {kind: counts[kind] for kind in KINDS},
        len(docs),
        sum(len(doc.ents) for doc in docs),
        target,
        report,
        issues,
        notes,
    )


def _names(sources: str | Path | Sequence[str | Path]) -> list[str]:
    return [str(name) for name in ([sources] if isinstance(sources, str | Path) else sources)]


def _beside(target: Path | None, ending: str) -> Path | None:
    return None if target is None else target.with_name(f"{target.name}{ending}")


def _fold_readers(
    models: Iterable[Path], folds: Sequence[list[int]], code: str | Path | None
) -> "Iterator[tuple[list[Reader], list[int]]]":
    """YIELDS (tuple[list[Reader], list[int]]): Who reads a fold, and the numbers of its documents."""
    from spacy_ner_plus.annotation.review.label_errors.readers import make_reader

    for number, (model, fold) in enumerate(zip(models, folds, strict=True), start=1):
        yield [make_reader(find_annotators(f"fold {number}={model}", code=code)[0])], fold


def _suggestions(
    docs: Sequence["Doc"],
    groups: "Iterable[tuple[list[Reader], list[int]]]",
    issues: IssueLog,
    notes: list[str],
    progress: Progress,
) -> "Iterator[Suggestion]":
    from spacy.util import minibatch

    from spacy_ner_plus.annotated_labels import annotated_labels
    from spacy_ner_plus.annotation.review.label_errors.suggestions import Annotated, find_suggestions
    from spacy_ner_plus.data.records.record import record_of

    all_labels = frozenset(ent.label_ for doc in docs for ent in doc.ents)
    all_labels |= frozenset().union(*(annotated_labels(doc) or () for doc in docs))
    others: set[str] = set()
    for readers, numbers in groups:
        labels = all_labels
        for reader in readers:
            known = reader.labels()
            if known is None:
                continue
            others |= known - all_labels
            for number in numbers:
                for ent in docs[number].ents:
                    if ent.label_ in labels - known:
                        place = record_of(docs[number])["where"] or f"document {number + 1}"
                        issues.add(UNKNOWN_LABEL.format(name=reader.name), f"{ent.text} {ent.label_}", place)
            labels &= known
        for some in minibatch(progress(numbers, "Comparing"), BATCH):
            batch = [docs[number] for number in some]
            wanted = [labels if (there := annotated_labels(doc)) is None else labels & there for doc in batch]
            answers = [reader.read(batch, wanted, issues) for reader in readers]
            yield from find_suggestions(
                [Annotated.of(doc, number, labels) for doc, number in zip(batch, some, strict=True)], answers
            )
    if others:
        notes.append(f"labels that the corpus hasn't aren't suggested: {', '.join(sorted(others))}")
