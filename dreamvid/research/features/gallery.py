"""Labelled pictures of the units of a layer, all or some, and dreams of one picture by layers of rising depth."""

import base64
from collections.abc import Callable, Sequence
from importlib import resources

from dreamvid.analysis.contact_sheet import Cell, sheet
from dreamvid.core.types import Pixels, to_float
from dreamvid.dream.deepdream import score, to_tensor
from dreamvid.media import images
from dreamvid.research.features.feature_session import FeatureSession, beginning, of_unit, picture
from dreamvid.research.features.finding import Finding
from dreamvid.research.features.units import Unit, by_depth, known_layers

Progress = Callable[[int, int], None]


def units_sheet(
    session: FeatureSession, units: Sequence[Unit], *, side: int, across: int, progress: Progress
) -> Finding:
    """Draw dreams of units of one layer, `side` pixels each, in a grid."""
    cells, silent = _cells(session, units, side, progress)
    return Finding({"": sheet(cells, across)}, _said(silent), _numbers(units, silent))


def units_page(session: FeatureSession, units: Sequence[Unit], *, side: int, progress: Progress) -> Finding:
    """Build an HTML page with dreams of units of one layer, `side` pixels each, embedded in it."""
    from jinja2 import Environment

    cells, silent = _cells(session, units, side, progress)
    template = resources.files("dreamvid.research.features").joinpath("atlas.html.j2").read_text(encoding="utf-8")
    pictures = [(cell.title, base64.b64encode(images.encode(cell.picture, ".png")).decode()) for cell in cells]
    page = Environment(autoescape=True).from_string(template)
    html = page.render(net=session.net.name, layer=units[0].layer, side=side, pictures=pictures)
    return Finding({}, _said(silent), _numbers(units, silent), page=html)


def _cells(
    session: FeatureSession, units: Sequence[Unit], side: int, progress: Progress
) -> tuple[list[Cell], list[int]]:
    """Return the titled pictures, and the numbers of the units with activation 0 on theirs."""
    prepared = session.prepared(units[0].layer)
    names = {Unit(*place): name for name, place in session.net.channel_names.items()}
    cells, silent = [], []
    for done, unit in enumerate(units, start=1):
        dreamer = session.dreamer(of_unit(unit), prepared)
        made = picture(dreamer, beginning(dreamer, side, side))
        quiet = score(dreamer, to_tensor(to_float(made), dreamer)) == 0
        if quiet:
            silent.append(unit.number)
        cells.append(Cell(f"{unit.number} {'silent' if quiet else names.get(unit, '')}", made))
        progress(done, len(units))
    return cells, silent


def _said(silent: Sequence[int]) -> tuple[str, ...]:
    if not silent:
        return ()
    return (f"silent whatever was tried (larger pictures may wake them): {', '.join(map(str, silent))}",)


def _numbers(units: Sequence[Unit], silent: list[int]) -> dict[str, object]:
    return {"layer": units[0].layer, "units": [unit.number for unit in units], "silent": silent}


def depth(session: FeatureSession, source: Pixels, layers: Sequence[str]) -> Finding:
    """Dream a picture by an early, a middle and a late layer, or by `layers`, and show the results side by side.

    Raises NetError for a layer that does not exist.
    """
    chosen = dict(zip(layers, known_layers(layers, session.net), strict=True)) if layers else by_depth(session.net)
    cells = [Cell("source", source)]
    for name, layer in chosen.items():
        dreamer = session.dreamer(session.of_layer(layer))
        title = layer if name == layer else f"{name}: {layer}"
        cells.append(Cell(title, picture(dreamer, to_float(source))))
    across = 2 if source.shape[1] > source.shape[0] else len(cells)
    return Finding({"": sheet(cells, across)}, numbers={"layers": list(chosen.values())})
