"""Self-contained HTML pages by displaCy: predictions, and predictions beside gold."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.seqeval_scores import score_docs
from spacy_ner_plus.evaluation.matching.gold_tokens import (
    KINDS,
    Difference,
    Placed,
    differences,
    place,
    place_gold,
    same_words,
)
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from markupsafe import Markup

# How many tokens are shown before and after a difference in a long document.
CONTEXT = 25

# displaCy's own, but for the class that says whether this entity differs.
ENTITY = (
    '<mark class="entity{differs}" style="background: {bg}">{text}<span class="label">{label}</span></mark>'
)


def render_differences(
    golds: Sequence[Doc],
    predictions: Sequence[Doc],
    *,
    title: str = "Gold and predicted",
    show_all: bool = False,
    limit: int = 0,
) -> str:
    """Show gold beside predicted for each document with a difference.

    golds (Sequence[Doc]): The gold Docs.
    predictions (Sequence[Doc]): The Docs with predictions, in the same order and as many.
    title (str): The page's title.
    show_all (bool): Whether documents without a difference are shown too.
    limit (int): How many documents are shown at most; 0 for all. Scores and
        counts are of all documents in any case.
    RETURNS (str): The page.
    RAISES (UserError): Where a prediction has another text than its gold Doc.
    """
    shown: list[dict[str, Any]] = []
    differing, kinds = 0, Counter()
    labels = {ent.label_ for docs in (golds, predictions) for doc in docs for ent in doc.ents}
    colours = label_colours(sorted(labels))
    for number, (gold, predicted) in enumerate(zip(golds, predictions, strict=True), 1):
        if not same_words(predicted, gold):
            texts = {"gold": gold.text[:40], "predicted": predicted.text[:40]}
            raise UserError(Errors.E307.format(number=number, **texts))
        found = differences(predicted, gold)
        differing += bool(found)
        kinds.update(difference.kind for difference in found)
        if (found or show_all) and not (limit and len(shown) >= limit):
            shown.append(_describe(number, gold, predicted, found, colours, whole=show_all))
    issues = IssueLog()
    scores = score_docs(golds, predictions, issues)
    return _page(
        "differences.jinja",
        title=title,
        lang=golds[0].lang_ if golds else "",
        documents=len(golds),
        differing=differing,
        shown=shown,
        all=show_all,
        scores=scores,
        rates=_rates,
        kinds={kind: kinds[kind] for kind in KINDS},
        issues=list(issues),
        colours=colours,
    )


def render_entities(texts: Iterable[Mapping[str, Any]], *, title: str = "Entities", lang: str = "") -> str:
    """Show texts with their entities.

    texts (Iterable[Mapping[str, Any]]): Each with `text`, `ents` (each with
        `start`, `end` in characters, and `label`) and, where the pipeline failed, `error`.
    title (str): The page's title.
    lang (str): The language's code.
    RETURNS (str): The page.
    """
    from spacy.vocab import Vocab

    texts = list(texts)
    colours = label_colours(sorted({ent["label"] for text in texts for ent in text["ents"] or ()}))
    direction = _direction(lang) if lang else Vocab().writing_system.get("direction", "ltr")
    shown = [
        {
            "error": text.get("error", ""),
            "marked": mark_entities(
                text["text"],
                [(ent["start"], ent["end"], ent["label"], False) for ent in text["ents"] or ()],
                colours,
                direction,
            ),
        }
        for text in texts
    ]
    count = sum(len(text["ents"] or ()) for text in texts)
    return _page("entities.jinja", title=title, lang=lang, texts=shown, count=count)


def mark_entities(
    text: str,
    entities: Iterable[tuple[int, int, str, bool]],
    colours: Mapping[str, str],
    direction: str = "ltr",
) -> "Markup":
    """Mark entities in a text by displaCy.

    text (str): The text.
    entities (Iterable[tuple[int, int, str, bool]]): Start and end in
        characters, label, and whether it differs.
    colours (Mapping[str, str]): A CSS colour by label.
    direction (str): 'ltr' or 'rtl'.
    RETURNS (Markup): Safe markup, whatever text and labels hold.
    """
    from markupsafe import Markup
    from spacy import displacy

    # displaCy escapes the text, but writes the label as it stands.
    ents = [
        {
            "start": start,
            "end": end,
            "label": label,
            "params": {
                "label": escape(label),
                "bg": colours[label],
                "differs": " differs" if differs else "",
            },
        }
        for start, end, label, differs in sorted(entities)
    ]
    parsed = {"text": text, "ents": ents, "title": None, "settings": {"direction": direction}}
    options = {"template": ENTITY}
    return Markup(displacy.render(parsed, style="ent", manual=True, jupyter=False, options=options))


def _describe(
    number: int,
    gold: Doc,
    predicted: Doc,
    found: Sequence[Difference],
    colours: Mapping[str, str],
    whole: bool,
) -> dict[str, Any]:
    """One document as the template wants it. Both columns show the gold text."""
    sides = {
        "gold": (place_gold(gold), {d.gold for d in found if d.gold}),
        "predicted": (place(predicted, gold), {d.predicted for d in found if d.predicted}),
    }
    windows = [(0, len(gold))] if whole and not found else _windows(gold, found)
    columns = {
        side: _column(gold, placed, differing, windows, colours)
        for side, (placed, differing) in sides.items()
    }
    return {"number": number, "tokens": len(gold), "differences": found, **columns}


def _windows(gold: Doc, found: Sequence[Difference]) -> list[tuple[int, int]]:
    """The stretches of tokens around the differences, joined where little lies between."""
    windows: list[tuple[int, int]] = []
    spans = [span for d in found for span in (d.gold, d.predicted) if span and span.end > span.start]
    for span in sorted(spans):
        start, end = max(0, span.start - CONTEXT), min(len(gold), span.end + CONTEXT)
        # An entity is not cut at the edge of what is shown.
        for ent in gold.ents:
            if ent.start < start < ent.end:
                start = ent.start
            if ent.start < end < ent.end:
                end = ent.end
        if windows and start - windows[-1][1] < CONTEXT // 2:
            windows[-1] = (windows[-1][0], max(end, windows[-1][1]))
        else:
            windows.append((start, end))
    return windows or [(0, min(len(gold), 2 * CONTEXT))]


def _column(
    gold: Doc,
    placed: Sequence[Placed],
    differing: set[Placed],
    windows: Sequence[tuple[int, int]],
    colours: Mapping[str, str],
) -> "Markup":
    from markupsafe import Markup

    direction = gold.vocab.writing_system.get("direction", "ltr")
    parts = []
    done = 0
    for start, end in windows:
        parts.append(_skipped(start - done))
        here = gold[start:end]
        first, last = here.start_char, here.end_char
        entities = []
        for span in placed:
            if span.start_char < last and span.end_char > first:
                begin, stop = max(span.start_char, first) - first, min(span.end_char, last) - first
                entities.append((begin, stop, span.label, span in differing))
        parts.append(mark_entities(here.text, entities, colours, direction))
        done = end
    parts.append(_skipped(len(gold) - done))
    return Markup("").join(parts)


def _skipped(count: int) -> "Markup":
    from markupsafe import Markup

    if not count:
        return Markup("")
    return Markup('<span class="skipped">… {} not shown …</span>').format(
        f"{count:,} token" + ("s" if count > 1 else "")
    )


def _rates(row: Mapping[str, Any]) -> "Markup":
    from markupsafe import Markup

    cells = [f"{100 * row[key]:.2f}" for key in ("precision", "recall", "f1")] + [f"{row['support']:,}"]
    return Markup("").join(Markup('<td class="n">{}</td>').format(cell) for cell in cells)


def _direction(lang: str) -> str:
    import spacy

    return spacy.util.get_lang_class(lang).Defaults.writing_system.get("direction", "ltr")


def _page(template: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    return environment.get_template(template).render(**values)
