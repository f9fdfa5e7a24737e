"""`spacy-v2`: the JSON that spaCy 2 was trained on, as `spacy convert` and `docs_to_json` wrote it.

    [{"id": 0, "paragraphs": [{"raw": "Rosa Quint left", "sentences": [{"tokens": [
        {"id": 0, "orth": "Rosa", "ner": "B-PER"}, {"id": 1, "orth": "Quint", "ner": "L-PER"},
        {"id": 2, "orth": "left", "ner": "O"}]}]}]}]

A paragraph becomes a Doc. Tags are BILUO, and '-' is missing annotation. Where there is no `raw`, white space is
restored by rule, unless tokens say which `space` follows them. Tags of words and dependencies aren't kept, and counted.
"""

import json
from collections.abc import Iterator
from typing import Any

from spacy_ner_plus.data.formats.format import CERTAIN, Reading, Sniff
from spacy_ner_plus.data.parsing.offset_spans import read_spans, refuse
from spacy_ner_plus.data.parsing.record_keys import meta_of
from spacy_ner_plus.data.parsing.token_tags import mark_tags
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.records.whitespace import restore_spaces
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

SHAPES = "BILUO tags under `ner` of tokens in paragraphs, sentences and tokens"
# What a token says beside its tag that a Doc made here has no place for; "-" and "" say nothing.
NOT_KEPT = ("tag", "dep", "lemma", "morph", "pos")
NOTHING = ("", "-", "_", None)


class SpacyV2:
    """The format, as `formats/format.py` says."""

    name = "spacy-v2"
    about = "spaCy 2's JSON of documents, paragraphs, sentences and tokens with BILUO tags"
    endings = (".json",)
    options = TextOptions
    keeps = frozenset()
    writes = False
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        head = source.head
        # A document may be longer than what is looked at.
        if source.is_json and '"paragraphs"' in head and '"sentences"' in head and '"orth"' in head:
            return Sniff(CERTAIN, "documents with `paragraphs`, `sentences` and tokens with `orth`")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(
            lambda issues, notes: marked_texts(source, reading.nlp.lang, issues), source, SHAPES
        )


SPACY_V2 = SpacyV2()


def marked_texts(source: Source, lang: str, issues: IssueLog) -> Iterator[MarkedText]:
    """Read paragraphs.

    RAISES (UserError): What is no JSON, or no document.
    """
    for number, document in json_records(source.lines, source.name):
        where = f"{source.name}:{number}"
        paragraphs = document.get("paragraphs") if isinstance(document, dict) else None
        if not isinstance(paragraphs, list):
            raise UserError(Errors.E152.format(where=where, found=json.dumps(document)[:60]))
        name = document.get("id")
        for i, paragraph in enumerate(paragraphs):
            if not isinstance(paragraph, dict):
                raise UserError(Errors.E152.format(where=where, found=json.dumps(paragraph)[:60]))
            marked = _read_paragraph(paragraph, f"{where}, paragraph {i + 1}", lang, issues)
            if isinstance(name, str | int):
                marked.id = str(name) if len(paragraphs) == 1 else f"{name}-{i}"
            rest = {key: value for key, value in document.items() if key not in ("id", "paragraphs")}
            marked.meta = rest | marked.meta
            yield marked


def _read_paragraph(paragraph: dict[str, Any], where: str, lang: str, issues: IssueLog) -> MarkedText:
    sentences = [sent for sent in paragraph.get("sentences") or () if isinstance(sent, dict)]
    tokens = [[token for token in sent.get("tokens") or () if isinstance(token, dict)] for sent in sentences]
    words = [[token.get("orth") for token in sent] for sent in tokens]
    flat = [token for sent in tokens for token in sent]
    raw = paragraph.get("raw")
    if not all(isinstance(word, str) and word for sent in words for word in sent):
        raise UserError(
            Errors.E151.format(where=where, keys="orth", found=", ".join(flat[0]) if flat else "none")
        )
    spaces = _spaces(tokens, words, lang)
    text = "".join(token["orth"] + " " * space for token, space in zip(flat, spaces, strict=True))
    marked = MarkedText(raw if isinstance(raw, str) and raw else text, where)
    bounds = _bounds(marked.text, [token["orth"] for token in flat])
    if bounds is None:
        issues.add("tokens that do not make up the text", marked.text[:60], where)
        if any(token.get("ner") not in (*NOTHING, "O") for token in flat):
            refuse([token.get("ner") for token in flat], marked, issues)
        return marked
    marked.words = [token["orth"] for token in flat]
    marked.spaces = [
        marked.text[end : start + 1][:1] == " " and start > end
        for (_, end), (start, _) in zip(bounds, [*bounds[1:], (len(marked.text), 0)], strict=True)
    ]
    firsts = [sum(map(len, tokens[:i])) for i in range(len(tokens)) if tokens[i]]
    if len(firsts) > 1:
        marked.sentence_starts = [bounds[first][0] for first in firsts]
    _read_annotation(paragraph, flat, bounds, marked, issues)
    for token in flat:
        for key in NOT_KEPT:
            if token.get(key) not in NOTHING:
                issues.add(f"key of tokens that isn't kept: {key}", str(token[key]), where)
    marked.meta = {
        key: value
        for key, value in meta_of(paragraph, ["raw", "sentences", "entities"]).items()
        if value not in ([], {}, None)
    }
    return marked


def _read_annotation(
    paragraph: dict[str, Any],
    tokens: list[dict[str, Any]],
    bounds: list[tuple[int, int]],
    marked: MarkedText,
    issues: IssueLog,
) -> None:
    tags = [token.get("ner") for token in tokens]
    if any(tag is not None for tag in tags):
        tags = [tag if isinstance(tag, str | None) else str(tag) for tag in tags]
        mark_tags(bounds, tags, marked, issues)
        if marked.spans is None:
            issues.add("record without annotation", marked.text[:60], marked.where)
    elif paragraph.get("entities") is not None:
        marked.spans = read_spans(paragraph["entities"], marked, issues)
    else:
        issues.add("record without annotation", marked.text[:60], marked.where)


def _spaces(tokens: list[list[dict[str, Any]]], words: list[list[Any]], lang: str) -> list[bool]:
    """Say after which tokens a space follows where there is no text."""
    if all("space" in token for sent in tokens for token in sent):
        return [bool(token["space"]) for sent in tokens for token in sent]
    spaces = [space for sent in words for space in restore_spaces(sent, lang)]
    return [*spaces[:-1], False] if spaces else []


def _bounds(text: str, words: list[str]) -> list[tuple[int, int]] | None:
    """RETURNS (list[tuple[int, int]] | None): Where words stand in a text, in order; None where they don't."""
    bounds, at = [], 0
    for word in words:
        start = text.find(word, at)
        if start < 0 or text[at:start].strip():
            return None
        bounds.append((start, start + len(word)))
        at = start + len(word)
    return None if text[at:].strip() else bounds
