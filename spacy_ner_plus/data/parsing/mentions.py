"""Mentions without offsets, found in their text: for sources that only say what is an entity, not where."""

from collections import Counter
from collections.abc import Sequence

from spacy.language import Language

from spacy_ner_plus.alignment.align import INSIDE, NORMALISED, AlignedMention, align_mentions
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.occurrences import OccurrenceFinder, cuts_word
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.storable import mended
from spacy_ner_plus.data.records.texts import text_to_doc
from spacy_ner_plus.issues import IssueLog


def place_mentions(
    mentions: Sequence[tuple[str, str]],
    marked: MarkedText,
    nlp: Language,
    issues: IssueLog,
    occurrences: str = "listed",
) -> None:
    """Find mentions in their text; the text gets spans.

    A mention that stands at more places than it is listed takes the first of them, or what the other mentions
    leave; it is counted, and its other places are missing. One that isn't found is counted, and everything that no
    span covers is missing.

    mentions (Sequence[tuple[str, str]]): Text and label of each, in the source's order.
    nlp (Language): Makes the tokens at whose edges mentions may begin and end.
    occurrences (str): 'listed' as above; with 'all' a mention takes all of its places, with 'first' the first.
    """
    marked.spans = []
    doc = text_to_doc(marked.text, nlp, issues=IssueLog(), where=marked.where)
    if doc is None:
        marked.unread += [f"{label} {text!r}" for text, label in mentions]
        return
    # Mended as the Doc is, or they wouldn't be found.
    asked = [Mention(mended(text, IssueLog(), ""), label) for text, label in mentions]
    alignment = align_mentions(doc, asked, occurrences=occurrences)
    for mention, _ in alignment.split:
        issues.add("mention that joins several", f"{mention.label} {mention.text!r}", marked.where)
    for found in alignment.spans:
        start, end = doc[found.start].idx, doc[found.end - 1].idx + len(doc[found.end - 1])
        start, end = _within(marked.text, start, end, found.mention.text.strip())
        if found.how != "exact":
            kind = "mention in another spelling" if found.how == NORMALISED else "mention found by similarity"
            issues.add(kind, f"{found.mention.text!r}: {marked.text[start:end]!r}", marked.where)
        marked.spans.append(MarkedSpan(start, end, found.label))
    for mention, reason in alignment.unaligned:
        shown = f"{mention.label} {mention.text!r}"
        inside = _inside(mention.text.strip(), marked) if reason == INSIDE else None
        if inside is not None:
            # As of a language that sets no spaces, whose words the tokenizer doesn't know.
            issues.add("mention within a longer word", shown, marked.where)
            marked.spans.append(MarkedSpan(*inside, mention.label))
            continue
        issues.add("mention not found", f"{shown}: {reason}", marked.where)
        marked.unread.append(shown)
    if occurrences != "all":
        _mark_others(alignment.spans, marked, OccurrenceFinder.of_doc(doc), issues)


def _inside(mention: str, marked: MarkedText) -> tuple[int, int] | None:
    """RETURNS (tuple[int, int] | None): The first place of a mention that is free; its others are missing."""
    places = []
    at = marked.text.find(mention)
    while at >= 0:
        end = at + len(mention)
        if all(end <= span.start or span.end <= at for span in marked.spans or ()):
            places.append((at, end))
        at = marked.text.find(mention, end)
    marked.lost += places[1:]
    return places[0] if places else None


def _within(text: str, start: int, end: int, mention: str) -> tuple[int, int]:
    """Where a mention stands in the tokens that it was widened to."""
    at = text.find(mention, start, end)
    if at < 0 or text.find(mention, at + 1, end) >= 0:
        return start, end
    return at, at + len(mention)


def _mark_others(
    found: Sequence[AlignedMention], marked: MarkedText, finder: OccurrenceFinder, issues: IssueLog
) -> None:
    """Count mentions that could have stood elsewhere, too, and make these places missing."""
    taken = [(span.start, span.end) for span in marked.spans or ()]
    labels: Counter[str] = Counter(span.mention.text.strip() for span in found)
    for text in labels:
        others = [
            place
            for place in finder.exact(text)
            if not cuts_word(marked.text, place.start)
            and not cuts_word(marked.text, place.end)
            and all(place.end <= start or end <= place.start for start, end in taken)
        ]
        if others:
            label = next(span.label for span in found if span.mention.text.strip() == text)
            issues.add("ambiguous place", f"{label} {text!r}", marked.where)
            marked.lost += [(place.start, place.end) for place in others]
