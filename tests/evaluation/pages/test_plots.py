import re
import sys

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.pages import plots
from spacy_ner_plus.evaluation.pages.plots import Curve, Point
from spacy_ner_plus.evaluation.pages.themed_svg import drawing, themed_svg

CURVES = [Curve(0, "a & b", [0.1, 0.9], [0.2, 0.8]), Curve(1, "<c>", [0.1, 0.9], [0.3, 0.7])]
POINTS = [Point(0, "slow", 90.0, 0.91, (0.9, 0.92)), Point(1, "fast", 12_000.0, 0.88, None)]


@pytest.fixture(
    params=["reliability", "thresholds", "trade_off", "risk_coverage", "training_curves", "speed", "cost"]
)
def svg(request):
    if request.param == "speed":
        return plots.f1_against("x", POINTS, axis="words a second", title="T <1>")
    if request.param == "cost":
        return plots.f1_against("x", POINTS, axis="US dollars", title="T <1>", logarithmic=False)
    settings = {"y": "loss"} if request.param == "training_curves" else {}
    return getattr(plots, request.param)("x", CURVES, title="T <1>", **settings)


def test_plots_take_their_colours_from_the_page(svg):
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg))
    assert {"var(--p0)", "var(--p1)", "var(--soft)", "var(--line)"} <= colours
    assert {colour for colour in colours if not colour.startswith("var(")} <= {"none"}


def test_plots_have_no_style_and_refer_to_nothing_outside(svg):
    assert "style" not in svg
    assert "http" not in svg
    places = re.findall(r'(?:href="|url\()([^")]*)', svg)
    assert places
    assert all(place.startswith("#x-") for place in places)


def test_plots_say_what_they_show_as_text(svg):
    assert 'role="img" aria-label="T &lt;1&gt;"' in svg
    assert re.search(r"<text [^>]*>[a-zA-Z ]+", svg)


def test_plots_name_their_lines_and_points():
    assert "<title>a &amp; b</title>" in plots.reliability("x", CURVES, title="T")
    svg = plots.f1_against("x", POINTS, axis="words a second", title="T")
    assert "<title>slow: F1 91.0, 90 words a second</title>" in svg
    assert "<title>fast: F1 88.0, 12,000 words a second</title>" in svg


@pytest.mark.parametrize("scores", [[0, 0], [100, 100], [49.99, 50], [99.9, 100], [0.0, 0.1]])
def test_plots_show_f1_from_0_to_100_and_no_hundredths(scores):
    with drawing("x", 100, 100) as figure:
        axes = figure.add_subplot()
        axes.plot([1, 2], scores)
        plots.within_percent(axes)
        bottom, top = axes.get_ylim()
    assert 0 <= bottom <= min(scores)
    assert max(scores) <= top <= 100
    assert top - bottom >= 0.99


@pytest.mark.parametrize(("seconds", "unit"), [([0.1, 0.9], "seconds"), ([60, 120], "minutes")])
def test_plots_of_trainings_take_the_unit_that_shows_them(seconds, unit):
    svg = plots.training_curves("x", [Curve(0, "a", seconds, [1, 2])], title="T", y="loss")
    assert f"{unit} of training" in svg


def test_themed_svg_rounds_places_and_no_text():
    with drawing("x", 100, 100) as figure:
        axes = figure.add_subplot()
        axes.plot([0.001, 0.005], [1, 2])
        axes.set_xticks([0.001, 0.005])
        svg = themed_svg(figure, "x", "T")
    assert ">0.005<" in svg
    assert not re.search(r'="[^"]*\d\.\d{3}', svg)


def test_plots_are_the_same_in_every_run():
    assert plots.reliability("x", CURVES, title="T") == plots.reliability("x", CURVES, title="T")


def test_plots_leave_matplotlibs_settings_alone():
    import matplotlib

    def settings():
        # Asking for the backend would choose one.
        return {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}

    before = settings()
    plots.reliability("x", CURVES, title="T")
    assert settings() == before


def test_plots_without_matplotlib_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match=r"E540.*spacy-ner-plus\[report\]"):
        plots.reliability("x", CURVES, title="T")


def test_themed_svg_keeps_ids_of_drawings_apart():
    with drawing("one", 100, 100) as figure:
        figure.add_subplot().plot([1, 2], [1, 2], marker="o")
        svg = themed_svg(figure, "one", "T")
    ids = re.findall(r'id="([^"]+)"', svg)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)) <= {(n, "") for n in ids} | {
        ("", n) for n in ids
    }
