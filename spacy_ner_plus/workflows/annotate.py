"""Texts to a corpus: annotated by one pipeline or several, and what they agree on."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import writing
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.annotators import Pipeline, find_annotators
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_label_map, read_texts
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.convert import ConvertedDocs
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.annotation.weak_labels.annotator import Annotator, TextAnswer
    from spacy_ner_plus.annotation.weak_labels.shards import ShardStore
    from spacy_ner_plus.annotation.weak_labels.texts import SourceText, TextSpool
    from spacy_ner_plus.data.label_map import LabelMap
    from spacy_ner_plus.data.records.record import Record
    from spacy_ner_plus.data.statistics.counts import CorpusCounts
    from spacy_ner_plus.pipeline.entity_vote.policies import Policy

# Texts of one shard: what a run that is killed loses at most, and what is in memory at once.
SHARD = 1000
# The policies that a short name means.
POLICIES = ("majority", "union", "intersection")
FAILED = "text on which {name} failed: missing there"


@dataclass
class Annotation:
    """What annotating gave.

    docs (ConvertedDocs): The Docs.
    counts (CorpusCounts): What they hold.
    path (Path | None): What was written; None where there is no target.
    kept_at (Path | None): Where the annotators' answers are kept for a further run; None where they aren't.
    issues (IssueLog): What was lost or left out.
    notes (list[str]): What was found out about the sources.
    """

    docs: ConvertedDocs
    counts: "CorpusCounts"
    path: Path | None = None
    kept_at: Path | None = None
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)


def annotate(
    pipelines: Pipeline | Sequence[Pipeline],
    texts: str | Path | Sequence[str | Path],
    target: str | Path | None = None,
    *,
    format: str = "auto",
    target_format: str | None = None,
    options: Mapping[str, Any] | None = None,
    lang: str | None = None,
    encoding: str = "utf-8",
    label_map: str | Path | Mapping[str, str | None] | None = None,
    policy: "str | Policy" = "majority",
    keep: float = 0.0,
    overrides: Iterable[str] = (),
    code: str | Path | None = None,
    batch_size: int | None = None,
    shard_size: int = SHARD,
    work: str | Path | None = None,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> Annotation:
    """Annotate texts with one pipeline or several, and write what they agree on as a corpus to train on.

    What is doubtful is missing, and not O: spans that the policy doesn't keep or whose score is below `keep`, and
    tokens of which no pipeline says anything. It doesn't count in training. What the pipelines said is kept beside
    the target a shard at a time, so that a run which is cut off goes on where it was, and one with another policy
    asks nobody again.

    pipelines (Language | str | Path | Sequence): Folders, names of installed packages, or pipelines; a string may be
        NAME=PIPELINE.
    texts (str | Path | Sequence[str | Path]): Files, folders, '-' for standard input, or datasets; their annotation,
        if there is any, isn't looked at.
    target (str | Path): The file to write, whose ending says the format. Default: nothing is written.
    format (str): Of the texts: one of `formats()`, or 'text' for one text a line. Default 'auto': by ending and
        content, and one text a line in a .txt file that is no corpus.
    target_format (str): Of the target, one of `formats()` that is written. Default: as its ending says.
    options (Mapping[str, Any]): How to read and write, by the names that the formats' options have.
    lang (str): Language code, by whose rules texts get their tokens. Default: the first pipeline's.
    encoding (str): Of text files. Default: 'utf-8'.
    label_map (str | Path | Mapping): New labels by the pipelines' own, None to drop one; or a JSON or YAML file of it.
    policy (str | Callable): 'majority', 'union', 'intersection', the name of a registered function (`@misc`) that
        makes a policy, or a policy. Default: 'majority'.
    keep (float): The least score of an entity, from 0 to 1; what is below is missing. Default: 0.
    overrides (Iterable[str]): Settings of the pipelines as key=value.
    code (str | Path): A Python file to run before the pipelines are loaded. Default: none.
    batch_size (int): Texts at once. Default: each pipeline's own.
    shard_size (int): Texts of a shard. Default: 1000.
    work (str | Path): Folder for what the pipelines said. Default: beside the target, as NAME.answers; without a
        target, nothing is kept.
    issues (IssueLog): Where losses are counted; it outlives a failure, which it may explain.
    notes (list[str]): Likewise for what is found out about the sources.
    progress (Progress): Wraps the texts of the sources, and then those that each pipeline annotates. Default: none.
    RAISES (UserError): What the user can mend; nothing is written to the target then.
    """
    from spacy_ner_plus.annotation.weak_labels.shards import ShardStore
    from spacy_ner_plus.data.formats.options import options_for
    from spacy_ner_plus.data.outputs import open_outputs, staged
    from spacy_ner_plus.data.outputs import target_format as find_target_format
    from spacy_ner_plus.data.statistics.counts import CorpusCounts

    at_least("batch_size", batch_size, 1)
    at_least("shard_size", shard_size, 1)
    names = [str(name) for name in ([texts] if isinstance(texts, str | Path) else texts)]
    target = None if target is None else Path(target)
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    given = dict(options or {})
    labels = read_label_map(label_map)
    writer = None if target is None else find_target_format(target, target_format, 0)
    writer_options = None if writer is None else options_for(writer, given)
    if target is not None:
        maps = [("the label map", label_map if isinstance(label_map, str | Path) else None)]
        check_overlap(
            {"the corpus": target}, [*(("a file of texts", name) for name in names if name != "-"), *maps]
        )
    decide = find_policy(policy)
    annotators = find_annotators(pipelines, overrides=overrides, code=code, batch_size=batch_size)
    if lang is None:
        lang = annotators[0].nlp.lang
    nlp = blank_pipeline(lang)
    with (
        TemporaryDirectory(prefix="spacy-ner-plus-") as scratch,
        open_outputs({"": target}, writer, writer_options) as outputs,
    ):
        if work is None:
            work = scratch if target is None else target.with_name(f"{target.name}.answers")
        store = ShardStore(Path(work))
        records = read_texts(
            names,
            nlp,
            format=format,
            options=given,
            encoding=encoding,
            written=[] if target is None else [target],
            issues=issues,
            notes=notes,
            progress=progress,
        )
        spool = _spool(records, Path(scratch))
        try:
            if not len(spool):
                raise UserError(Errors.E127.format(sources=", ".join(names)))
            counts = CorpusCounts()
            for doc in _weak_docs(
                spool, annotators, store, nlp, shard_size, decide, keep, labels, issues, progress
            ):
                counts.add(doc)
                outputs[""].add(doc)
        finally:
            spool.close()
        notes += labels.notes() if labels else []
        with staged(outputs.values(), nlp, issues):
            pass
        docs = ConvertedDocs(outputs[""].spools, nlp.vocab)
    kept_at = Path(work) if Path(work).is_dir() else None
    return Annotation(docs, counts, target, kept_at, issues, notes)


def find_policy(policy: "str | Policy") -> "Policy":
    """Find an agreement policy.

    policy (str | Callable): 'majority', 'union' or 'intersection', the name of a registered function that makes one,
        or a policy.
    RAISES (UserError): Where there is none of that name.
    """
    from spacy import registry

    if not isinstance(policy, str):
        return policy
    name = policy if "." in policy else f"spacy_ner_plus.{policy}.v1"
    if not registry.has("misc", name):
        raise UserError(Errors.E658.format(policy=policy, known=", ".join(POLICIES)))
    return registry.misc.get(name)()


def _spool(records: "Iterable[Record]", folder: Path) -> "TextSpool":
    """All texts, read to their end before any is annotated: what can't be read is told at once."""
    from spacy_ner_plus.annotation.weak_labels.texts import SourceText, TextSpool

    spool = TextSpool(folder)
    try:
        with writing(folder):
            for record in records:
                spool.add(SourceText.of(record))
    except BaseException:
        spool.close()
        raise
    return spool


def _weak_docs(
    spool: "TextSpool",
    annotators: "Sequence[Annotator]",
    store: "ShardStore",
    nlp: "Language",
    shard_size: int,
    policy: "Policy",
    keep: float,
    labels: "LabelMap | None",
    issues: IssueLog,
    progress: Progress,
) -> "Iterator[Doc]":
    from spacy_ner_plus.annotation.weak_labels.annotator import rename
    from spacy_ner_plus.annotation.weak_labels.weak_doc import align_answer, weak_record
    from spacy_ner_plus.pipeline.entity_vote.decision import decide

    new_label = labels.new_label if labels else str
    known = [_renamed(annotator.labels(), labels) for annotator in annotators]
    names = [annotator.name for annotator in annotators]
    for text, answers in _answers(spool, annotators, store, shard_size, progress):
        doc = text.doc(nlp.vocab)
        for name, answer in zip(names, answers, strict=True):
            if answer.failure:
                issues.add(FAILED.format(name=name), answer.failure, text.where)
        aligned = [
            align_answer(doc, rename(answer, new_label), by_label, issues, f"{name}, {text.where}")
            for name, by_label, answer in zip(names, known, answers, strict=True)
        ]
        decision = decide(aligned, names, policy, keep=keep)
        weak_record(text, doc, decision, names, [answer.failure for answer in answers])
        yield doc


def _answers(
    spool: "TextSpool",
    annotators: "Sequence[Annotator]",
    store: "ShardStore",
    shard_size: int,
    progress: Progress,
) -> "Iterator[tuple[SourceText, tuple[TextAnswer, ...]]]":
    """YIELDS (tuple[SourceText, tuple[TextAnswer, ...]]): Each text with what each annotator says of it."""
    done: deque[tuple[SourceText, tuple[TextAnswer, ...]]] = deque()

    def steps() -> Iterator[None]:
        for texts in spool.shards(shard_size):
            answers = []
            for annotator in annotators:
                answers.append((yield from store.answers(annotator, texts)))
            done.extend(zip(texts, zip(*answers, strict=True), strict=True))

    for _ in progress(steps(), "Annotating", len(spool) * len(annotators)):
        while done:
            yield done.popleft()
    yield from done


def _renamed(labels: frozenset[str] | None, label_map: "LabelMap | None") -> frozenset[str] | None:
    if labels is None or label_map is None:
        return labels
    new = {label_map.labels.get(label, label) for label in labels}
    return frozenset(label for label in new if label is not None)
