"""`bio-json`: a text and those of its tokens that are not O, as language models write them.

    {"text": "Mail john@gmail.com at 6", "labels": [["john", "B-EMAIL"], ["@", "I-EMAIL"],
     ["gmail", "I-EMAIL"], [".com", "I-EMAIL"], ["6", "B-TIME"]]}

The file is an array of such records, JSON lines, or one record. Labels may be
pairs as above, objects of one key ({"6": "B-TIME"}), one ordered mapping (keys
may appear twice), objects with a token and a label ({"token": "6", "label":
"B-TIME"}), lines ("6: B-TIME"), or a list of tags beside a list of tokens.
Tokens that are O may be among them and help to find the others.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.alignment.align import EXACT, FUZZY, NORMALISED
from spacy_ner_plus.alignment.align_words import GAPPED, PlacedWords, WordsAlignment, align_words, is_certain
from spacy_ner_plus.alignment.mentions import TaggedWords
from spacy_ner_plus.alignment.occurrences import OccurrenceFinder
from spacy_ner_plus.data.formats.format import POSSIBLE, SPACES, Reading, Sniff
from spacy_ner_plus.data.parsing.offset_spans import OTHER_SPANS
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions, text_to_doc, texts_to_records
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.json_records import JsonObject, json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import CONTINUING, join_tags, split_tag

TEXT_KEYS = ("text", "sentence", "input", "utterance", "request", "query")
LABEL_KEYS = (
    "labels",
    "label",
    "tags",
    "ner_tags",
    "entities",
    "ner",
    "bio",
    "annotations",
    "output",
    "tokens",
)
TOKEN_KEYS = ("token", "word", "text")
TAG_KEYS = ("label", "tag", "ner_tag", "entity", "bio")
TAGGED = re.compile(
    r"""\s*(?:[-*•]\s+(?!(?:->|=>|→|:|=)\s))?(?P<token>\S.*?)\s*(?:->|=>|→|:|=|\t|\s)\s*"""
    r"""(?P<tag>(?:[BILUESM][-_][^\s,;"']+)|O)["']?\s*(?:[,;]|$)"""
)
SHAPES = "pairs of token and tag, lines or objects of them, or a list of tags beside tokens"

# How words were found that are not in the text as they were given, as it is counted.
REPAIRS = {
    EXACT: "",
    NORMALISED: "token in another spelling",
    GAPPED: "gap inside an entity",
    FUZZY: "token found by similarity",
}


class BioJson:
    """The format, as `formats/format.py` says."""

    name = "bio-json"
    about = "JSON of texts with those of their tokens that have tags, as language models write them"
    endings = (".json",)
    options = TextOptions
    keeps = frozenset({SPACES})
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        for record in source.head_values:
            is_pair = isinstance(record, list) and len(record) == 2 and isinstance(record[0], str)
            if is_pair and isinstance(record[1], list):
                return Sniff(POSSIBLE / 2, "pairs of a text and its labels")
            if isinstance(record, dict) and any(record.get(key) for key in LABEL_KEYS if key != "tokens"):
                return Sniff(POSSIBLE / 2, "records with labels that aren't offsets")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(
            lambda issues, notes: marked_texts(source.lines, reading.nlp, issues=issues, where=source.name),
            source,
            SHAPES,
        )

    def write(self, docs: Iterable[Doc], path: Path, options: TextOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(docs_to_bio_json(docs))


BIO_JSON = BioJson()


def bio_json_to_docs(lines: Iterable[str], nlp: Language, *, issues: IssueLog, where: str) -> Iterator[Doc]:
    """Make a Doc of each record; tokens are found in the text in order.

    nlp (Language): Tokenises the texts.
    issues (IssueLog): Where every loss and repair is counted.
    where (str): The file's name.
    RAISES (UserError): What is no JSON, or a record without a text.
    """
    records = texts_to_records(
        lambda log, notes: marked_texts(lines, nlp, issues=log, where=where),
        nlp,
        # Spans have no text of their own here, by which offsets could be checked.
        TextOptions(offsets=AS_GIVEN),
        issues=issues,
        notes=[],
        where=where,
        shapes=SHAPES,
    )
    return (record.doc for record in records)


def marked_texts(
    lines: Iterable[str], nlp: Language, *, issues: IssueLog, where: str
) -> Iterator[MarkedText]:
    """Read records, and find their tokens in the text, in order.

    Where a token's place is ambiguous the nearest is taken and counted. A record
    without labels isn't annotated.

    nlp (Language): Tokenises the texts.
    RAISES (UserError): What is no JSON, or a record without a text.
    """
    for number, record in json_records(lines, where, numbers_as_text=True, pairs=True):
        place = f"{where}:{number}"
        text, labels = _read_record(record, place)
        marked = MarkedText(text, place)
        if labels is None:
            fields = record if isinstance(record, dict) else {}
            check_no_annotation(fields, LABEL_KEYS, place, issues, text)
        elif text.strip():
            pairs = list(_read_pairs(labels, marked, issues))
            words = _tagged_words(pairs, issues, place, marked.unread)
            doc = text_to_doc(text, nlp, issues=IssueLog(), where=place)
            alignment = align_words(OccurrenceFinder.of_doc(doc), words)
            _count(alignment, marked, issues)
            _count_others(record, labels, marked, issues)
            marked.spans = [
                MarkedSpan(found.start, found.end, found.label) for found in alignment.placed if found.label
            ]
        yield marked


def _count_others(record: Any, labels: Any, marked: MarkedText, issues: IssueLog) -> None:
    """Count labels under another key than the one that is read; what is no entity there is missing then."""
    for key, value in record.items() if isinstance(record, dict) else ():
        is_other = key.lower() in LABEL_KEYS and key.lower() != "tokens" and isinstance(value, list | dict)
        if is_other and value and value is not labels and value != labels and not _all_texts(value):
            issues.add(OTHER_SPANS, f"{key!r}: {json.dumps(value, ensure_ascii=False)[:60]}", marked.where)
            marked.partial = True


def docs_to_bio_json(docs: Iterable[Doc]) -> Iterator[str]:
    """Write Docs as an array of records, one a line, with labels as pairs.

    Only tokens that are not O are written, unless these could be found at
    another place of the text; then all tokens of the record are. Without
    annotation there is no key 'labels'. White space alone is no token here.

    docs (Iterable[Doc]): Docs with entities.
    YIELDS (str): Pieces of the file.
    """
    opening = "[\n"
    for doc in docs:
        yield opening + json.dumps(_record(doc), ensure_ascii=False)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _record(doc: Doc) -> dict[str, Any]:
    record: dict[str, Any] = {"text": doc.text}
    if not doc.has_annotation("ENT_IOB"):
        return record
    tags = ["O"] * len(doc)
    spans = []
    for ent in doc.ents:
        words = [token for token in ent if not token.is_space]
        for token in words:
            tags[token.i] = f"{'B' if token is words[0] else 'I'}-{ent.label_}"
        if words:
            start, end = words[0].idx, words[-1].idx + len(words[-1])
            spans.append((start, end))
    everything = [(token.text, tag) for token, tag in zip(doc, tags, strict=True) if not token.is_space]
    pairs = [(token, tag) for token, tag in everything if tag != "O"]
    if not is_certain(doc.text, _tagged_words(pairs, IssueLog(), "", []), spans):
        pairs = everything
    record["labels"] = pairs
    return record


def _tagged_words(
    pairs: Iterable[tuple[str, str]], issues: IssueLog, where: str, unread: list[str]
) -> list[TaggedWords]:
    """Join tagged tokens, in IOB2, BILUO or IOBES; tokens that are O may be left out."""
    tokens, tags = [], []
    for token, tag in pairs:
        words = tuple(token.split())
        if not words:
            continue
        parts = split_tag(tag.strip())
        if parts is None:
            issues.add("invalid tag", f"{token!r}: {tag!r}", where)
            unread.append(f"{token!r}: {tag!r}")
        tokens.append((token, tag, words))
        tags.append(parts or ("O", ""))
    tagged = []
    for start, end, label in join_tags(tags):
        if tags[start][0] in CONTINUING:
            token, tag, _ = tokens[start]
            issues.add("I- that opens an entity", f"{token!r}: {tag}", where)
        tagged.append(TaggedWords(tuple(word for *_, words in tokens[start:end] for word in words), label))
    return tagged


def _count(alignment: WordsAlignment, marked: MarkedText, issues: IssueLog) -> None:
    """Count what was not found, not certain, or not as written."""
    where = marked.where
    for words, label in alignment.parted:
        issues.add("I- that opens an entity", f"{words[0]!r}: I-{label}", where)
    for found in alignment.placed:
        kind = REPAIRS[found.how]
        if found.how == NORMALISED and _ignores_case(found, marked.text):
            kind = "token in another case"
        if kind:
            issues.add(kind, _show(found), where)
        if found.label and not found.in_order:
            issues.add("token out of order", _show(found), where)
        if found.label and not found.is_certain:
            issues.add("ambiguous place", _show(found), where)
    for lost in alignment.lost:
        issues.add("token not found", _show(lost), where)
        if lost.label:
            marked.unread.append(_show(lost))


def _ignores_case(found: PlacedWords, text: str) -> bool:
    """Whether words differ from the text in case alone."""
    return "".join(text[found.start : found.end].split()).casefold() == "".join(found.words).casefold()


def _show(tagged: TaggedWords | PlacedWords) -> str:
    return f"{tagged.label} {' '.join(tagged.words)!r}"


def _read_record(record: Any, where: str) -> tuple[str, Any]:
    """Take the text and the labels out of a record."""
    if isinstance(record, list) and len(record) == 2 and isinstance(record[0], str):
        return record[0], record[1]
    if not isinstance(record, dict):
        raise UserError(Errors.E152.format(where=where, found=json.dumps(record)[:60]))
    keys = {key.lower(): key for key in reversed(record)}
    text_key = next((k for k in TEXT_KEYS if isinstance(record.get(keys.get(k)), str)), None)
    if text_key is None:
        found = ", ".join(record) or "none"
        raise UserError(Errors.E151.format(where=where, keys=", ".join(TEXT_KEYS), found=found))
    present = [record[keys[k]] for k in LABEL_KEYS if k in keys and record[keys[k]] is not None]
    if not present:
        return record[keys[text_key]], None
    tokens = record.get(keys.get("tokens"))
    if _all_texts(tokens) and _all_texts(present[0]) and len(tokens) == len(present[0]):
        return record[keys[text_key]], [list(pair) for pair in zip(tokens, present[0], strict=True)]
    return record[keys[text_key]], present[0]


def _all_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _read_pairs(labels: Any, marked: MarkedText, issues: IssueLog) -> Iterator[tuple[str, str]]:
    """Read labels in any spelling as pairs of token and tag."""
    if isinstance(labels, str):
        yield from _read_lines(labels, marked, issues)
    elif isinstance(labels, list):
        for item in labels:
            if isinstance(item, list) and len(item) == 2 and _all_texts(item):
                yield item[0], item[1]
            elif isinstance(item, str):
                yield from _read_lines(item, marked, issues)
            elif isinstance(item, JsonObject):
                yield from _read_object(item, marked, issues)
            else:
                _refuse(item, marked, issues)
    elif isinstance(labels, JsonObject):
        yield from _read_object(labels, marked, issues)
    else:
        _refuse(labels, marked, issues)


def _read_object(labels: JsonObject, marked: MarkedText, issues: IssueLog) -> Iterator[tuple[str, str]]:
    token_key = next((k for k in TOKEN_KEYS if k in labels), None)
    tag_key = next((k for k in TAG_KEYS if k in labels), None)
    if token_key and tag_key and _all_texts([labels[token_key], labels[tag_key]]):
        yield labels[token_key], labels[tag_key]
        return
    for token, tag in labels.pairs:
        if isinstance(tag, str):
            yield token, tag
        else:
            _refuse({token: tag}, marked, issues)


def _read_lines(labels: str, marked: MarkedText, issues: IssueLog) -> Iterator[tuple[str, str]]:
    for line in labels.splitlines():
        at = 0
        while line[at:].strip():
            match = TAGGED.match(line, at)
            if match is None:
                token, _, tag = line[at:].rpartition(":")
                if token.strip():
                    yield token.strip(), tag.strip()
                else:
                    _refuse(line[at:], marked, issues)
                break
            yield match["token"].strip("\"'") or match["token"], match["tag"]
            at = match.end()


def _refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    shown = json.dumps(item, ensure_ascii=False)[:60]
    issues.add("label not understood", shown, marked.where)
    marked.unread.append(shown)
