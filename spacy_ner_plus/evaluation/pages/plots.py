"""Plots of a comparison: speed and cost against F1, what scores are worth, and how trainings went."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from spacy_ner_plus.evaluation.pages.themed_svg import CARD, SERIES, SOFT, drawing, themed_svg
from spacy_ner_plus.extras import from_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 340, 230
SQUARE = 280
# From here on the axis of a training has minutes.
MANY_SECONDS = 120
# One for each pipeline, beside its colour, for those who don't see the colour.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")


class Point(NamedTuple):
    """A pipeline in a plot of F1 against something.

    number (int): Which pipeline, from 0; gives colour and marker.
    name (str): Its name.
    x (float): What it takes.
    f1 (float): Its F1, from 0 to 1.
    interval (Sequence[float] | None): Ends of the interval of F1.
    """

    number: int
    name: str
    x: float
    f1: float
    interval: Sequence[float] | None


class Curve(NamedTuple):
    """A line of a pipeline in a plot.

    number (int): Which pipeline, from 0.
    name (str): Its name.
    x (Sequence[float]): Places.
    y (Sequence[float]): As many values.
    """

    number: int
    name: str
    x: Sequence[float]
    y: Sequence[float]


def f1_against(name: str, points: Sequence[Point], *, axis: str, title: str, logarithmic: bool = True) -> str:
    """Plot F1 against what it takes.

    name (str): Of the plot, the only one of its page.
    points (Sequence[Point]): The pipelines; on a logarithmic axis each with x above 0.
    axis (str): What x is.
    title (str): What the plot shows.
    logarithmic (bool): Whether the axis is.
    RETURNS (str): An svg element.
    """
    with drawing(name, WIDTH, HEIGHT) as figure:
        axes = figure.add_subplot()
        notes = {}
        for point in points:
            low, high = point.interval or (point.f1, point.f1)
            colour = series(point.number)
            axes.plot([point.x] * 2, [100 * low, 100 * high], color=colour, linewidth=1.4, clip_on=False)
            axes.plot(
                point.x,
                100 * point.f1,
                marker=marker(point.number),
                color=colour,
                markersize=7,
                clip_on=False,
                gid=f"point{point.number}",
            )
            notes[f"point{point.number}"] = (
                f"{point.name}: F1 {100 * point.f1:.1f}, {_number(point.x)} {axis}"
            )
        if logarithmic:
            _spread(axes, [point.x for point in points])
        axes.margins(x=0.08)
        axes.set_xlabel(axis)
        axes.set_ylabel("F1 (strict, 95% interval)")
        within_percent(axes)
        return themed_svg(figure, name, title, notes)


def reliability(name: str, curves: Sequence[Curve], *, title: str) -> str:
    """Plot how often entities of a score are right; right scores lie on the diagonal.

    name (str): Of the plot.
    curves (Sequence[Curve]): For each pipeline the mean score and the share that is right, by bins.
    title (str): What the plot shows.
    RETURNS (str): An svg element.
    """
    return _lines(
        name,
        curves,
        title=title,
        x="mean score of the bin",
        y="share that is right",
        finish=lambda axes: (_unit(axes, "x"), _unit(axes, "y"), _diagonal(axes)),
        height=SQUARE,
    )


def thresholds(name: str, curves: Sequence[Curve], *, title: str) -> str:
    """Plot F1 while the least score that an entity needs moves; F1 in per cent.

    name (str): Of the plot.
    curves (Sequence[Curve]): For each pipeline thresholds and F1.
    title (str): What the plot shows.
    RETURNS (str): An svg element.
    """
    return _lines(
        name,
        curves,
        title=title,
        x="least score of an entity",
        y="F1",
        finish=lambda axes: (_unit(axes, "x"), axes.set_ylim(0, 101)),
        marked=False,
        height=SQUARE,
    )


def trade_off(name: str, curves: Sequence[Curve], *, title: str) -> str:
    """Plot precision against recall while the threshold moves, both in per cent.

    name (str): Of the plot.
    curves (Sequence[Curve]): For each pipeline recall and precision.
    title (str): What the plot shows.
    RETURNS (str): An svg element.
    """
    lowest = min((min(curve.y) for curve in curves if len(curve.y)), default=0)
    return _lines(
        name,
        curves,
        title=title,
        x="recall",
        y="precision",
        finish=lambda axes: (axes.set_xlim(0, 101), axes.set_ylim(min(90, lowest - 2), 100.5)),
        marked=False,
        height=SQUARE,
    )


def risk_coverage(name: str, curves: Sequence[Curve], *, title: str) -> str:
    """Plot the share that is wrong among the surest entities, both in per cent.

    name (str): Of the plot.
    curves (Sequence[Curve]): For each pipeline coverage and risk.
    title (str): What the plot shows.
    RETURNS (str): An svg element.
    """
    return _lines(
        name,
        curves,
        title=title,
        x="share of entities kept, surest first (%)",
        y="wrong among them (%)",
        finish=lambda axes: (axes.set_xlim(0, 101), axes.set_ylim(bottom=0)),
        marked=False,
        height=SQUARE,
    )


def training_curves(name: str, curves: Sequence[Curve], *, title: str, y: str) -> str:
    """Plot a figure while training goes on.

    name (str): Of the plot.
    curves (Sequence[Curve]): For each pipeline seconds and the figure; the axis has minutes where they are many.
    title (str): What the plot shows.
    y (str): What the figure is.
    RETURNS (str): An svg element.
    """
    unit = "seconds"
    if max((max(curve.x) for curve in curves if len(curve.x)), default=0) >= MANY_SECONDS:
        unit = "minutes"
        curves = [curve._replace(x=[seconds / 60 for seconds in curve.x]) for curve in curves]
    return _lines(
        name, curves, title=title, x=f"{unit} of training", y=y, finish=lambda axes: axes.set_xlim(left=0)
    )


def over_answers(
    name: str, curves: Sequence[Curve], *, title: str, y: str, within: tuple[float, float] | None = None
) -> str:
    """Plot a figure while answers come.

    name (str): Of the plot.
    curves (Sequence[Curve]): For each variant how many answers there were, and the figure; NaN where it has none.
    title (str): What the plot shows.
    y (str): What the figure is.
    within (tuple[float, float]): The ends of its axis. Default: those of the figures.
    RETURNS (str): An svg element.
    """

    def finish(axes: "Axes") -> None:
        axes.set_xlim(left=0)
        if within is not None:
            axes.set_ylim(*within)

    return _lines(name, curves, title=title, x="answers", y=y, finish=finish)


def series(number: int) -> str:
    """RETURNS (str): The colour of a pipeline, which the page sets."""
    return SERIES[number % len(SERIES)]


def marker(number: int) -> str:
    """RETURNS (str): The marker of a pipeline; after eight with the next colour, so that pairs stay apart."""
    return MARKERS[(number + number // len(SERIES)) % len(MARKERS)]


def _lines(
    name: str,
    curves: Sequence[Curve],
    *,
    title: str,
    x: str,
    y: str,
    finish: Callable[["Axes"], Any],
    marked: bool = True,
    height: float = HEIGHT,
) -> str:
    with drawing(name, WIDTH, height) as figure:
        axes = figure.add_subplot()
        notes: dict[str, str] = {}
        for curve in curves:
            gid = f"line{curve.number}"
            axes.plot(
                curve.x,
                curve.y,
                color=series(curve.number),
                marker=marker(curve.number),
                markersize=4.5,
                # A few markers on a long line tell it apart as well as all of them.
                markevery=1 if marked else max(1, len(curve.x) // 8),
                markeredgecolor=CARD,
                markeredgewidth=0.5,
                gid=gid,
            )
            notes[gid] = curve.name
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        finish(axes)
        return themed_svg(figure, name, title, notes)


def _unit(axes: "Axes", direction: str) -> None:
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    getattr(axes, f"set_{direction}lim")(0, 1.01)
    getattr(axes, f"set_{direction}ticks")(ticks)


def _diagonal(axes: "Axes") -> None:
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.9, linestyle=(0, (4, 4)), zorder=1)


def within_percent(axes: "Axes") -> None:
    """Keep an axis of rates between 0 and 100, and a point long at least.

    axes (Axes): Where something is drawn; where all is alike, matplotlib would show hundredths and less than 0.
    """
    bottom, top = axes.get_ylim()
    if top - bottom < 1:
        middle = (bottom + top) / 2
        bottom, top = middle - 0.5, middle + 0.5
    if bottom < 0:
        bottom, top = 0, max(top, 1)
    axes.set_ylim(min(bottom, 99), min(top, 100))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _spread(axes: "Axes", positions: Sequence[float]) -> None:
    """Make the axis logarithmic, with room at both ends and numbers as people write them."""
    with from_extra("report"):
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = min(positions), max(positions)
    spread = max(high / low, 10) ** 0.12
    axes.set_xscale("log")
    axes.set_xlim(low / spread, high * spread)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if high / low > 20 else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
