"""`spacy-ner-plus convert`: corpora of any format to .spacy files, or between text formats."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.targets import check_overlap

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_ner_plus.data.counts import CorpusCounts
    from spacy_ner_plus.data.label_map import LabelMap
    from spacy_ner_plus.data.sources import Options, Source

NOTES = 12  # how many are printed


@dataclass
class Conversion:
    """What a conversion did.

    paths (dict[str, Path]): What was written, by part; the part of a corpus that is not split is ''.
    counts (dict[str, CorpusCounts]): What each part holds.
    issues (IssueLog): What was lost or repaired.
    notes (list[str]): What was found out about the sources.
    """

    paths: dict[str, Path]
    counts: dict[str, "CorpusCounts"]
    issues: IssueLog = field(default_factory=IssueLog)
    notes: list[str] = field(default_factory=list)


def convert_command(
    sources: Annotated[
        list[str], typer.Argument(metavar="SRC", help="Files, folders, '-' for stdin, or dataset names.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="Where to: .spacy, .conll, .iob, .jsonl or .json; a folder with --shards."
        ),
    ],
    format: Annotated[
        str, typer.Option("--format", "-f", help="auto, conll, bio-json, jsonl, hub or spacy.")
    ] = "auto",
    group: Annotated[
        str, typer.Option(help="What becomes a Doc: document, sentence, or a number of sentences.")
    ] = "document",
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Language of the texts, such as en or xx.")
    ] = "en",
    token_column: Annotated[
        str | None,
        typer.Option(help="Column of the tokens: for conll its number, -1 the last; for hub its name."),
    ] = None,
    tag_column: Annotated[str | None, typer.Option(help="Column of the tags, likewise.")] = None,
    scheme: Annotated[
        str, typer.Option(help="Tagging scheme of conll: auto, IO, IOB1, IOB2, BILUO, IOBES or BMES.")
    ] = "auto",
    encoding: Annotated[str, typer.Option(help="Encoding of text files.")] = "utf-8",
    restore_whitespace: Annotated[
        bool,
        typer.Option(
            "--restore-whitespace/--spaces-everywhere",
            help="conll: put spaces between tokens by the rules of the language, or between any two.",
        ),
    ] = True,
    sentence_lines: Annotated[
        bool,
        typer.Option(
            "--sentence-lines",
            help="conll: begin each sentence on a line of its own, as titles and rows of tables stood.",
        ),
    ] = False,
    hub_split: Annotated[str | None, typer.Option(help="Split of a dataset, such as train.")] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Deal documents to parts, as train=0.8,dev=0.2: OUT-train.spacy and OUT-dev.spacy."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of --split.")] = 0,
    label_map: Annotated[
        Path | None, typer.Option(help="JSON or YAML mapping of labels to new ones, or to null to drop them.")
    ] = None,
    shards: Annotated[
        int, typer.Option(help="Write a folder of so many .spacy files, for corpora larger than memory.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing if anything is lost or repaired.")
    ] = False,
) -> None:
    """Convert corpora, and show what was read and what was lost or repaired."""
    from spacy_ner_plus.cli.console import err
    from spacy_ner_plus.cli.console import out as console
    from spacy_ner_plus.cli.corpus_tables import counts_table, losses_table
    from spacy_ner_plus.data.sources import Options

    options = Options(group, token_column, tag_column, scheme, restore_whitespace, sentence_lines, hub_split)
    conversion = Conversion({}, {})
    try:
        convert(
            sources,
            out,
            format=format,
            options=options,
            lang=lang,
            encoding=encoding,
            split=split,
            seed=seed,
            label_map=label_map,
            shards=shards,
            strict=strict,
            conversion=conversion,
        )
    finally:
        # What was found before a failure may explain it.
        for note in conversion.notes[:NOTES]:
            err.print(note, style="dim", markup=False, highlight=False)
        if len(conversion.notes) > NOTES:
            err.print(f"and {len(conversion.notes) - NOTES:,} more notes", style="dim")
        if conversion.issues.kinds:
            console.print(losses_table(conversion.issues))
    console.print(counts_table({part or str(out): counts for part, counts in conversion.counts.items()}))
    if not conversion.issues.kinds:
        console.print("Nothing was lost or repaired.")
    for path in conversion.paths.values():
        console.print(f"Wrote {path}", markup=False, highlight=False)


def convert(
    sources: Sequence[str],
    out: Path,
    *,
    format: str = "auto",
    options: "Options | None" = None,
    lang: str = "en",
    encoding: str = "utf-8",
    split: str | None = None,
    seed: int = 0,
    label_map: Path | None = None,
    shards: int = 0,
    strict: bool = False,
    conversion: Conversion | None = None,
) -> Conversion:
    """Convert corpora; Docs stream through, and are written whole or not at all.

    sources (Sequence[str]): Files, folders, '-' for standard input, or datasets.
    out (Path): The file, whose ending says the format, or the folder of shards.
    format (str): Of the sources: one of sources.FORMATS, or 'auto'.
    options (Options): How to read them.
    lang (str): Language code.
    encoding (str): Of text files.
    split (str): Shares of the documents by part, such as 'train=0.8,dev=0.2'.
    seed (int): Of the split.
    label_map (Path): A file with new labels by old.
    shards (int): How many .spacy files to make in a folder; 0 for one file.
    strict (bool): Whether to refuse any loss or repair.
    conversion (Conversion): Where to keep the account; it then outlives a failure.
    RETURNS (Conversion): What was read, lost and written.
    RAISES (UserError): What the user can mend; nothing is written then.
    """
    from spacy_ner_plus.data.conll import group_size
    from spacy_ner_plus.data.counts import CorpusCounts, hash_text
    from spacy_ner_plus.data.label_map import LabelMap
    from spacy_ner_plus.data.outputs import open_outputs, part_path, staged
    from spacy_ner_plus.data.sources import Options, find_sources
    from spacy_ner_plus.data.splits import Dealer, parse_split

    options = options or Options()
    conversion = conversion or Conversion({}, {})
    group_size(options.group)
    shares = parse_split(split) if split else {"": 1.0}
    paths = {part: part_path(out, part) for part in shares}
    labels = LabelMap.read(label_map) if label_map else None
    nlp = _blank(lang)
    check_overlap({f"OUT {part}".strip(): path for part, path in paths.items()}, [("--label-map", label_map)])
    with open_outputs(paths, shards) as outputs:
        found = find_sources(sources, format, encoding, conversion.notes)
        found = _check_sources(found, sources, paths.values(), conversion.notes)
        _check_options(options, found)
        counts = {part: CorpusCounts() for part in shares}
        dealer = Dealer(shares, seed)
        for doc, place in _read_all(found, nlp, options, labels, conversion):
            text_hash = hash_text(doc)
            part = dealer.part(text_hash)
            if text_hash in counts[part].texts:
                conversion.issues.add("duplicate document", doc.text[:100], place)
            counts[part].add(doc, text_hash)
            outputs[part].add(doc)
        total = sum(count.docs for count in counts.values())
        if not total:
            raise UserError(Errors.E127.format(sources=", ".join(sources)))
        empty = [part for part, count in counts.items() if not count.docs]
        if empty:
            raise UserError(Errors.E116.format(part=empty[0], docs=total))
        conversion.notes += labels.notes() if labels else []
        if out.suffix in (".json", ".jsonl") and any(
            count.sentences > count.docs for count in counts.values()
        ):
            conversion.notes.append(f"{out}: this format keeps no sentence starts")
        if strict:
            _refuse_issues(conversion.issues)
        docstart = group_size(options.group) is None
        with staged(outputs.values(), nlp.vocab, docstart, conversion.issues):
            # A text format may hold less than a Doc does.
            if strict:
                _refuse_issues(conversion.issues)
    conversion.paths, conversion.counts = paths, counts
    return conversion


def _read_all(
    sources: Sequence["Source"],
    nlp: "Language",
    options: "Options",
    label_map: "LabelMap | None",
    conversion: Conversion,
) -> Iterator[tuple["Doc", str]]:
    """Read the Docs of all sources with their labels as the map says; the string is a Doc's place."""
    from spacy_ner_plus.cli.console import progress
    from spacy_ner_plus.data.sources import read_source

    for source in sources:
        begins: deque[int] = deque()
        docs = read_source(source, nlp, options, conversion.issues, conversion.notes, begins)
        for number, doc in enumerate(progress(docs, f"Reading {source.name}"), start=1):
            if label_map is not None:
                label_map.apply(doc)
            place: int | str = f"document {number}"
            if source.lines is not None:
                place = begins.popleft() if begins else source.lines.number
            yield doc, f"{source.name}:{place}"


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
        ("--group", options.group, default.group, ("conll", "hub")),
        ("--token-column", options.token_column, None, ("conll", "hub")),
        ("--tag-column", options.tag_column, None, ("conll", "hub")),
        ("--scheme", options.scheme, default.scheme, ("conll",)),
        ("--spaces-everywhere", options.restore_whitespace, default.restore_whitespace, ("conll",)),
        ("--sentence-lines", options.sentence_lines, default.sentence_lines, ("conll",)),
        ("--hub-split", options.hub_split, None, ("hub",)),
    ):
        if value != unset and formats.isdisjoint(meant_for):
            raise UserError(
                Errors.E128.format(
                    option=option, format=" or ".join(sorted(formats)), formats=" and ".join(meant_for)
                )
            )


def _refuse_issues(issues: IssueLog) -> None:
    if issues.kinds:
        kinds = ", ".join(f"{kind} ({issue.count:,})" for kind, issue in issues)
        raise UserError(Errors.E119.format(count=f"{len(issues):,}", kinds=kinds))
