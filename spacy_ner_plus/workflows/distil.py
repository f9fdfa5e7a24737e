"""Teachers and texts to a corpus from which a student learns: soft tags, and gold beside them."""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.annotate import SHARD, annotate
from spacy_ner_plus.workflows.arguments.annotators import Pipeline, annotators_language
from spacy_ner_plus.workflows.arguments.corpora import check_annotation
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline, read_texts
from spacy_ner_plus.workflows.arguments.targets import check_targets
from spacy_ner_plus.workflows.convert import ConvertedDocs
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.data.statistics.counts import CorpusCounts
    from spacy_ner_plus.pipeline.entity_vote.policies import Policy


@dataclass
class Distillation:
    """What distilling gave.

    docs (ConvertedDocs): The teachers' Docs and then the gold ones.
    counts (CorpusCounts): What they hold.
    report (dict[str, Any]): How far the teachers agree, how soft their tags are, what was mixed, in JSON's types.
    path (Path | None): What was written; None where there is no target.
    report_path (Path | None): Where the report was written.
    kept_at (Path | None): Where the teachers' answers are kept for a further run; None where they aren't.
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


def distil(
    teachers: Pipeline | Sequence[Pipeline],
    texts: str | Path | Sequence[str | Path],
    target: str | Path | None = None,
    *,
    gold: str | Path | None = None,
    soften_gold: bool = False,
    temperature: float = 1.0,
    format: str = "auto",
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
    limit: int = 0,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> Distillation:
    """Annotate texts by one teacher or several, and write how probable they find each tag as a corpus to train on.

    `spacy train` learns from it with `transformer_ner`, whose settings `soft_weight`, `soft_share` and
    `soft_agreement` say how much the teachers count beside gold. Probabilities are the mean of the teachers'; a token's
    weight is how far they agree. Entities are what `annotate` makes of the same.

    teachers (Language | str | Path | Sequence): Pipelines, as `annotate` takes them. `transformer_ner` gives the
        probability of every tag; of any other the scores of its entities count. Where there are none, it is how often
        the teacher is right with the label on `dev`, and 1 without `dev`.
    texts (str | Path | Sequence[str | Path]): As `annotate` takes them.
    target (str | Path): The .spacy file to write. Default: nothing is written.
    gold (str | Path): A corpus that people annotated, of any format. Its documents are written, too; one with the text
        of another takes that one's place. Default: none.
    soften_gold (bool): Whether gold documents get soft tags beside their own, where the teachers annotated their
        text, for `soft_share`; else only their tokens whose annotation is missing do. Default: False.
    temperature (float): More than 1 for softer tags (Hinton et al., 2015). Default 1.
    format, options, lang, encoding, label_map, policy, keep, dev, resamples, seed, overrides, code, batch_size,
        shard_size, limit, issues, notes, progress: As `annotate` takes them. `options` and `encoding` are for `gold`,
        too.
    report (str | Path): The JSON file of the report. Default: beside the target, as NAME.report.json.
    work (str | Path): Folder for what the teachers said. Default: beside the target, as NAME.answers; without a target,
        nothing is kept.
    RAISES (UserError): What the user can mend; nothing is written to the target then.
    """
    from spacy_ner_plus.annotation.distil.gold_mix import GoldMix
    from spacy_ner_plus.data.formats.registered import get_format
    from spacy_ner_plus.data.outputs import open_outputs, staged
    from spacy_ner_plus.data.statistics.counts import CorpusCounts

    names = [str(name) for name in ([texts] if isinstance(texts, str | Path) else texts)]
    target = None if target is None else Path(target)
    if target is not None and target.suffix.lower() != ".spacy":
        raise UserError(Errors.E772.format(path=target))
    if soften_gold and gold is None:
        raise UserError(Errors.E828)
    report_path = Path(report) if report is not None else None
    if report_path is None and target is not None:
        report_path = target.with_name(f"{target.name}.report.json")
    inputs = [("a file of texts", name) for name in names if name != "-"]
    inputs += [("the gold corpus", gold), ("the dev corpus", dev)]
    inputs += [("the label map", label_map if isinstance(label_map, str | Path) else None)]
    check_targets({"the corpus": target, "the report": report_path}, inputs)
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    reading = {"encoding": encoding, "issues": issues, "notes": notes, "progress": progress}
    # First, since what can't be read should be told before the teachers have worked for hours.
    nlp = blank_pipeline(annotators_language(teachers) if lang is None else lang)
    golds = [] if gold is None else _read_gold(gold, nlp, options=dict(options or {}), **reading)
    with TemporaryDirectory(prefix="spacy-ner-plus-") as scratch:
        if work is None:
            work = scratch if target is None else target.with_name(f"{target.name}.answers")
        annotation = annotate(
            teachers,
            names,
            format=format,
            options=options,
            lang=lang,
            label_map=label_map,
            policy=policy,
            keep=keep,
            dev=dev,
            resamples=resamples,
            seed=seed,
            overrides=overrides,
            code=code,
            batch_size=batch_size,
            shard_size=shard_size,
            work=work,
            limit=limit,
            soft_temperature=temperature,
            **reading,
        )
        kept_at = None if str(work) == scratch else annotation.kept_at
    mix = GoldMix(golds, _labels(annotation.report), soften=soften_gold)
    counts = CorpusCounts()
    writer = None if target is None else get_format("spacy")
    vocab = annotation.docs.vocab
    for string in nlp.vocab.strings:
        vocab.strings.add(string)
    with open_outputs({"": target}, writer) as outputs:
        for doc in mix.mix(annotation.docs):
            counts.add(doc)
            outputs[""].add(doc)
        if mix.gold_alone and mix.teachers_alone:
            names = {"teachers": mix.teachers_alone, "gold": mix.gold_alone}
            values = {whose: ", ".join(sorted(labels)) for whose, labels in names.items()}
            warnings.warn(Warnings.W961.format(**values), stacklevel=2)
        found = {**annotation.report, "mix": mix.to_dict()}
        with staged(outputs.values(), nlp, issues):
            if report_path is not None:
                write_whole(report_path, json.dumps(found, indent=2, ensure_ascii=False).encode())
    docs = ConvertedDocs(outputs[""].spools, vocab)
    return Distillation(docs, counts, found, target, report_path, kept_at, issues, notes)


def _read_gold(gold: str | Path, nlp: "Language", **reading: Any) -> "list[Doc]":
    from spacy_ner_plus.soft_tags import SOFT_TAGS, read_soft_tags

    docs = [record.doc for record in read_texts([str(gold)], nlp, format="auto", written=[], **reading)]
    check_annotation(docs, gold)
    for doc in docs:
        soft = read_soft_tags(doc)
        if soft is not None and not soft.beside_gold:
            raise UserError(
                Errors.E774.format(path=gold, key=SOFT_TAGS, text=" ".join(doc.text[:60].split()))
            )
    return docs


def _labels(report: Mapping[str, Any]) -> frozenset[str] | None:
    """RETURNS (frozenset[str] | None): The labels that any teacher looks for, or has named without saying that it does;
    None where one doesn't say what it looks for."""
    labels = [annotator["labels"] for annotator in report["annotators"]]
    return None if None in labels else frozenset(report["labels"]).union(*labels)
