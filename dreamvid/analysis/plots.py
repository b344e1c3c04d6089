"""Plots drawn by matplotlib into RGB pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dreamvid.core.types import Pixels

DPI = 110
# Kinds of vertical lines that mark places on the x axis -> how they are drawn.
LINES: dict[str, dict[str, Any]] = {
    "beat": {"color": "0.82", "linewidth": 0.7},
    "bar": {"color": "0.45", "linewidth": 1.1},
    "event": {"color": "tab:red", "linewidth": 1.0, "linestyle": (0, (4, 3))},
}


@dataclass(frozen=True)
class Curve:
    """Values `y` over `x`; `marks`: positions on the x axis where the curve gets a dot."""

    x: Sequence[float]
    y: Sequence[float]
    marks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One plot of curves by name; `across` and `up` label its axes; `lines`: places on the x axis, by `LINES`."""

    curves: Mapping[str, Curve]
    across: str
    up: str
    title: str = ""
    log: bool = False
    lines: Mapping[str, Sequence[float]] = field(default_factory=dict)


def curves(panels: Sequence[Panel]) -> Pixels:
    """Draw plots side by side, each with a legend; both axes of a `log` panel are logarithmic."""
    figure, axes_of = _figure(5.6 * len(panels), 4.2, len(panels))
    for axes, panel in zip(axes_of, panels, strict=True):
        _plot(axes, panel)
        axes.legend(fontsize="small")
    return _drawn(figure)


def timelines(panels: Sequence[Panel]) -> Pixels:
    """Draw plots one below the other with a common x axis, each titled with its curves' names, taken literally."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.6 + 1.9 * len(panels)), dpi=DPI, layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0], panels, strict=True):
        _plot(axes, panel)
        heading = ", ".join(name if len(name) <= 100 else f"{name[:97]}..." for name in panel.curves)
        axes.set_title(heading, fontsize="small", loc="left", parse_math=False)
        axes.label_outer()
        axes.margins(x=0.01)
    return _drawn(figure)


def _plot(axes: Any, panel: Panel) -> None:
    for kind, places in panel.lines.items():
        axes.vlines(places, 0, 1, transform=axes.get_xaxis_transform(), zorder=1, **LINES[kind])
    for name, curve in panel.curves.items():
        (line,) = axes.plot(curve.x, curve.y, label=name, linewidth=1.4)
        at = [np.interp(mark, curve.x, curve.y) for mark in curve.marks]
        axes.plot(curve.marks, at, "o", color=line.get_color(), markersize=5)
    if panel.log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set(xlabel=panel.across, ylabel=panel.up, title=panel.title)
    axes.grid(alpha=0.25)


@dataclass(frozen=True)
class Cloud:
    """Points of a class on a 2-D map: `points` (N, 2) of its pictures, `centre` and `dream`, (2,) each."""

    points: NDArray[np.float64]
    centre: NDArray[np.float64]
    dream: NDArray[np.float64]


def clouds(of: Mapping[str, Cloud], title: str) -> Pixels:
    """Draw a map of classes by name: pictures as points, centres as crosses, dreams as stars joined to their centre."""
    from matplotlib import colormaps

    figure, (axes,) = _figure(8, 6.4, 1)
    colours = colormaps["tab10" if len(of) <= 10 else "gist_rainbow"]
    for number, (name, cloud) in enumerate(of.items()):
        colour = colours(number if len(of) <= 10 else number / len(of))
        axes.scatter(*cloud.points.T, s=14, alpha=0.6, color=colour, label=name)
        axes.scatter(*cloud.centre, marker="X", s=110, color=colour, edgecolors="black")
        axes.plot(*np.stack([cloud.centre, cloud.dream]).T, color=colour, linewidth=1)
        axes.scatter(*cloud.dream, marker="*", s=260, color=colour, edgecolors="black")
    axes.set(title=title, xticks=[], yticks=[])
    axes.set_xlabel("point: picture, cross: centre of its class, star: dream of the class")
    axes.legend(fontsize="small", ncols=1 + len(of) // 16)
    return _drawn(figure)


def bars(values: Mapping[str, float], along: str) -> Pixels:
    """Draw values by name as horizontal bars, one below the other, each with its number."""
    figure, (axes,) = _figure(7, 1 + 0.32 * len(values), 1)
    axes.bar_label(axes.barh(list(values), list(values.values())), fmt=" %.3f")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(along)
    return _drawn(figure)


def _figure(width: float, height: float, across: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots(1, across, squeeze=False)[0]


def _drawn(figure: Any) -> Pixels:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
