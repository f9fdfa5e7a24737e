"""Predictions that say what entities are called, not where: a dictionary of texts by label for each document."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from spacy_ner_plus.data.label_map import LabelMap

ENDINGS = (".json", ".jsonl")
NO_ANSWER = "row that is null: scored as no answer"
NOT_SCORED = "row that no gold document is left for: not scored"
BLANK = "entity without a text: left out"
_SHAPE = '{"PER": ["Ann Lee"], "LOC": []}, with or without "text" beside them'
# What may stand beside the lists of a document, and says which one it is.
_TEXT = "text"


def entity_list_file(given: Any) -> Path | None:
    """RETURNS (Path | None): The file of predictions that a user names in place of a pipeline; None for anything
    else."""
    if not isinstance(given, str | Path):
        return None
    path = Path(given).expanduser()
    return path if path.suffix.lower() in ENDINGS and path.is_file() else None


@dataclass(frozen=True)
class ListedDoc:
    """What one row says of a document.

    where (str): The row's place.
    mentions (Sequence[tuple[str, str]] | None): Text and label of each entity; None where there is no answer.
    """

    where: str
    mentions: Sequence[tuple[str, str]] | None


def read_entity_lists(
    path: Path,
    golds: "Sequence[Doc]",
    issues: IssueLog,
    *,
    label_map: "LabelMap | None" = None,
    limit: int = 0,
) -> list[ListedDoc]:
    """Read predictions: JSON lines, or one array, with a dictionary of texts by label for each document.

    golds (Sequence[Doc]): The gold Docs: rows that have a `text` belong to the Docs of that text, others are in their
        order.
    issues (IssueLog): Counts rows without an answer, entities without a text, and rows of other texts.
    label_map (LabelMap | None): Renames labels, or drops their entities.
    limit (int): If the gold Docs are only the first ones: how many; 0 for all.
    RETURNS (list[ListedDoc]): One for each gold Doc.
    RAISES (UserError): A row of another shape, or rows that aren't those of the gold Docs.
    """
    labels = {ent.label_ for doc in golds for ent in doc.ents}
    rows = list(_rows(path, labels, issues))
    if any(text is None for text, _ in rows):
        found = _in_order(path, rows[: len(golds)] if limit else rows, golds)
    else:
        found = _by_text(path, rows, golds, issues)
    for row in found:
        if row.mentions is None:
            issues.add(NO_ANSWER, "null", row.where)
    return (
        found
        if label_map is None
        else [replace(row, mentions=_renamed(row.mentions, label_map)) for row in found]
    )


def _in_order(
    path: Path, rows: "Sequence[tuple[str | None, ListedDoc]]", golds: "Sequence[Doc]"
) -> list[ListedDoc]:
    if len(rows) != len(golds):
        raise UserError(Errors.E927.format(path=path, rows=len(rows), docs=len(golds)))
    for (text, row), gold in zip(rows, golds, strict=True):
        if text is not None and text != gold.text and _spelling(text) != _spelling(gold.text):
            raise UserError(Errors.E928.format(where=row.where, text=gold.text[:60], found=text[:60]))
    return [row for _, row in rows]


def _by_text(
    path: Path, rows: "Sequence[tuple[str, ListedDoc]]", golds: "Sequence[Doc]", issues: IssueLog
) -> list[ListedDoc]:
    """Give each gold Doc the first row of its text that is left; where none has exactly that, one in another spelling,
    such as of white space, quotes or composed characters."""
    found: dict[int, ListedDoc] = {}
    left = list(rows)
    for key in (str, _spelling):
        by_text: dict[str, deque[ListedDoc]] = {}
        for text, row in left:
            by_text.setdefault(key(text), deque()).append(row)
        for number, gold in enumerate(golds):
            if number not in found and (same := by_text.get(key(gold.text))):
                found[number] = same.popleft()
        taken = {id(row) for row in found.values()}
        left = [(text, row) for text, row in left if id(row) not in taken]
        if len(found) == len(golds) or not left:
            break
    if missing := [gold for number, gold in enumerate(golds) if number not in found]:
        raise UserError(Errors.E929.format(path=path, text=missing[0].text[:60]))
    for text, row in left:
        issues.add(NOT_SCORED, text[:40], row.where)
    return [found[number] for number in range(len(golds))]


def _spelling(text: str) -> str:
    from spacy_ner_plus.alignment.normalization import Normalised

    return Normalised(text).text.strip()


def _renamed(
    mentions: Sequence[tuple[str, str]] | None, label_map: "LabelMap"
) -> Sequence[tuple[str, str]] | None:
    if mentions is None:
        return None
    renamed = [(text, label_map.new_label(label)) for text, label in mentions]
    return [(text, label) for text, label in renamed if label is not None]


def _rows(path: Path, labels: set[str], issues: IssueLog) -> Iterator[tuple[str | None, ListedDoc]]:
    from spacy_ner_plus.data.formats.strings import read_mentions
    from spacy_ner_plus.data.records.marked import MarkedText
    from spacy_ner_plus.data.sources.json_records import JsonObject, json_records
    from spacy_ner_plus.data.sources.source import Source

    for number, row in json_records(Source(str(path), path).lines, path.name, pairs=True):
        where = f"{path.name}:{number}"
        if row is None:
            yield None, ListedDoc(where, None)
            continue
        if not isinstance(row, JsonObject):
            raise UserError(Errors.E926.format(where=where, found=str(row)[:60], shape=_SHAPE))
        text = row.get(_TEXT) if isinstance(row.get(_TEXT), str) else None
        lists = JsonObject([pair for pair in row.pairs if pair[0] != _TEXT or text is None])
        marked = MarkedText(text or "", where)
        # What can't be read is refused, so that nothing is to be counted.
        mentions = read_mentions(_without_blanks(lists, where, issues), marked, IssueLog())
        # {"Ann Lee": "PER"} would be read as a label called Ann Lee.
        is_turned = any(label not in labels and named in labels for named, label in mentions)
        if marked.unread or is_turned:
            shown = marked.unread[0] if marked.unread else f"{mentions[0][1]!r}: {mentions[0][0]!r}"
            raise UserError(Errors.E926.format(where=where, found=shown[:60], shape=_SHAPE))
        yield text, ListedDoc(where, mentions)


def _without_blanks(value: Any, where: str, issues: IssueLog) -> Any:
    """Take out what chat models write for no entity at all: {"PER": [""]}."""
    from spacy_ner_plus.data.sources.json_records import JsonObject

    if isinstance(value, JsonObject):
        return JsonObject([(key, _without_blanks(inner, where, issues)) for key, inner in value.pairs])
    if isinstance(value, str) and not value.strip():
        issues.add(BLANK, repr(value), where)
        return None
    if not isinstance(value, list):
        return value
    cleaned = [_without_blanks(item, where, issues) for item in value]
    return [item for item, given in zip(cleaned, value, strict=True) if item is not None or given is None]


def place_entity_lists(
    golds: "Sequence[Doc]", listed: Sequence[ListedDoc], vocab: "Vocab"
) -> "Iterator[Doc]":
    """Find the entities of each row in its document.

    A mention takes the first of its places that others leave; one in another spelling is found by similarity, as in
    replies of chat models. One that the text doesn't hold, or not as often, or not beside the others, is kept on the
    Doc without a place.

    YIELDS (Doc): One for each gold Doc, on its tokens.
    """
    from spacy.tokens import Span
    from spacy.util import filter_spans

    from spacy_ner_plus.alignment.align import align_mentions
    from spacy_ner_plus.alignment.mentions import Mention
    from spacy_ner_plus.corpus import bare_copy
    from spacy_ner_plus.pipeline.scored_ents import write_failure
    from spacy_ner_plus.unplaced_mentions import set_unplaced_mentions

    for gold, row in zip(golds, listed, strict=True):
        doc = bare_copy(gold, vocab)
        if row.mentions is None:
            write_failure(doc, NO_ANSWER)
            yield doc
            continue
        alignment = align_mentions(doc, [Mention(text, label) for text, label in row.mentions])
        kept = filter_spans([Span(doc, found.start, found.end, found.label) for found in alignment.spans])
        doc.set_ents(kept, default="outside")
        places = [(ent.start, ent.end, ent.label_) for ent in kept]
        others = [(mention.text, mention.label) for mention, _ in alignment.unaligned]
        for found in alignment.spans:
            place = (found.start, found.end, found.label)
            if place in places:
                places.remove(place)
            else:
                others.append((found.mention.text, found.label))
        set_unplaced_mentions(doc, others)
        yield doc
