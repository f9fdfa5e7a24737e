"""Tags of tokens whose place in a text is known, as spans by character: the BILUO tags of spaCy's training data."""

from collections.abc import Sequence

from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import CONTINUING, MISSING, join_tags, split_tag


def mark_tags(
    bounds: Sequence[tuple[int, int]], tags: Sequence[str | None], marked: MarkedText, issues: IssueLog
) -> None:
    """Write tags as spans of a text.

    bounds (Sequence[tuple[int, int]]): Start and end of each token.
    tags (Sequence[str | None]): One a token; None, '' and '-' are missing annotation.
    marked (MarkedText): The text; it gets spans, and what is missing as `lost`. Where all of it is missing it isn't
        annotated.
    issues (IssueLog): Where tags that are none are counted.
    """
    parts: list[tuple[str, str]] = []
    is_annotated = False
    for (start, end), tag in zip(bounds, tags, strict=True):
        read = ("O", "")
        if not tag or tag == MISSING:
            marked.lost.append((start, end))
        else:
            is_annotated = True
            found = split_tag(tag)
            if found is None:
                shown = f"{marked.text[start:end]!r}: {tag!r}"
                issues.add("invalid tag", shown, marked.where)
                marked.unread.append(shown)
            read = found or read
        parts.append(read)
    if not is_annotated:
        marked.lost.clear()
        return
    marked.spans = []
    for first, last, label in join_tags(parts):
        if not label:
            continue
        start, end = bounds[first][0], bounds[last - 1][1]
        if parts[first][0] in CONTINUING:
            issues.add("I- that opens an entity", f"{marked.text[start:end]!r}: {tags[first]}", marked.where)
        marked.spans.append(MarkedSpan(start, end, label))
