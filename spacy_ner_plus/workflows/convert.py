"""Corpora of any format to Docs, and to .spacy files or between text formats."""

import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.data.sources import Options
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.sources import (
    blank_pipeline,
    keep_unwritten,
    read_label_map,
    read_records,
)
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import DocSpool
    from spacy_ner_plus.data.statistics.counts import CorpusCounts


class ConvertedDocs:
    """Docs that wait in a temporary file, so that a corpus needn't fit the memory.

    Each time they are iterated they are read and made again; `list` keeps them.
    """

    def __init__(self, spools: Sequence["DocSpool"], vocab: "Vocab"):
        self._spools = spools
        self.vocab = vocab
        for spool in spools:
            weakref.finalize(self, spool.close)

    def __len__(self) -> int:
        return sum(map(len, self._spools))

    def __iter__(self) -> Iterator["Doc"]:
        # Docs were dealt to the spools in turn.
        streams = [spool.docs(self.vocab) for spool in self._spools]
        for number in range(len(self)):
            yield next(streams[number % len(streams)])


@dataclass
class Conversion:
    """What a conversion gave.

    parts (dict[str, ConvertedDocs]): The Docs by part; the part of a corpus that isn't split is ''.
    counts (dict[str, CorpusCounts]): What each part holds.
    paths (dict[str, Path]): What was written, by part; nothing where there is no target.
    issues (IssueLog): What was lost or repaired.
    notes (list[str]): What was found out about the sources, such as columns and tagging scheme.
    """

    parts: dict[str, ConvertedDocs]
    counts: dict[str, "CorpusCounts"]
    paths: dict[str, Path] = field(default_factory=dict)
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)

    @property
    def docs(self) -> ConvertedDocs:
        """RETURNS (ConvertedDocs): The Docs of a corpus that wasn't split; of one that was, see `parts`."""
        if len(self.parts) > 1:
            raise UserError(Errors.E511.format(parts=", ".join(self.parts), first=next(iter(self.parts))))
        return next(iter(self.parts.values()))


def convert(
    sources: str | Path | Sequence[str | Path],
    target: str | Path | None = None,
    *,
    format: str = "auto",
    target_format: str | None = None,
    options: "Options | Mapping[str, Any] | None" = None,
    lang: str = "en",
    encoding: str = "utf-8",
    split: str | None = None,
    seed: int = 0,
    label_map: str | Path | Mapping[str, str | None] | None = None,
    annotated_labels: Sequence[str] | None = None,
    shards: int = 0,
    strict: bool = False,
    issues: IssueLog | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> Conversion:
    """Convert corpora; Docs stream through, and are written whole or not at all.

    sources (str | Path | Sequence[str | Path]): Files, folders, '-' for standard input, or datasets.
    target (str | Path): The file to write, whose ending says the format, or the folder of shards.
        Default: nothing is written.
    format (str): Of the sources: one of `formats()`. Default 'auto': by ending and content.
    target_format (str): Of the target, one of `formats()` that is written. Default: as its ending says.
    options (Options | Mapping[str, Any]): How to read and write, by the names that the formats' options have.
    lang (str): Language code. Default: 'en'.
    encoding (str): Of text files. Default: 'utf-8'.
    split (str): Shares of the documents by part, such as 'train=0.8,dev=0.2'. Default: no parts.
    seed (int): Of the split. Default: 0.
    label_map (str | Path | Mapping): New labels by old, None to drop one; or a JSON or YAML file of it.
    annotated_labels (Sequence[str]): The labels, by their new names, that were annotated, where only some were:
        each Doc says so in its user_data. Default: as the sources say, else all.
    shards (int): How many .spacy files to make in a folder. Default: 0 for one file.
    strict (bool): Whether to refuse any loss or repair. Default: False.
    issues (IssueLog): Where losses and repairs are counted; it outlives a failure, which it may explain.
    notes (list[str]): Likewise for what is found out about the sources.
    progress (Progress): Wraps the Docs of each source. Default: none.
    RAISES (UserError): What the user can mend; nothing is written then.
    """
    from spacy_ner_plus.data.detection import find_sources
    from spacy_ner_plus.data.formats.options import check_options, options_for
    from spacy_ner_plus.data.outputs import open_outputs, part_path, staged
    from spacy_ner_plus.data.outputs import target_format as find_target_format
    from spacy_ner_plus.data.splits import Dealer, parse_split
    from spacy_ner_plus.data.statistics.counts import CorpusCounts, hash_text

    names = [str(name) for name in ([sources] if isinstance(sources, str | Path) else sources)]
    target = None if target is None else Path(target)
    given = options.given() if isinstance(options, Options) else dict(options or {})
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    shares = parse_split(split) if split else {"": 1.0}
    paths = {} if target is None else {part: part_path(target, part) for part in shares}
    labels = read_label_map(label_map)
    nlp = blank_pipeline(lang)
    if annotated_labels is not None:
        _check_annotated(annotated_labels, target)
    map_file = label_map if isinstance(label_map, str | Path) else None
    written = {f"the part '{part}'" if part else "the output": path for part, path in paths.items()}
    check_overlap(written, [("the label map", map_file)])
    writer = None if target is None else find_target_format(target, target_format, shards)
    writer_options = None if writer is None else options_for(writer, given)
    with open_outputs({part: paths.get(part) for part in shares}, writer, writer_options, shards) as outputs:
        found = find_sources(names, format, encoding, notes)
        found = keep_unwritten(found, names, paths.values(), notes)
        check_options(given, [*(one.format for one in found), *([] if writer is None else [writer])])
        counts = {part: CorpusCounts() for part in shares}
        dealer = Dealer(shares, seed)
        for record in read_records(found, nlp, given, labels, issues, notes, progress):
            doc, place = record.doc, record.where
            if annotated_labels is not None:
                _annotate(doc, annotated_labels, place)
            text_hash = hash_text(doc.text if record.text is None else record.text)
            part = dealer.part(text_hash)
            if text_hash in counts[part].texts:
                issues.add("duplicate document", doc.text[:100], place)
            counts[part].add(doc, text_hash)
            outputs[part].add(doc)
        total = sum(count.docs for count in counts.values())
        if not total:
            raise UserError(Errors.E127.format(sources=", ".join(names)))
        empty = [part for part, count in counts.items() if not count.docs]
        if empty:
            raise UserError(Errors.E116.format(part=empty[0], docs=total))
        notes += labels.notes() if labels else []
        if strict:
            _refuse_issues(issues)
        with staged(outputs.values(), nlp, issues):
            # A text format may hold less than a Doc does.
            if strict:
                _refuse_issues(issues)
        parts = {part: ConvertedDocs(output.spools, nlp.vocab) for part, output in outputs.items()}
    return Conversion(parts, counts, paths, issues, notes)


def _annotate(doc: "Doc", labels: Sequence[str], place: str) -> None:
    """Say on a Doc which labels were annotated."""
    from spacy_ner_plus.annotated_labels import set_annotated_labels

    for ent in doc.ents:
        if ent.label_ not in labels:
            raise UserError(
                Errors.E133.format(
                    place=place, entity=ent.text, label=ent.label_, labels=", ".join(sorted(labels))
                )
            )
    set_annotated_labels(doc, labels)


def _check_annotated(labels: Sequence[str], target: Path | None) -> None:
    """Refuse labels that are none, and a format that can't say which were annotated."""
    from spacy_ner_plus.labels import LabelSet

    if isinstance(labels, str):
        raise UserError(Errors.E131.format(found=repr(labels)))
    # Refuses what can't be a label, what is there twice, and none at all.
    LabelSet(tuple(labels))
    if target is not None and target.suffix and target.suffix != ".spacy":
        raise UserError(Errors.E132.format(path=target))


def _refuse_issues(issues: IssueLog) -> None:
    if issues.kinds:
        kinds = ", ".join(f"{kind} ({issue.count:,})" for kind, issue in issues)
        raise UserError(Errors.E119.format(count=f"{len(issues):,}", kinds=kinds))
