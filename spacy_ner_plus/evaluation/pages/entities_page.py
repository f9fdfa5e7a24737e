"""The page of `predict`: texts with their entities, in one self-contained HTML file."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.evaluation.pages.colours import label_colours

if TYPE_CHECKING:
    from markupsafe import Markup

# displaCy's own, but for the class that says whether this entity differs.
ENTITY = (
    '<mark class="entity{differs}" style="background: {bg}">{text}<span class="label">{label}</span></mark>'
)


def render_entities(texts: Iterable[Mapping[str, Any]], *, title: str = "Entities", lang: str = "") -> str:
    """Show texts with their entities.

    texts (Iterable[Mapping[str, Any]]): Each with `text`, `ents` (each with
        `start`, `end` in characters, and `label`) and, where the pipeline failed, `error`.
    lang (str): The language's code, '' where unknown.
    """
    texts = list(texts)
    colours = label_colours(sorted({ent["label"] for text in texts for ent in text["ents"] or ()}))
    direction = writing_direction(lang)
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
    return render_page("entities.jinja", title=title, lang=lang, texts=shown, count=count)


def mark_entities(
    text: str,
    entities: Iterable[tuple[int, int, str, bool]],
    colours: Mapping[str, str],
    direction: str = "ltr",
) -> "Markup":
    """Mark entities in a text by displaCy.

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


def writing_direction(lang: str) -> str:
    """RETURNS (str): 'ltr' or 'rtl', by the code of a language; 'ltr' for ''."""
    import spacy

    if not lang:
        return "ltr"
    return spacy.util.get_lang_class(lang).Defaults.writing_system.get("direction", "ltr")


def render_page(template: str, *, beside: Path | None = None, **values: Any) -> str:
    """Fill a template.

    template (str): Of this folder, or of `beside`.
    beside (Path): The folder of a page of another room, whose template may build on those here. Default: none.
    RETURNS (str): The page.
    """
    from jinja2 import Environment, FileSystemLoader

    here = Path(__file__).parent
    folders = [here] if beside is None else [beside, here]
    environment = Environment(loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True)
    return environment.get_template(template).render(**values)
