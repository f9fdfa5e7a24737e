"""Several people's annotation of one text: whose is taken, where a Doc has a place for one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.issues import IssueLog

Choice = Literal["auto", "first", "last", "each", "agreed"]
CHOICE_MEANING = (
    "Whose annotation of a text is taken, where it has several: auto (the last, and that others differ is counted), "
    "first, last, each (a document for each), or agreed (spans that all have; where they differ is missing)."
)
LEFT_OUT = "annotation beside the one that is taken, and different"


def choose_annotation(views: Sequence[MarkedText], choice: Choice, issues: IssueLog) -> Iterator[MarkedText]:
    """Choose among the annotations of one text.

    views (Sequence[MarkedText]): The text as each has annotated it, in the order of time, the one to be preferred
        at the end.
    issues (IssueLog): Where is counted what is left out without having been asked for.
        Texts that differ, as where exports of two projects with the same ids were joined, have nothing to choose
        between them.
    YIELDS (MarkedText): One of each text; all for 'each'.
    """
    texts = dict.fromkeys(view.text for view in views)
    if len(texts) > 1:
        for text in texts:
            yield from choose_annotation([view for view in views if view.text == text], choice, issues)
    elif len(views) < 2 or choice == "each":
        yield from views
    elif choice == "agreed":
        yield _agreed(views)
    elif choice == "auto":
        taken = views[-1]
        others = [view for view in views[:-1] if not _is_same(view, taken)]
        if others:
            shown = f"{others[0].annotator or 'another'}'s beside {taken.annotator or 'the last'}'s"
            issues.add(LEFT_OUT, shown, taken.where, len(others))
        yield taken
    else:
        yield views[0 if choice == "first" else -1]


def _key(span: MarkedSpan) -> tuple[int, int, str]:
    return span.start, span.end, span.label


def _is_same(one: MarkedText, other: MarkedText) -> bool:
    both = [{_key(span) for span in view.spans or ()} for view in (one, other)]
    return both[0] == both[1] and (one.unread, one.lost, one.missing) == (
        other.unread,
        other.lost,
        other.missing,
    )


def _agreed(views: Sequence[MarkedText]) -> MarkedText:
    keys = [{_key(span) for span in view.spans or ()} for view in views]
    common, every = set.intersection(*keys), set.union(*keys)
    return replace(
        views[-1],
        spans=[span for span in views[-1].spans or () if _key(span) in common],
        lost=[place for view in views for place in view.lost]
        + [(start, end) for start, end, _ in sorted(every - common)],
        missing=[place for view in views for place in view.missing],
        partial=any(view.partial for view in views),
        unread=[unread for view in views for unread in view.unread],
        annotator=", ".join(dict.fromkeys(view.annotator for view in views if view.annotator)),
    )
