"""CoNLL-U with tags of entities in MISC, the last of its ten columns.

# newdoc id = n1
# sent_id = n1-1
# text = Rosa Quint left Lund.
1	Rosa	Rosa	PROPN	_	_	3	nsubj	_	name=B-PER
2	Quint	Quint	PROPN	_	_	1	flat	_	name=I-PER
3	left	leave	VERB	_	_	0	root	_	name=O
4	Lund	Lund	PROPN	_	_	3	obj	_	name=B-LOC|SpaceAfter=No
5	.	.	PUNCT	_	_	3	punct	_	name=O

The key is found among all that MISC has, or named; a tag may also stand there without a key. Where no token is tagged
O, tokens without a tag are O; elsewhere they are missing. White space follows SpaceAfter and SpacesAfter, or else
`# text`. What is written as one, such as 'im' for 'in dem', is one token with the tags of its words; where its words
make it up, as 'da' and 'melo' make up 'damelo', they stay. Empty nodes are passed over. Lemmas, parts of speech and
dependencies aren't read. A document's other comments, `# key = value`, are its meta.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, Token

from spacy_ner_plus.data.formats.conll.columns import is_range
from spacy_ner_plus.data.formats.conll.comments import spaces_in
from spacy_ner_plus.data.formats.conll.written import written_sentences
from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    IDS,
    LIKELY,
    META,
    MISSING,
    SENTENCES,
    SPACES,
    TOKENS,
    NotRead,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.records.record import Record, record_of
from spacy_ner_plus.data.records.schemes import TagReader, is_tag
from spacy_ner_plus.data.records.sentences import SpelledTokenOptions, group_size, sentences_to_records
from spacy_ner_plus.data.records.spellings import (
    BARE,
    LABELS,
    MISSING_TAGS,
    OTHER_TAGS,
    PLAIN,
    Spelling,
    find_spelling,
)
from spacy_ner_plus.data.records.tagged import TaggedSentence
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

COLUMNS = 10
READ_AHEAD = 200_000  # lines by which the key of the tags is found
FORM, MISC = 1, 9
# Keys that treebanks and tools use, the likeliest first; '' is a tag without a key.
KNOWN_KEYS = ("name", "NER", "ner", "NE", "Tag", "Entity", "")
SAYS_ENTITIES = re.compile(r"(?i)ner|ne|name|named_?entity|entity|entities|bio|iob|ner_?tag|tag")
SHAPES = "tags in the last column, such as name=B-PER"
_OWN_COMMENTS = frozenset({"sent_id", "text", "newdoc id", "global.columns", "meta"})
_COMMENT = re.compile(r"#\s*([^=]*?)\s*=\s*(.*?)\s*")


@settings
class ConlluOptions(SpelledTokenOptions):
    """How CoNLL-U files are read and written."""

    tag_key: str | None = setting(
        "The key of the tags in MISC; found where it isn't given, and written as name.", None
    )


class Conllu:
    """The format, as `formats/format.py` says."""

    name = "conllu"
    about = "CoNLL-U with tags of entities in its last column, MISC"
    endings = (".conllu",)
    options = ConlluOptions
    keeps = frozenset({TOKENS, SENTENCES, SPACES, MISSING, IDS, META})
    writes = True
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        if not source.is_text or source.is_json:
            return None
        rows = [row for row in map(_row, source.head_lines) if row is not None]
        lines = [line for line in source.head_lines if line.strip() and not line.startswith("#")]
        if not rows or len(rows) * 10 < len(lines) * 9:
            return None
        keys = _find_keys(rows)
        # Tags alone in the last column are one of CoNLL's.
        if "" in keys and len(keys) == 1 and all(row[MISC] in keys[""][0] for row in rows):
            return None
        named = ", ".join(f"'{key}'" for key in keys) or "no key"
        return Sniff(CERTAIN if keys else LIKELY, f"ten columns of CoNLL-U, tags under {named} in the last")

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        where, options = source.name, reading.options
        found = _find_tags(source.lines, where, options)
        has_documents = any(line.startswith("# newdoc") for line in source.lines)
        if not has_documents and group_size(options.group) is None:
            reading.notes.append(f"{where}: no '# newdoc' lines, so each sentence became a Doc")
        if found.others and options.tag_key is None:
            others = ", ".join(map(repr, found.others))
            reading.issues.add(OTHER_TAGS, f"{others} beside {found.key!r}", where)
        reader = TagReader(options.scheme, reading.issues, found.spelling)
        yield from sentences_to_records(
            _sentences(source.lines, found, where, reading.issues),
            reading.nlp,
            options,
            has_documents=has_documents,
            reader=reader,
            shapes=SHAPES,
        )
        if said := str(found.spelling):
            reading.notes.append(f"{where}: the tags are {said}")
        scheme = f"scheme {reader.scheme}" + (", detected" if options.scheme == "auto" else "")
        reading.notes.append(
            f"{where}: {found}; {scheme if found.key is not None else 'all tokens are missing, not O'}"
        )
        reading.notes.append(NotRead(f"{where}: lemmas, parts of speech and dependencies aren't read"))

    def write(self, docs: Iterable[Doc], path: Path, options: ConlluOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for number, doc in enumerate(docs, start=1):
                file.writelines(_lines(doc, f"document {number}", options.tag_key or "name", issues))


CONLLU = Conllu()


@dataclass(frozen=True)
class _Tags:
    """Where a file's tags stand, and how they are written.

    key (str | None): Of the tags in MISC; '' where they have none, None where there are no tags.
    spelling (Spelling): How they are spelled.
    says_outside (bool): Whether tokens outside of entities are tagged O.
    says_spaces (bool): Whether SpaceAfter is there at all.
    others (tuple[str, ...]): Keys whose values are tags as well, and aren't read.
    """

    key: str | None
    spelling: Spelling = PLAIN
    says_outside: bool = True
    says_spaces: bool = True
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.key is None:
            return "no tags in MISC"
        where = f"tags in MISC under '{self.key}'" if self.key else "tags in MISC without a key"
        where += "" if self.says_outside else ", tokens without one are O"
        others = ", ".join(repr(key) for key in self.others)
        return where + (f" (tags under {others} aren't read: `tag_key` names one)" if others else "")

    def of(self, misc: Mapping[str, str]) -> str:
        """RETURNS (str): A token's tag, '' where it is missing."""
        if self.key is None:
            return ""
        return misc.get(self.key, "" if self.says_outside else "O")


def _row(line: str) -> list[str] | None:
    """RETURNS (list[str] | None): The ten columns of a line; None for another."""
    if not line[:1].isdecimal():
        return None
    row = line.rstrip("\r\n").split("\t")
    return row if len(row) == COLUMNS else None


def _misc(cell: str) -> dict[str, str]:
    """Read MISC; some files part its values by spaces (NorNE: 'SpaceAfter=No name=O')."""
    if cell in MISSING_TAGS:
        return {}
    parts = [part for value in cell.split("|") for part in re.split(r"\s+(?=[^=\s]+=)", value) if part]
    found: dict[str, str] = {}
    last = ""
    for part in parts:
        key, mark, value = part.partition("=")
        if not mark and last and is_tag(part) and is_tag(found[last]):
            # A token of several entities, name=B-PER|B-ORG, whose tags the sign between values parts.
            found[last] += f"|{part}"
            continue
        last = key if mark else ""
        found[last] = value if mark else part
    return found


def _find_keys(
    rows: Iterable[Sequence[str]], options: ConlluOptions | None = None
) -> dict[str, tuple[Counter, Spelling]]:
    """Find the keys of MISC whose values are tags, the likeliest first."""
    values: dict[str, Counter] = {}
    for row in rows:
        for key, value in _misc(row[MISC]).items():
            values.setdefault(key, Counter())[value] += 1
    found = {}
    for key, counts in values.items():
        spelling = find_spelling(
            counts, options.label if options else "?", options.outside if options else ""
        )
        if spelling is None or (spelling.kind in (LABELS, BARE) and not SAYS_ENTITIES.fullmatch(key)):
            continue
        fitting = sum(n for value, n in counts.items() if value in MISSING_TAGS or spelling.is_tag(value))
        if fitting * 10 >= sum(counts.values()) * 9:
            found[key] = counts, spelling
    ranks = {key: number for number, key in enumerate(KNOWN_KEYS)}
    return dict(sorted(found.items(), key=lambda item: ranks.get(item[0], len(ranks))))


def _find_tags(lines: Iterable[str], where: str, options: ConlluOptions) -> _Tags:
    """Find where the tags stand.

    RAISES (UserError): A key that isn't there, values that are no tags, several keys that may be it.
    """
    rows = [row for row in map(_row, islice(lines, READ_AHEAD)) if row is not None]
    if not rows:
        raise UserError(Errors.E109.format(where=where))
    found = _find_keys(rows, options)
    seen = Counter(key for row in rows for key in _misc(row[MISC]))
    says_spaces = bool({"SpaceAfter", "SpacesAfter"} & seen.keys())
    key = options.tag_key
    if key is None:
        unlikely = [one for one in found if one not in KNOWN_KEYS]
        key = next(iter(found), None)
        if key is not None and key not in KNOWN_KEYS and len(unlikely) > 1:
            raise UserError(Errors.E187.format(where=where, keys=", ".join(unlikely), first=unlikely[0]))
        if key is None:
            alike = next((one for one in seen if one and SAYS_ENTITIES.fullmatch(one)), None)
            if alike is None:
                return _Tags(None, says_spaces=says_spaces)
            key = alike
    if key not in seen:
        raise UserError(
            Errors.E188.format(where=where, key=key, keys=", ".join(sorted(filter(None, seen))) or "none")
        )
    counts = Counter(misc[key] for row in rows if key in (misc := _misc(row[MISC])))
    if MISSING_TAGS.issuperset(counts):
        return _Tags(None, says_spaces=says_spaces)
    spelling = PLAIN if options.scheme == "IO" else find_spelling(counts, options.label, options.outside)
    if spelling is None:
        raise UserError(Errors.E189.format(where=where, key=key, value=counts.most_common(1)[0][0]))
    if spelling.kind == BARE and not spelling.label:
        raise UserError(Errors.E182.format(where=where, column=COLUMNS))
    return _Tags(
        key,
        spelling,
        any(mark in counts for mark in spelling.outside),
        says_spaces,
        tuple(other for other in found if other != key),
    )


@dataclass
class _Words:
    """The words of a sentence as they are read.

    ranges (dict[int, tuple[int, str, str]]): By the first word's index, of each that is written as one: how many
        words, its form and its MISC.
    """

    words: list[str] = field(default_factory=list)
    miscs: list[dict[str, str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    ranges: dict[int, tuple[int, str, dict[str, str]]] = field(default_factory=dict)


def _sentences(lines: Iterable[str], tags: _Tags, where: str, issues: IssueLog) -> Iterator[TaggedSentence]:
    comments: dict[str, str] = {}
    document: dict[str, str] = {}  # what counts for all sentences of a document
    words, opens = _Words(), False
    for number, line in enumerate(lines, start=1):
        line = line.lstrip("\ufeff").rstrip("\r\n")
        if not line.strip():
            if words.words:
                yield _tagged(words, document | comments, opens, tags, where, issues)
                comments, words, opens = {}, _Words(), False
            continue
        if line.startswith("#"):
            if line.startswith("# newdoc"):
                opens, document = True, {}
            if match := _COMMENT.fullmatch(line):
                known = document if match[1] in ("newdoc id", "meta") else comments
                known[match[1]] = match[2]
            continue
        row = _row(line)
        if row is None:
            found = len(line.split("\t"))
            raise UserError(
                Errors.E104.format(
                    where=f"{where}:{number}", found=found, least=COLUMNS, line=line.strip()[:60]
                )
            )
        misc = _misc(row[MISC])
        if is_range(row[0]):
            if "-" in row[0]:
                first, _, last = row[0].partition("-")
                words.ranges[len(words.words)] = int(last) - int(first) + 1, row[FORM], misc
            elif tags.key in misc and tags.spelling.plain(misc[tags.key]) != "O":
                issues.add("tag of an empty node", f"{row[FORM]} {misc[tags.key]}", f"{where}:{number}")
            continue
        if not row[FORM]:
            issues.add("token without text", line.strip()[:60], f"{where}:{number}")
            continue
        words.words.append(row[FORM])
        words.miscs.append(misc)
        words.numbers.append(number)
    if words.words:
        yield _tagged(words, document | comments, opens, tags, where, issues)


def _tagged(
    words: _Words, comments: Mapping[str, str], opens: bool, tags: _Tags, where: str, issues: IssueLog
) -> TaggedSentence:
    sentence = TaggedSentence(where=where, opens_document=opens)
    sentence.id = comments.get("sent_id", "")
    sentence.document = comments.get("newdoc id", "")
    sentence.meta = _meta(comments)
    spaces: list[bool] = []
    at = 0
    while at < len(words.words):
        count, form, misc = words.ranges.get(at, (1, words.words[at], words.miscs[at]))
        parts = range(at, min(at + count, len(words.words)))
        given = [tags.of(words.miscs[i]) for i in parts]
        if count > 1 and "".join(words.words[i] for i in parts) == form:
            sentence.words += [words.words[i] for i in parts]
            sentence.tags += given
            sentence.numbers += [words.numbers[i] for i in parts]
            spaces += [False] * (len(parts) - 1)
        else:
            place = f"{where}:{words.numbers[at]}"
            tag = (
                given[0]
                if count == 1
                else _joined(given, misc.get(tags.key or "", ""), form, tags, place, issues)
            )
            sentence.words.append(form)
            sentence.tags.append(tag)
            sentence.numbers.append(words.numbers[at])
        spaces.append(_space_after(misc))
        at = parts.stop
    if "text" in comments:
        sentence.spaces = spaces_in(sentence.words, comments["text"])
    if tags.says_spaces:
        sentence.spaces = spaces
    return sentence


def _meta(comments: Mapping[str, str]) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    for key, value in comments.items():
        if key == "meta":
            # As this format writes it; another's stays as it is.
            known: Any = None
            with suppress(ValueError):
                known = json.loads(value)
            meta |= known if isinstance(known, dict) else {key: value}
        elif key and key not in _OWN_COMMENTS:
            meta[key] = value
    return meta


def _space_after(misc: Mapping[str, str]) -> bool:
    # UDPipe's SpacesAfter has an empty value, or escapes such as \\n.
    return misc.get("SpaceAfter") != "No" and misc.get("SpacesAfter") != ""


def _joined(given: Sequence[str], own: str, form: str, tags: _Tags, place: str, issues: IssueLog) -> str:
    """The tag of words that are written as one token."""
    if own and tags.spelling.is_tag(own):
        return own
    plain = [tags.spelling.plain(tag) for tag in given]
    inside = [tag for tag in plain if tag not in MISSING_TAGS and tag != "O"]
    if not inside:
        return given[0] if all(tag == given[0] for tag in given) else ""
    if (
        len(inside) < len(plain)
        or len({tag[2:] for tag in inside}) > 1
        or any(tag[0] in "BUS" for tag in inside[1:])
    ):
        issues.add("entity that begins or ends within a token", f"{form}: {', '.join(given)}", place)
    if inside[0][0] == "B" and inside[-1][0] in "LE":
        return f"U{inside[0][1:]}"
    if inside[0][0] in "IM" and inside[-1][0] in "LE":
        return inside[-1]
    return inside[0]


def _lines(doc: Doc, where: str, key: str, issues: IssueLog) -> Iterator[str]:
    record = record_of(doc)
    sentences = list(written_sentences(doc, where, issues))
    comments, meta = _sentence_comments(record["meta"], len(sentences))
    yield "# newdoc" + (f" id = {' '.join(record['id'].split())}" if record["id"] else "") + "\n"
    if meta:
        yield f"# meta = {json.dumps(meta, ensure_ascii=False)}\n"
    if any(token.text == "\n" for token in doc):
        # Between sentences `written_sentences` takes it for the empty line.
        issues.add("line break in the text, written as a space", doc.text[:40], where)
    for said, sentence in zip(comments, sentences, strict=True):
        for name, value in said.items():
            yield f"# {'sent_id' if name == 'id' else name} = {value}\n"
        text = "".join(word + (" " if _followed(token) else "") for word, _, token in sentence)
        yield f"# text = {text.strip()}\n"
        for i, (word, tag, token) in enumerate(sentence, start=1):
            label = "_".join(tag.replace("|", "/").split())
            if label != tag:
                issues.add("pipe or space in a label, written as / and _", tag, where)
            misc = f"{key}={label}" + ("" if _followed(token) else "|SpaceAfter=No")
            yield "\t".join([str(i), word, *_annotation(token), misc]) + "\n"
        yield "\n"


def _sentence_comments(meta: dict[str, Any], count: int) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Take out of a Doc's meta what is said of its sentences, where comments can say it.

    RETURNS (tuple[list[dict[str, str]], dict[str, Any]]): By sentence, and the rest.
    """
    parts = meta.get("sentences")
    if isinstance(parts, list) and len(parts) == count > 1 and all(isinstance(part, dict) for part in parts):
        pairs = [(name, value) for part in parts for name, value in part.items()]
        if all(
            isinstance(value, str)
            and name not in _OWN_COMMENTS
            and (match := _COMMENT.fullmatch(f"# {name} = {value}"))
            and (match[1], match[2]) == (name, value)
            for name, value in pairs
        ):
            return parts, {key: value for key, value in meta.items() if key != "sentences"}
    return [{} for _ in range(count)], meta


def _followed(token: Token) -> bool:
    """Whether white space follows a token in its text."""
    return bool(token.whitespace_) or (token.i + 1 < len(token.doc) and token.doc[token.i + 1].is_space)


def _annotation(token: Token) -> list[str]:
    """LEMMA, UPOS, XPOS, FEATS, HEAD, DEPREL and DEPS: what a Doc knows, '_' elsewhere."""
    values = [token.lemma_, token.pos_, token.tag_, str(token.morph)]
    return [*(" ".join(value.split()) or "_" for value in values), "_", "_", "_"]
