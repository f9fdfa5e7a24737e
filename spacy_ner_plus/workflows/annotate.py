"""Texts to a corpus: annotated by one pipeline or several, and what they agree on."""

import json
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.files import write_whole, writing
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.annotators import Pipeline, find_annotators
from spacy_ner_plus.workflows.arguments.corpora import check_annotation
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_label_map, read_texts
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.convert import ConvertedDocs
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.annotation.distil.softness import Softness
    from spacy_ner_plus.annotation.weak_labels.agreement import Agreement
    from spacy_ner_plus.annotation.weak_labels.annotator import Annotator, TextAnswer
    from spacy_ner_plus.annotation.weak_labels.panel import Panel
    from spacy_ner_plus.annotation.weak_labels.shards import ShardStore
    from spacy_ner_plus.annotation.weak_labels.texts import SourceText, TextSpool
    from spacy_ner_plus.data.formats.format import Format
    from spacy_ner_plus.data.records.record import Record
    from spacy_ner_plus.data.statistics.counts import CorpusCounts
    from spacy_ner_plus.pipeline.entity_vote.policies import Policy

# Texts of one shard: what a run that is killed loses at most, and what is in memory at once.
SHARD = 1000
# The policies that a short name means.
POLICIES = ("majority", "union", "intersection", "weighted")
WEIGHTED = "weighted"


@dataclass
class Annotation:
    """What annotating gave.

    docs (ConvertedDocs): The Docs.
    counts (CorpusCounts): What they hold.
    report (dict[str, Any]): How far the pipelines agree, what was kept, what is doubtful, in JSON's types.
    path (Path | None): What was written; None where there is no target.
    report_path (Path | None): Where the report was written.
    kept_at (Path | None): Where the annotators' answers are kept for a further run; None where they aren't.
    issues (IssueLog): What was lost or left out.
    notes (list[str]): What was found out about the sources.
    """

    docs: ConvertedDocs
    counts: "CorpusCounts"
    report: dict[str, Any]
    path: Path | None = None
    report_path: Path | None = None
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
    dev: str | Path | None = None,
    report: str | Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    overrides: Iterable[str] = (),
    code: str | Path | None = None,
    batch_size: int | None = None,
    shard_size: int = SHARD,
    work: str | Path | None = None,
    soft_temperature: float | None = None,
    episode: str = "",
    limit: int = 0,
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
    label_map (str | Path | Mapping): New labels by the pipelines' own, None to drop one; or a JSON or YAML file of it,
        or the name of one that ships: 'ontonotes-conll'.
    policy (str | Callable): 'majority', 'union', 'intersection', 'weighted', the name of a registered function
        (`@misc`) that makes a policy, or a policy. Default: 'majority'.
    keep (float): The least score of an entity, from 0 to 1; what is below is missing. Default: 0.
    dev (str | Path): An annotated corpus on which the precision of each pipeline with each label is measured, for the
        policy 'weighted'. Default: none.
    report (str | Path): The JSON file of the report. Default: beside the target, as NAME.report.json.
    resamples (int): Of the documents, for the interval of Krippendorff's alpha. Default: 1000.
    seed (int): Of the random numbers. Default: 0.
    overrides (Iterable[str]): Settings of the pipelines as key=value.
    code (str | Path): A Python file to run before the pipelines are loaded. Default: none.
    batch_size (int): Texts at once. Default: each pipeline's own.
    shard_size (int): Texts of a shard. Default: 1000.
    work (str | Path): Folder for what the pipelines said. Default: beside the target, as NAME.answers; without a
        target, nothing is kept.
    soft_temperature (float): Keep how probable each tag is, too, as soft tags (doc.spans["soft_tags"]): 1 for what the
        pipelines think, more for softer ones. Default: None for none.
    episode (str): The episode of all texts (`doc._.episode`): a chat model of several variants draws one of them for
        each text once in an episode, so that a run which is cut off goes on with the same. Default: none.
    limit (int): Only the first texts. Default: 0 for all.
    issues (IssueLog): Where losses are counted; it outlives a failure, which it may explain.
    notes (list[str]): Likewise for what is found out about the sources.
    progress (Progress): Wraps the texts of the sources, and then those that each pipeline annotates. Default: none.
    RAISES (UserError): What the user can mend; nothing is written to the target then.
    """
    from spacy_ner_plus.annotation.distil.softness import Softness
    from spacy_ner_plus.annotation.weak_labels.agreement import Agreement
    from spacy_ner_plus.annotation.weak_labels.panel import Panel
    from spacy_ner_plus.annotation.weak_labels.shards import ShardStore
    from spacy_ner_plus.data.formats.options import options_for
    from spacy_ner_plus.data.outputs import open_outputs, staged
    from spacy_ner_plus.data.outputs import target_format as find_target_format
    from spacy_ner_plus.data.statistics.counts import CorpusCounts

    at_least("batch_size", batch_size, 1)
    at_least("shard_size", shard_size, 1)
    at_least("resamples", resamples, 0)
    at_least("limit", limit, 0)
    if soft_temperature is not None and not 0 < soft_temperature < float("inf"):
        raise UserError(Errors.E771.format(value=repr(soft_temperature)))
    if not isinstance(keep, int | float) or not 0 <= keep <= 1:
        raise UserError(Errors.E654.format(name="keep", value=repr(keep)))
    names = [str(name) for name in ([texts] if isinstance(texts, str | Path) else texts)]
    target = None if target is None else Path(target)
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    given = dict(options or {})
    labels = read_label_map(label_map)
    writer = None if target is None else find_target_format(target, target_format, 0)
    writer_options = None if writer is None else options_for(writer, given)
    report_path = _report_path(report, target)
    outputs_by_name = {"the corpus": target, "the report": report_path}
    inputs = [("a file of texts", name) for name in names if name != "-"]
    inputs += [
        ("the dev corpus", dev),
        ("the label map", label_map if isinstance(label_map, str | Path) else None),
    ]
    check_overlap({name: path for name, path in outputs_by_name.items() if path is not None}, inputs)
    if policy == WEIGHTED and dev is None:
        raise UserError(Errors.E659)
    decide_by = None if policy == WEIGHTED else find_policy(policy)
    annotators = find_annotators(
        pipelines,
        overrides=overrides,
        code=code,
        batch_size=batch_size,
        soft_temperature=soft_temperature,
        episode=episode,
    )
    panel = Panel(annotators, labels)
    nlp = blank_pipeline(annotators[0].nlp.lang if lang is None else lang)
    with (
        TemporaryDirectory(prefix="spacy-ner-plus-") as scratch,
        open_outputs({"": target}, writer, writer_options) as outputs,
    ):
        if work is None:
            work = scratch if target is None else target.with_name(f"{target.name}.answers")
        store = ShardStore(Path(work))
        reading = {
            "options": given,
            "encoding": encoding,
            "issues": issues,
            "notes": notes,
            "progress": progress,
        }
        written = [path for path in (target, report_path) if path is not None]
        records = read_texts(names, nlp, format=format, written=written, **reading)
        spool = _spool(islice(records, limit or None), Path(scratch))
        try:
            if not len(spool):
                raise UserError(Errors.E127.format(sources=", ".join(names)))
            weights = None
            if dev is not None:
                weights = _measure(dev, panel, store, nlp, shard_size, reading)
            if decide_by is None:
                decide_by = find_policy(policy, weights=weights)
            counts, agreement = CorpusCounts(), Agreement(panel.names, panel.labels)
            softness = None if soft_temperature is None else Softness(soft_temperature)
            said = _answers(spool, panel.annotators, store, shard_size, progress, "Annotating")
            for doc in _weak_docs(said, panel, nlp, decide_by, keep, agreement, issues, softness, weights):
                counts.add(doc)
                outputs[""].add(doc)
        finally:
            spool.close()
        notes += labels.notes() if labels else []
        found = {
            **agreement.to_dict(resamples=resamples, seed=seed),
            "policy": policy if isinstance(policy, str) else getattr(policy, "__qualname__", str(policy)),
            "keep": keep,
            "weights": weights,
        }
        if softness is not None:
            found["soft_tags"] = {
                **softness.to_dict(),
                "of_spans_alone": [one.name for one in annotators if not one.gives_soft_tags],
            }
        notes += _about_scores(found)
        _warn_of_missing(agreement.missing, writer)
        with staged(outputs.values(), nlp, issues):
            if report_path is not None:
                write_whole(report_path, json.dumps(found, indent=2, ensure_ascii=False).encode())
        docs = ConvertedDocs(outputs[""].spools, nlp.vocab)
    kept_at = Path(work) if Path(work).is_dir() else None
    return Annotation(docs, counts, found, target, report_path, kept_at, issues, notes)


def _report_path(report: str | Path | None, target: Path | None) -> Path | None:
    if report is not None:
        return Path(report)
    return None if target is None else target.with_name(f"{target.name}.report.json")


def find_policy(policy: "str | Policy", known: Sequence[str] = POLICIES, **arguments: Any) -> "Policy":
    """Find an agreement policy.

    policy (str | Callable): 'majority', 'union', 'intersection' or 'weighted', the name of a registered function that
        makes one, or a policy.
    known (Sequence[str]): Those that a message offers. Default: all of ours.
    arguments (Any): Of the function.
    RAISES (UserError): Where there is none of that name.
    """
    from spacy import registry

    if not isinstance(policy, str):
        return policy
    name = policy if "." in policy else f"spacy_ner_plus.{policy}.v1"
    if not registry.has("misc", name):
        raise UserError(Errors.E658.format(policy=policy, known=", ".join(known)))
    return registry.misc.get(name)(**arguments)


def _spool(records: "Iterable[Record]", folder: Path) -> "TextSpool":
    """All texts, read to their end before any is annotated: what can't be read is told at once."""
    from spacy_ner_plus.annotation.weak_labels.texts import SourceText

    return _spool_texts((SourceText.of(record) for record in records), folder)


def _spool_texts(texts: "Iterable[SourceText]", folder: Path) -> "TextSpool":
    from spacy_ner_plus.annotation.weak_labels.texts import TextSpool

    spool = TextSpool(folder)
    try:
        for text in texts:
            with writing(folder):
                spool.add(text)
        with writing(folder):
            spool.flush()
    except BaseException:
        spool.close()
        raise
    return spool


def _measure(
    dev: str | Path,
    panel: "Panel",
    store: "ShardStore",
    nlp: "Language",
    shard_size: int,
    reading: Mapping[str, Any],
) -> dict[str, dict[str, float]]:
    """RETURNS (dict[str, dict[str, float]]): The precision of each annotator with each label on a corpus."""
    from spacy_ner_plus.annotation.weak_labels.precision import Precisions
    from spacy_ner_plus.annotation.weak_labels.texts import SourceText

    golds = [record.doc for record in read_texts([str(dev)], nlp, format="auto", written=[], **reading)]
    check_annotation(golds, dev)
    precisions = Precisions(panel.names)
    lost = IssueLog()
    with TemporaryDirectory(prefix="spacy-ner-plus-") as scratch:
        texts = [SourceText.of_doc(doc, f"{dev}: document {i}") for i, doc in enumerate(golds, start=1)]
        spool = _spool_texts(texts, Path(scratch))
        try:
            said = _answers(
                spool, panel.annotators, store, shard_size, reading["progress"], "Measuring precision"
            )
            for gold, (text, answers) in zip(golds, said, strict=True):
                precisions.add(gold, panel.align(gold, answers, text.where, lost)[1])
        finally:
            spool.close()
    return precisions.weights()


def _weak_docs(
    said: "Iterable[tuple[SourceText, Sequence[TextAnswer]]]",
    panel: "Panel",
    nlp: "Language",
    policy: "Policy",
    keep: float,
    agreement: "Agreement",
    issues: IssueLog,
    softness: "Softness | None",
    weights: Mapping[str, Mapping[str, float]] | None,
) -> "Iterator[Doc]":
    """YIELDS (Doc): Each text's Doc, with what the policy makes of what was said."""
    from spacy_ner_plus.annotation.weak_labels.weak_doc import weak_record
    from spacy_ner_plus.pipeline.entity_vote.decision import decide
    from spacy_ner_plus.soft_tags import write_soft_tags

    for text, answers in said:
        doc = text.doc(nlp.vocab)
        renamed, aligned = panel.align(doc, answers, text.where, issues)
        decision = decide(aligned, panel.names, policy, keep=keep)
        agreement.add(aligned, renamed, decision)
        record = weak_record(text, doc, decision, panel.names, [answer.failure for answer in answers])
        if softness is not None:
            soft = panel.soft_tags(doc, renamed, softness.temperature, weights)
            softness.add(soft)
            write_soft_tags(record.doc, soft)
        yield record.doc


def _about_scores(report: Mapping[str, Any]) -> list[str]:
    return [
        f"{annotator['name']} gives no scores: each of its spans counts as 1.0"
        for annotator in report["annotators"]
        if annotator["has_scores"] is False
    ]


def _warn_of_missing(missing: int, writer: "Format | None") -> None:
    from spacy_ner_plus.data.formats.format import MISSING

    if writer is not None and missing and MISSING not in writer.keeps:
        warnings.warn(Warnings.W330.format(format=writer.name, count=missing), stacklevel=3)


def _answers(
    spool: "TextSpool",
    annotators: "Sequence[Annotator]",
    store: "ShardStore",
    shard_size: int,
    progress: Progress,
    description: str,
) -> "Iterator[tuple[SourceText, tuple[TextAnswer, ...]]]":
    """YIELDS (tuple[SourceText, tuple[TextAnswer, ...]]): Each text with what each annotator says of it."""
    done: deque[tuple[SourceText, tuple[TextAnswer, ...]]] = deque()

    def steps() -> Iterator[None]:
        for texts in spool.shards(shard_size):
            answers = []
            for annotator in annotators:
                answers.append((yield from store.answers(annotator, texts)))
            done.extend(zip(texts, zip(*answers, strict=True), strict=True))

    for _ in progress(steps(), description, len(spool) * len(annotators)):
        while done:
            yield done.popleft()
    yield from done
