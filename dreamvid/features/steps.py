"""Step sizes: how a layer's L2 norm rises over the iterations, when it saturates, and when it diverges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from dreamvid import objectives
from dreamvid.dream import to_tensor
from dreamvid.errors import NetError
from dreamvid.features import plots
from dreamvid.features.finding import Finding
from dreamvid.features.plots import Curve, Panel
from dreamvid.features.sheet import Cell, sheet
from dreamvid.features.studio import Studio, picture
from dreamvid.features.units import known_layers
from dreamvid.media import Pixels, to_float, to_pixels

EARLY = 15  # the iteration that is shown beside saturation
SATURATED = 0.95  # of the whole rise
RESTING = 0.05  # of the whole rise: with more than this from one quarter to the last it has not saturated
FALLEN = 0.2  # of the whole rise lost again: the steps overshoot


@dataclass(frozen=True)
class Course:
    """What became of a curve: `at` is the iteration of its saturation, of its peak where it diverged, or its last."""

    kind: Literal["saturates", "rising", "diverges", "nothing"]
    at: int
    words: str


def steps(studio: Studio, source: Pixels, layer: str, sizes: Sequence[float], iterations: int) -> Finding:
    """A picture dreamed by a layer's L2 with several step sizes, at one scale: curves, a table, and pictures.

    The pictures are those at iteration 15 and at saturation, or at the last good iteration. Raises NetError for a layer
    that does not exist.
    """
    (layer,) = known_layers([layer], studio.net)
    prepared = studio.prepared(layer)
    curves, rows, said, numbers = {}, [], [], []
    cells = [Cell("source", source)] * 2
    studios = [studio.with_dream(octaves=1, steps=iterations, step_size=size) for size in sizes]
    for size, at_size in zip(sizes, studios, strict=True):
        dreamer = at_size.dreamer(objectives.layer_energy(layer), prepared)
        norms: list[float] = []
        seen: list[Pixels] = []

        def watch(image: Tensor, norms: list[float] = norms, seen: list[Pixels] = seen) -> None:
            with torch.inference_mode():
                norms.append(float(prepared(image)[layer].norm()))
            seen.append(to_pixels(image[0].permute(1, 2, 0).cpu().numpy()))

        watch(to_tensor(to_float(source), dreamer))
        try:
            picture(dreamer, to_float(source), watch)
        except NetError:  # the gradient is not finite any more: the last good picture is kept
            norms.append(float("nan"))
        course = judged(norms)
        name = f"{size:g}"
        curves[f"{name}: {course.kind}"] = Curve(range(len(norms)), norms, (course.at,))
        rows += [{"step_size": size, "iteration": at, "l2": norm} for at, norm in enumerate(norms)]
        said.append(f"step size {name}: {course.words}")
        numbers.append(
            {"step_size": size, "course": course.kind, "at": course.at, "first": norms[0], "l2": norms[course.at]}
        )
        for at in (min(EARLY, len(seen) - 1), course.at):
            cells.append(Cell(f"{name}, iteration {at}", seen[at]))
    panel = Panel(curves, "iteration", f"L2 norm of {layer}", "dot: saturation, peak, or end")
    pictures = {"": plots.curves([panel]), "-pictures": sheet(cells, 2)}
    return Finding(pictures, tuple(said), {"layer": layer, "steps": numbers}, rows)


def judged(norms: Sequence[float]) -> Course:
    """What became of a layer's L2 norm, one value before the first iteration and one after each."""
    values = np.asarray(norms, dtype=np.float64)
    if not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        return Course("diverges", max(0, bad - 1), f"diverges: not finite at iteration {bad}")
    last, peak = len(values) - 1, int(values.argmax())
    quarter = max(1, len(values) // 4)  # means over quarters: jitter and blur make every curve a saw
    now, before = values[-quarter:].mean(), values[-2 * quarter : -quarter].mean()
    rise = float(values[peak] - values[0])
    if rise <= 1e-6 * abs(float(values[0])):
        return Course("nothing", last, "does not raise the layer at all")
    lost = float(values[peak] - now) / rise
    if lost > FALLEN:
        return Course("diverges", peak, f"diverges: {lost:.0%} of its rise is lost again after iteration {peak}")
    if now - before > RESTING * rise:
        return Course("rising", last, f"still rising at iteration {last}")
    at = int(np.flatnonzero(values >= values[0] + SATURATED * (now - values[0]))[0])
    return Course("saturates", at, f"saturates at iteration {at}, {values[at] / values[0]:.3g} times where it began")
