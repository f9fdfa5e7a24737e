"""Corpora of any format to Docs, and to .spacy files or between text formats."""

import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.progress import Progress, no_progress

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import DocSpool
    from spacy_ner_plus.data.counts import CorpusCounts
    from spacy_ner_plus.data.label_map import LabelMap
    from spacy_ner_plus.data.sources import Options, Source


class ConvertedDocs:
    """Docs that wait in a temporary file, so that a corpus needn't fit the memory.

    Each time they are iterated they are read and made again; `list` keeps them.
    """

    def __init__(self, spools: Sequence["DocSpool"], vocab: "Vocab"):
        self._spools = spools
        self._vocab = vocab
        for spool in spools:
            weakref.finalize(self, spool.close)

    def __len__(self) -> int:
        return sum(map(len, self._spools))

    def __iter__(self) -> Iterator["Doc"]:
        # Docs were dealt to the spools in turn.
        streams = [spool.docs(self._vocab) for spool in self._spools]
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
    options: "Options | None" = None,
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
    format (str): Of the sources: one of data.sources.FORMATS. Default 'auto': by ending and content.
    options (Options): How to read them.
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
    from spacy_ner_plus.data.conll.conll import group_size
    from spacy_ner_plus.data.counts import CorpusCounts, hash_text
    from spacy_ner_plus.data.outputs import open_outputs, part_path, staged
    from spacy_ner_plus.data.sources import Options, find_sources
    from spacy_ner_plus.data.splits import Dealer, parse_split

    names = [str(name) for name in ([sources] if isinstance(sources, str | Path) else sources)]
    target = None if target is None else Path(target)
    options = options or Options()
    issues = IssueLog() if issues is None else issues
    notes = [] if notes is None else notes
    group_size(options.group)
    shares = parse_split(split) if split else {"": 1.0}
    paths = {} if target is None else {part: part_path(target, part) for part in shares}
    labels = _read_labels(label_map)
    nlp = _blank(lang)
    if annotated_labels is not None:
        _check_annotated(annotated_labels, target)
    map_file = label_map if isinstance(label_map, str | Path) else None
    written = {f"the part '{part}'" if part else "the output": path for part, path in paths.items()}
    check_overlap(written, [("the label map", map_file)])
    with open_outputs({part: paths.get(part) for part in shares}, shards) as outputs:
        found = find_sources(names, format, encoding, notes)
        found = _check_sources(found, names, paths.values(), notes)
        _check_options(options, found)
        counts = {part: CorpusCounts() for part in shares}
        dealer = Dealer(shares, seed)
        for doc, place in _read_all(found, nlp, options, labels, issues, notes, progress):
            if annotated_labels is not None:
                _annotate(doc, annotated_labels, place)
            text_hash = hash_text(doc)
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
        in_sentences = any(count.sentences > count.docs for count in counts.values())
        if target is not None and target.suffix in (".json", ".jsonl") and in_sentences:
            notes.append(f"{target}: this format keeps no sentence starts")
        if strict:
            _refuse_issues(issues)
        docstart = group_size(options.group) is None
        with staged(outputs.values(), nlp.vocab, docstart, issues):
            # A text format may hold less than a Doc does.
            if strict:
                _refuse_issues(issues)
        parts = {part: ConvertedDocs(output.spools, nlp.vocab) for part, output in outputs.items()}
    return Conversion(parts, counts, paths, issues, notes)


def _read_all(
    sources: Sequence["Source"],
    nlp: "Language",
    options: "Options",
    label_map: "LabelMap | None",
    issues: IssueLog,
    notes: list[str],
    progress: Progress,
) -> Iterator[tuple["Doc", str]]:
    """Read the Docs of all sources with their labels as the map says; the string is a Doc's place."""
    from spacy_ner_plus.data.sources import read_source

    for source in sources:
        begins: deque[int] = deque()
        docs = read_source(source, nlp, options, issues, notes, begins)
        for number, doc in enumerate(progress(docs, f"Reading {source.name}"), start=1):
            if label_map is not None:
                label_map.apply(doc)
            place: int | str = f"document {number}"
            if source.lines is not None:
                place = begins.popleft() if begins else source.lines.number
            yield doc, f"{source.name}:{place}"


def _read_labels(label_map: str | Path | Mapping[str, str | None] | None) -> "LabelMap | None":
    from spacy_ner_plus.data.label_map import LabelMap

    if label_map is None or isinstance(label_map, Mapping):
        return LabelMap(dict(label_map)) if label_map else None
    return LabelMap.read(Path(label_map))


def _blank(lang: str) -> "Language":
    """A pipeline that only knows its language."""
    import spacy

    try:
        return spacy.blank(lang)
    except (ImportError, OSError, ValueError) as error:
        raise UserError(Errors.E118.format(lang=lang, reason=str(error).split("\n")[0])) from error


def _check_sources(
    found: list["Source"], named: Sequence[str], paths: Iterable[Path], notes: list[str]
) -> list["Source"]:
    """Refuse to overwrite a source; an earlier output in a source folder is passed over."""
    written = {path.resolve() for path in paths}
    for name in named:
        if name != "-" and Path(name).resolve() in written:
            raise UserError(Errors.E122.format(path=name))
    kept = []
    for source in found:
        if Path(source.name).resolve() in written:
            notes.append(f"{source.name}: passed over, as it is written now")
        else:
            kept.append(source)
    return kept


def _check_options(options: "Options", sources: Sequence["Source"]) -> None:
    """Refuse an option that means nothing for any of the sources."""
    default = type(options)()
    formats = {source.format for source in sources}
    for option, value, unset, meant_for in (
        ("group", options.group, default.group, ("conll", "hub")),
        ("token_column", options.token_column, None, ("conll", "hub")),
        ("tag_column", options.tag_column, None, ("conll", "hub")),
        ("scheme", options.scheme, default.scheme, ("conll",)),
        ("restore_whitespace", options.restore_whitespace, default.restore_whitespace, ("conll",)),
        ("sentence_lines", options.sentence_lines, default.sentence_lines, ("conll",)),
        ("hub_split", options.hub_split, None, ("hub",)),
    ):
        if value != unset and formats.isdisjoint(meant_for):
            raise UserError(
                Errors.E128.format(
                    option=option, format=" or ".join(sorted(formats)), formats=" and ".join(meant_for)
                )
            )


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
