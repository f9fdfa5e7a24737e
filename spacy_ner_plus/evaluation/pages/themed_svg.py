"""Drawings of matplotlib as SVG that takes its colours from the page it stands in, in light and in dark."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from spacy_ner_plus.extras import from_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
# Colours that stand for the page's own; matplotlib itself knows no CSS variables.
INK, SOFT, LINE, CARD = "#010001", "#010002", "#010003", "#010004"
THEME = {INK: "var(--ink)", SOFT: "var(--soft)", LINE: "var(--line)", CARD: "var(--card)"}
# Colours of pipelines, told apart by the page's variables --p0 and so on.
SERIES = tuple(f"#0200{i:02x}" for i in range(8))
THEME |= {colour: f"var(--p{i})" for i, colour in enumerate(SERIES)}
KEPT = (
    "fill",
    "fill-opacity",
    "opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-opacity",
    "stroke-width",
    "text-anchor",
)
SETTINGS = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 5,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def drawing(name: str, width: float, height: float) -> Iterator["Figure"]:
    """Give a figure to draw on in the page's manner.

    name (str): Of the drawing, the only one of its page.
    width (float): In pixels of the page.
    height (float): In pixels of the page.
    YIELDS (Figure): The figure.
    RAISES (UserError): Where matplotlib isn't installed.
    """
    with from_extra("report"):
        import matplotlib
        from matplotlib.figure import Figure
    # Not people's own style files. A figure of its own: pyplot would choose a backend, and keep what is drawn.
    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    with matplotlib.rc_context({**defaults, **SETTINGS, "svg.hashsalt": name}):
        yield Figure(figsize=(width / 72, height / 72), layout="constrained")


def themed_svg(figure: "Figure", name: str, title: str, notes: Mapping[str, str] | None = None) -> str:
    """Write a figure as SVG for inside a page: its colours are the page's, its text is text.

    Nothing in it is a style attribute, so that a page's security policy can forbid those.

    figure (Figure): Drawn inside `drawing`.
    name (str): The same as there.
    title (str): What it shows, for those who can't see it.
    notes (Mapping[str, str]): Texts that show over parts of the drawing, by their gid.
    RETURNS (str): An svg element.
    """
    stream = StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(stream.getvalue().encode("utf8"))
    _strip(root)
    used = {value.strip("url()")[1:] for _, _, value in _references(root)}
    for element in root.iter():
        _restyle(element)
        own = element.attrib.pop("id", "")
        if own in used:
            element.set("id", f"{name}-{own}")
        if note := (notes or {}).get(own):
            shown = ElementTree.Element("title")
            shown.text = note
            element.insert(0, shown)
    for element, key, value in list(_references(root)):
        del element.attrib[key]
        element.set(key.removeprefix(XLINK), value.replace("#", f"#{name}-"))
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"class": "plot", "role": "img", "aria-label": title, "stroke-linejoin": "round"}
    _prune(root)
    for element in root.iter():
        for key, value in element.attrib.items():
            # Of places alone: labels of axes are text, and names stand in notes.
            if key not in ("id", "href", "aria-label"):
                element.set(key, re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", value))
    return ElementTree.tostring(root, encoding="unicode").replace("\n", "")


def _strip(root: ElementTree.Element) -> None:
    """Take away what HTML doesn't need: namespaces, metadata, a style sheet."""
    for parent in list(root.iter()):
        parent.tag = parent.tag.removeprefix(SVG)
        for child in list(parent):
            if child.tag.endswith("metadata") or child.find(f"{SVG}style") is not None:
                parent.remove(child)


def _prune(element: ElementTree.Element) -> None:
    """Take away white space, groups without content and turns by nothing."""
    element.tail = None
    if not (element.text or "").strip():
        element.text = None
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for child in list(element):
        _prune(child)
        if child.tag in ("g", "defs") and not len(child):
            element.remove(child)


def _references(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, str, str]]:
    """Attributes that refer to an id."""
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == f"{XLINK}href" or value.startswith("url(#"):
                yield element, key, value


def _restyle(element: ElementTree.Element) -> None:
    """Write style as attributes, and colours as the page's."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key in KEPT:
            element.set(key, value)
        elif key in ("font", "font-size") and (size := re.search(r"([\d.]+)px", value)):
            element.set("font-size", size[1])
            if "bold" in value:
                element.set("font-weight", "600")
    for key in ("fill", "stroke"):
        if (colour := element.get(key)) in THEME:
            element.set(key, THEME[colour])
    if element.tag == "text" and not element.get("fill"):
        element.set("fill", THEME[INK])
