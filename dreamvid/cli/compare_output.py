"""Output of `dreamvid compare`: a table and a diagram."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dreamvid.core.errors import SettingsError

if TYPE_CHECKING:
    from dreamvid.analysis.compare import Measured

HEADS = ("film", "I_1", "I_8", "E_warp", "reduction", "gain", "p5", "last/first", "flicker", "contract")


def table(films: Sequence["Measured"]) -> str:
    """Format a table with one line per film under a header line, `-` for a missing number, and lines on flashes."""
    rows = [HEADS, *map(_row, films)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        "  ".join(
            cell.ljust(width) if head in ("film", "contract") else cell.rjust(width)
            for head, cell, width in zip(HEADS, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    verdicts = [f"{film.film}: {verdict.in_words()}" for film in films for verdict in film.flashes]
    return "\n".join([*lines, "", *verdicts])


def _row(film: "Measured") -> tuple[str, ...]:
    steady, gain = film.stability, film.gain
    return (
        film.film,
        _number(steady.incoherence_1, 3),
        _number(steady.incoherence_8, 3),
        _number(steady.warp_error, 5),
        _number(steady.warp_error_reduction, 3),
        _number(gain.mean if gain else None, 2),
        _number(gain.p5 if gain else None, 2),
        _number(gain.last_to_first if gain else None, 2),
        _number(steady.flicker, 2),
        "; ".join(film.contract.broken) or "kept",
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def check_plot(path: Path, sources: Sequence[str]) -> None:
    """Raise SettingsError if a diagram cannot be written to `path`, or would overwrite one of the `sources`."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise SettingsError("--plot needs matplotlib: run `pip install matplotlib`") from None
    if path.suffix.lower() != ".png":
        raise SettingsError(f"--plot {path}: give a file name that ends in .png")
    if not path.parent.is_dir():
        raise SettingsError(f"--plot {path}: the folder {path.parent} does not exist: create it first")
    for taken in filter(os.path.exists, sources):  # which a name that is too long is not
        if path.parent.samefile(taken) or (os.path.exists(path) and path.samefile(taken)):  # noqa: PTH110
            raise SettingsError(f"--plot {path} would change the source {taken}: give another file name or folder")


def plot(films: Sequence["Measured"], path: Path) -> None:
    """Draw a scatter plot of activation gain (horizontal) and incoherence (vertical), a point per film and lag.

    Raises SettingsError if it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(
        xlabel="strength: activation gain, as a share of fresh dreams"
        if any(film.gain and film.gain.fresh for film in films)
        else "strength: activation gain over the source",
        ylabel="incoherence",
        title="right is stronger, down is steadier",
    )
    scored = [film for film in films if film.gain]
    for name, marker in (("incoherence_1", "o"), ("incoherence_8", "^")):
        points = [(film.gain.mean, getattr(film.stability, name)) for film in scored if film.gain]
        points = [point for point in points if point[1] is not None]
        axes.scatter([x for x, _ in points], [y for _, y in points], marker=marker, label=f"lag {name[-1]}")
    for film in scored:
        if film.gain and film.stability.incoherence_1 is not None:
            at = film.gain.mean, film.stability.incoherence_1
            axes.annotate(film.film, at, xytext=(6, 4), textcoords="offset points", fontsize="small", parse_math=False)
    axes.set_ylim(bottom=0)
    axes.legend()
    try:
        canvas.print_png(str(path))
    except OSError as error:
        raise SettingsError(f"--plot {path} cannot be written: {error.strerror}") from None
