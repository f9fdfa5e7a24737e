"""Predictions that say what entities are called, not where: a dictionary of texts by label for each document."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc

ENDINGS = (".json", ".jsonl")
NO_ANSWER = "row that is null: scored as no answer"
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


@dataclass(frozen=True)
class PlacedDoc:
    """A document with the entities of a row.

    doc (Doc): On gold's tokens, with those that its text holds.
    others (Sequence[tuple[str, str]]): Text and label of those that it doesn't hold, or not as often, or not beside
        the others.
    """

    doc: "Doc"
    others: Sequence[tuple[str, str]]


def read_entity_lists(path: Path, golds: "Sequence[Doc]") -> list[ListedDoc]:
    """Read predictions: JSON lines, or one array, with a dictionary of texts by label for each document.

    golds (Sequence[Doc]): The gold Docs: rows that have a `text` belong to the Docs of that text, others are in their
        order.
    RETURNS (list[ListedDoc]): One for each gold Doc.
    RAISES (UserError): A row of another shape, or rows that aren't those of the gold Docs.
    """
    labels = {ent.label_ for doc in golds for ent in doc.ents}
    rows = list(_rows(path, labels))
    texts = [text for text, _ in rows]
    if any(text is None for text in texts):
        if len(rows) != len(golds):
            raise UserError(Errors.E927.format(path=path, rows=len(rows), docs=len(golds)))
        for (text, row), gold in zip(rows, golds, strict=True):
            if text is not None and text != gold.text:
                raise UserError(Errors.E928.format(where=row.where, text=gold.text[:60], found=text[:60]))
        return [row for _, row in rows]
    by_text: dict[str, deque[ListedDoc]] = {}
    for text, row in rows:
        by_text.setdefault(text, deque()).append(row)
    found = []
    for gold in golds:
        if not by_text.get(gold.text):
            raise UserError(Errors.E929.format(path=path, text=gold.text[:60]))
        found.append(by_text[gold.text].popleft())
    return found


def _rows(path: Path, labels: set[str]) -> Iterator[tuple[str | None, ListedDoc]]:
    from spacy_ner_plus.data.formats.strings import read_mentions
    from spacy_ner_plus.data.records.marked import MarkedText
    from spacy_ner_plus.data.sources.json_records import json_records
    from spacy_ner_plus.data.sources.source import Source
    from spacy_ner_plus.issues import IssueLog

    for number, row in json_records(Source(str(path), path).lines, path.name):
        where = f"{path.name}:{number}"
        if row is None:
            yield None, ListedDoc(where, None)
            continue
        if not isinstance(row, dict):
            raise UserError(Errors.E926.format(where=where, found=str(row)[:60], shape=_SHAPE))
        text = row.get(_TEXT) if isinstance(row.get(_TEXT), str) else None
        lists = {key: value for key, value in row.items() if key != _TEXT or text is None}
        marked = MarkedText(text or "", where)
        mentions = read_mentions(lists, marked, IssueLog())
        # {"Ann Lee": "PER"} would be read as a label called Ann Lee.
        is_turned = any(label not in labels and named in labels for named, label in mentions)
        if marked.unread or is_turned:
            shown = marked.unread[0] if marked.unread else f"{mentions[0][1]!r}: {mentions[0][0]!r}"
            raise UserError(Errors.E926.format(where=where, found=shown[:60], shape=_SHAPE))
        yield text, ListedDoc(where, mentions)


def place_entity_lists(
    golds: "Sequence[Doc]", listed: Sequence[ListedDoc], vocab: "Vocab"
) -> Iterator[PlacedDoc]:
    """Find the entities of each row in its document.

    A mention takes the first of its places that others leave; one in another spelling is found by similarity, as in
    replies of chat models.

    YIELDS (PlacedDoc): One for each gold Doc.
    """
    from spacy.tokens import Span
    from spacy.util import filter_spans

    from spacy_ner_plus.alignment.align import align_mentions
    from spacy_ner_plus.alignment.mentions import Mention
    from spacy_ner_plus.corpus import bare_copy
    from spacy_ner_plus.pipeline.scored_ents import write_failure

    for gold, row in zip(golds, listed, strict=True):
        doc = bare_copy(gold, vocab)
        if row.mentions is None:
            write_failure(doc, NO_ANSWER)
            yield PlacedDoc(doc, ())
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
        yield PlacedDoc(doc, others)


def add_unplaced(matched: "MatchedDoc", others: Sequence[tuple[str, str]]) -> "MatchedDoc":
    """Add what was predicted without a place: right by its text alone, and wrong wherever bounds count.

    others (Sequence[tuple[str, str]]): Text and label of each.
    """
    from spacy_ner_plus.evaluation.matching.gold_doc import Entity

    gold = matched.gold
    found = tuple(Entity(0, 0, label, 0, 0, text, aligned=False) for text, label in others)
    if gold.words and len(gold.missing) == len(gold.words):
        return replace(matched, left_out=(*matched.left_out, *found))
    scored = tuple(one for one in found if gold.annotated is None or one.label in gold.annotated)
    left_out = tuple(one for one in found if one not in scored)
    return replace(matched, predicted=(*matched.predicted, *scored), left_out=(*matched.left_out, *left_out))
