"""The page of `render`: gold beside predicted, and the errors by kind, in one self-contained HTML file."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.counts import defined_rates
from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
from spacy_ner_plus.evaluation.errors.error_kinds import ERROR_KINDS, EntityError, find_errors
from spacy_ner_plus.evaluation.matching.gold_doc import Entity, GoldDoc
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.evaluation.pages.entities_page import mark_entities, render_page, writing_direction
from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from markupsafe import Markup

# How many tokens are shown before and after an error in a long document.
CONTEXT = 25


def render_differences(
    matched: Sequence[MatchedDoc], *, title: str = "Gold and predicted", show_all: bool = False
) -> str:
    """Show gold beside predicted for each document with an error.

    show_all (bool): Whether documents without an error are shown too. Default: False.
    RAISES (UserError): Where a prediction has another text than its gold Doc.
    """
    for doc in matched:
        if not doc.same_words:
            texts = {"gold": doc.gold.text[:40], "predicted": doc.predicted_text[:40]}
            raise UserError(Errors.E307.format(number=doc.number, **texts))
    errors = {doc.number: find_errors([doc]) for doc in matched}
    labels = {entity.label for doc in matched for entity in (*doc.gold.ents, *doc.all_predicted)}
    colours = label_colours(sorted(labels))
    shown = [
        _describe(doc, errors[doc.number], colours, whole=show_all)
        for doc in matched
        if errors[doc.number] or show_all
    ]
    kinds = Counter(error.kind for some in errors.values() for error in some)
    issues = IssueLog()
    scores = seqeval_scores(matched, issues)
    return render_page(
        "differences.jinja",
        title=title,
        lang=matched[0].gold.lang if matched else "",
        documents=len(matched),
        differing=sum(map(bool, errors.values())),
        shown=shown,
        all=show_all,
        scores=scores,
        rates=_rates,
        kinds={kind: kinds[kind] for kind in ERROR_KINDS if kinds[kind]},
        issues=list(issues),
        colours=colours,
    )


def _describe(
    doc: MatchedDoc, errors: Sequence[EntityError], colours: Mapping[str, str], whole: bool
) -> dict[str, Any]:
    """One document as the template wants it. Both columns show the gold text."""
    from markupsafe import Markup

    sides = {
        "gold": (doc.gold.ents, {entity for error in errors for entity in error.golds}),
        "predicted": (doc.all_predicted, {entity for error in errors for entity in error.predicted}),
    }
    windows = [(0, len(doc.gold.words))] if whole and not errors else _windows(doc.gold, errors)
    columns = {
        side: Markup("").join(_column(doc.gold, entities, differing, windows, colours))
        for side, (entities, differing) in sides.items()
    }
    return {"number": doc.number, "tokens": len(doc.gold.words), "errors": errors, **columns}


def _windows(gold: GoldDoc, errors: Sequence[EntityError]) -> list[tuple[int, int]]:
    """The stretches of tokens around the errors, joined where little lies between."""
    windows: list[tuple[int, int]] = []
    spans = {
        (e.start, e.end) for error in errors for e in (*error.golds, *error.predicted) if e.end > e.start
    }
    for first, last in sorted(spans):
        start, end = max(0, first - CONTEXT), min(len(gold.words), last + CONTEXT)
        # An entity is not cut at the edge of what is shown.
        for entity in gold.ents:
            if entity.start < start < entity.end:
                start = entity.start
            if entity.start < end < entity.end:
                end = entity.end
        if windows and start - windows[-1][1] < CONTEXT // 2:
            windows[-1] = (windows[-1][0], max(end, windows[-1][1]))
        else:
            windows.append((start, end))
    return windows or [(0, min(len(gold.words), 2 * CONTEXT))]


def _column(
    gold: GoldDoc,
    entities: Sequence[Entity],
    differing: set[Entity],
    windows: Sequence[tuple[int, int]],
    colours: Mapping[str, str],
) -> "Iterator[Markup]":
    direction = writing_direction(gold.lang)
    done = 0
    for start, end in windows:
        yield _skipped(start - done)
        first, last = (gold.starts[start], gold.end_of(end - 1)) if end > start else (0, 0)
        here = [
            (max(e.start_char, first) - first, min(e.end_char, last) - first, e.label, e in differing)
            for e in entities
            if e.start_char < last and e.end_char > first
        ]
        yield mark_entities(gold.text[first:last], here, colours, direction)
        done = end
    yield _skipped(len(gold.words) - done)


def _skipped(count: int) -> "Markup":
    from markupsafe import Markup

    if not count:
        return Markup("")
    return Markup('<span class="skipped">… {} not shown …</span>').format(
        f"{count:,} token" + ("s" if count > 1 else "")
    )


def _rates(row: Mapping[str, Any]) -> "Markup":
    from markupsafe import Markup

    rates = defined_rates(row, predicted=row["predicted"], support=row["support"])
    cells = [
        *("\N{EN DASH}" if rate is None else f"{100 * rate:.2f}" for rate in rates.values()),
        f"{row['support']:,}",
    ]
    return Markup("").join(Markup('<td class="n">{}</td>').format(cell) for cell in cells)
