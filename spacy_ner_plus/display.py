"""What notebooks show: differences of a Doc, tags of plain lists, wordpieces; in a terminal as text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.matching.gold_doc import Entity
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import TokenSpan, doc_to_tags, span_scores, split_tag, tag_label, tags_to_spans

if TYPE_CHECKING:
    from markupsafe import Markup

    from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer

# Prefixes of BILUO and IOBES as IOB2 has them.
PREFIXES = {"U": "B", "S": "B", "L": "I", "E": "I", "M": "I"}
# Written to each element, since notebooks keep no style sheet apart; text has the notebook's own colour.
BOX = "line-height: 2.2; overflow-wrap: anywhere; white-space: pre-wrap;"
MARK = "padding: .15em .35em; margin: 0 .1em; border-radius: .35em; color: #14161a; background: {colour};"
WRONG = " outline: 2px solid #c2362c; outline-offset: 1px;"
LABEL = "font-size: .7em; font-weight: 700; margin-inline-start: .45em;"
HEAD = "font-size: .8em; font-weight: 600; opacity: .75; margin-top: .6em;"
CELL = "text-align: left; padding: .15em 1em .15em 0; vertical-align: baseline;"
PIECE = "padding: .05em .3em; margin-right: .25em; border: 1px solid rgba(128, 128, 128, .6); border-radius: .3em;"


@dataclass(frozen=True, repr=False)
class Shown:
    """Something to look at, in a notebook as HTML and elsewhere as text.

    html (str): For a notebook; what came from outside is escaped.
    text (str): For a terminal.
    rows (Sequence[Mapping[str, Any]]): The same as plain rows, such as for pandas.DataFrame.
    """

    html: str
    text: str
    rows: Sequence[Mapping[str, Any]]

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def show_differences(gold_doc: Doc, predicted_doc: Doc) -> Shown:
    """Show gold above predicted, with what is wrong in red, and the errors by kind.

    predicted_doc (Doc): The Doc with predictions; other tokens are laid on gold's by their characters.
    RETURNS (Shown): To look at; `rows` has `kind`, `gold` and `predicted` of each error.
    RAISES (UserError): Where the prediction has another text.
    """
    from markupsafe import Markup

    from spacy_ner_plus.evaluation.errors.error_kinds import find_errors
    from spacy_ner_plus.evaluation.matching.matched_doc import match_doc

    doc = match_doc(gold_doc, predicted_doc)
    if not doc.same_words:
        texts = {"gold": doc.gold.text[:40], "predicted": doc.predicted_text[:40]}
        raise UserError(Errors.E307.format(number=doc.number, **texts))
    errors = find_errors([doc])
    wrong_golds = [entity for error in errors for entity in error.golds]
    wrong = [entity for error in errors for entity in error.predicted]
    colours = label_colours({entity.label for entity in (*doc.gold.ents, *doc.all_predicted)})
    sides = (("Gold", doc.gold.ents, wrong_golds), ("Predicted", doc.all_predicted, wrong))
    html, lines = Markup(""), []
    for name, entities, differing in sides:
        html += Markup('<div style="{}">{}</div><div style="{}" dir="auto">{}</div>').format(
            HEAD, name, BOX, _marked(doc.gold.text, entities, differing, colours)
        )
        lines += [name, f"  {_bracketed(doc.gold.text, entities)}"]
    rows = [
        {"kind": error.kind, "gold": _named(error.golds), "predicted": _named(error.predicted)}
        for error in errors
    ]
    said = [
        f"{row['kind']}: {' -> '.join(filter(None, (row['gold'], row['predicted'])))}" for row in rows
    ] or ["no differences"]
    if doc.left_out:
        said.append(f"left out, as gold has no annotation there: {_named(doc.left_out)}")
    html += Markup('<div style="{}">{}</div>').format(HEAD, "Differences")
    html += Markup("").join(Markup("<div>{}</div>").format(line) for line in said)
    return Shown(str(html), "\n".join([*lines, "Differences", *(f"  {line}" for line in said)]), rows)


def show_tags(tokens: Sequence[str], tags: Sequence[str]) -> Shown:
    """Show tokens with their tags, as LLMs and other tools write them in plain lists.

    tags (Sequence[str]): As many tags, of IOB2, BILUO or IOBES; what is wrong with them is said below.
    RETURNS (Shown): To look at; `rows` has `token`, `tag` and the `entity` that it is part of.
    RAISES (UserError): Where tokens and tags are not as many.
    """
    from markupsafe import Markup

    if len(tokens) != len(tags):
        raise UserError(Errors.E343.format(tokens=len(tokens), tags=len(tags)))
    issues = IssueLog()
    spans = tags_to_spans([_as_iob(tag) for tag in tags], issues)
    inside = {i: span for span in spans for i in range(span.start, span.end)}
    colours = label_colours({span.label for span in spans})
    cells = []
    for i, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
        style = "display: inline-block; text-align: center; line-height: 1.3; padding: .15em .4em; margin: .15em 0;"
        if span := inside.get(i):
            style += f" color: #14161a; background: {colours[span.label]};"
            style += (
                " border-start-start-radius: .35em; border-end-start-radius: .35em; margin-inline-start: .3em;"
                if i == span.start
                else ""
            )
        cell = '<span style="{}">{}<br><span style="font-size: .7em; font-weight: 600;">{}</span></span>'
        cells.append(Markup(cell).format(style, token, tag))
    notes = [f"{issue.count} x {kind}: {issue.example}" for kind, issue in issues]
    html = Markup('<div dir="auto">{}</div>{}').format(
        Markup(" ").join(cells),
        Markup("").join(Markup('<div style="{}">{}</div>').format(HEAD, note) for note in notes),
    )
    rows = [
        {"token": token, "tag": tag, "entity": _entity(tokens, inside.get(i))}
        for i, (token, tag) in enumerate(zip(tokens, tags, strict=True))
    ]
    text = "\n".join([_aligned([[row["token"], row["tag"]] for row in rows]), *notes])
    return Shown(str(html), text, rows)


def show_wordpieces(nlp: Language, text: str, *, component: str | None = None) -> Shown:
    """Show what an encoder's tokenizer makes of words, with the tags found and the scores of entities.

    nlp (Language): A pipeline with a transformer_ner.
    text (str): A text.
    component (str | None): The component whose tokenizer is meant. Default: the first that has one.
    RETURNS (Shown): To look at; `rows` has `word`, `wordpieces`, `tag` and, where an entity begins, its `score`.
        Wordpieces that the vocabulary lacks have a red outline.
    RAISES (UserError): Where the pipeline has no such component.
    """
    from markupsafe import Markup

    from spacy_ner_plus.models.encoders.tokenization import read_texts
    from spacy_ner_plus.models.inputs.token_pieces import read_wordpieces, token_places

    tokenizer = _tokenizer(nlp, component)
    doc = nlp(text)
    batch = read_texts([doc])
    pieces = read_wordpieces(batch, tokenizer)
    names = tokenizer.hf_tokenizer.convert_ids_to_tokens(pieces.ids.tolist())
    unknown = tokenizer.hf_tokenizer.unk_token
    begins, _ = token_places(batch, pieces)
    of_token: dict[int, list[str]] = {}
    for name, token in zip(names, begins.tolist(), strict=True):
        of_token.setdefault(token, []).append(name)
    scores = {start: score for (start, _, _), score in span_scores(doc).items()}
    starts = {ent.start for ent in doc.ents}
    rows = []
    for token, tag in zip(doc, doc_to_tags(doc), strict=True):
        score = scores.get(token.i) if token.i in starts else None
        rows.append({"word": token.text, "wordpieces": of_token.get(token.i, []), "tag": tag, "score": score})
    colours = label_colours({ent.label_ for ent in doc.ents})
    table = []
    for row in rows:
        chips = Markup("").join(
            Markup('<span style="{}">{}</span>').format(PIECE + (WRONG if name == unknown else ""), name)
            for name in row["wordpieces"]
        )
        label = tag_label(row["tag"])
        tag = _chip(row["tag"], colours[label]) if label in colours else row["tag"]
        cells = (row["word"], chips or "\N{EN DASH}", tag, _score(row["score"]))
        table.append(
            Markup("<tr>{}</tr>").format(
                Markup("").join(Markup('<td style="{}">{}</td>').format(CELL, cell) for cell in cells)
            )
        )
    headings = ("word", "wordpieces", "tag", "score")
    head = Markup("").join(Markup('<th style="{}">{}</th>').format(CELL, name) for name in headings)
    summary = f"{len(doc)} words, {len(names)} wordpieces, {names.count(unknown)} unknown"
    html = Markup('<div style="{}">{}</div><table style="border-collapse: collapse;"><tr>{}</tr>{}</table>')
    lines = [[row["word"], " ".join(row["wordpieces"]), row["tag"], _score(row["score"])] for row in rows]
    body = _aligned([list(headings), *lines])
    return Shown(str(html.format(HEAD, summary, head, Markup("").join(table))), f"{summary}\n{body}", rows)


def _tokenizer(nlp: Language, component: str | None) -> "WordpieceTokenizer":
    from spacy_ner_plus.pipeline.transformer_ner.component import TransformerNER

    for name, pipe in nlp.pipeline:
        if isinstance(pipe, TransformerNER) and component in (None, name):
            tokenizer = pipe.token_scorer.tokenizer
            if tokenizer is not None:
                return tokenizer
    names = ", ".join(nlp.pipe_names) or "none"
    raise UserError(Errors.E344.format(name=component or "transformer_ner", names=names))


def _marked(
    text: str, entities: Iterable[Entity], wrong: Sequence[Entity], colours: Mapping[str, str]
) -> "Markup":
    """The text with marks in displaCy's look."""
    from markupsafe import Markup, escape

    found, done = Markup(""), 0
    for entity in _visible(entities):
        style = MARK.format(colour=colours[entity.label]) + (WRONG if entity in wrong else "")
        inside = Markup('{}<span style="{}">{}</span>').format(
            text[entity.start_char : entity.end_char], LABEL, entity.label
        )
        found += escape(text[done : entity.start_char])
        found += Markup('<mark style="{}">{}</mark>').format(style, inside)
        done = entity.end_char
    return found + escape(text[done:])


def _bracketed(text: str, entities: Iterable[Entity]) -> str:
    found, done = "", 0
    for entity in _visible(entities):
        found += (
            f"{text[done : entity.start_char]}[{text[entity.start_char : entity.end_char]} {entity.label}]"
        )
        done = entity.end_char
    return found + text[done:]


def _visible(entities: Iterable[Entity]) -> Iterable[Entity]:
    """Those with a place of their own; the others are in the list of differences alone."""
    done = 0
    for entity in entities:
        if entity.start_char >= done and entity.end_char > entity.start_char:
            yield entity
            done = entity.end_char


def _named(entities: Iterable[Entity]) -> str:
    return ", ".join(f"{entity.text!r} {entity.label}" for entity in entities)


def _as_iob(tag: str) -> str:
    prefix, label = split_tag(tag) or ("", "")
    return f"{PREFIXES.get(prefix, prefix)}-{label}" if label else tag


def _entity(tokens: Sequence[str], span: TokenSpan | None) -> str:
    return "" if span is None else f"{' '.join(tokens[span.start : span.end])} ({span.label})"


def _chip(tag: str, colour: str) -> "Markup":
    from markupsafe import Markup

    return Markup('<span style="{}">{}</span>').format(MARK.format(colour=colour), tag)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
