"""Growth of a layer's L2 norm over gradient steps, by step rule and size: saturation and divergence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dreamvid.analysis import plots
from dreamvid.analysis.contact_sheet import Cell, sheet
from dreamvid.analysis.plots import Curve, Panel
from dreamvid.core.errors import NetError
from dreamvid.core.types import Pixels, to_float, to_pixels
from dreamvid.dream import objectives, tiles
from dreamvid.dream.deepdream import Dreamer, to_tensor
from dreamvid.dream.step_rules import rule
from dreamvid.research.features.feature_session import FeatureSession, picture
from dreamvid.research.features.finding import Finding
from dreamvid.research.features.units import known_layers

EARLY = 15  # the iteration shown beside the one of saturation
SATURATED = 0.95  # share of the whole rise
RESTING = 0.05  # share of the whole rise: a larger rise in the last quarter means that it has not saturated
NOTHING = 1e-3  # share of the first norm: smaller rises come from shifts and rounding alone
FALLEN = 0.2  # share of the whole rise: a larger loss means that the steps overshoot


@dataclass(frozen=True)
class Trend:
    """Kind of a curve; `at`: the iteration where it saturates, of its peak where it diverges, otherwise its last."""

    kind: Literal["saturates", "rising", "diverges", "nothing"]
    at: int
    words: str


@dataclass(frozen=True)
class Run:
    """One dream with one step rule and step size.

    `norms`: the layer's L2 norm before the first iteration and after each; `pictures`: at the same moments; `moved`:
    mean absolute change of the source's values, in [0, 1], by the first step, which is the equivalent `step_size` of
    rule `mean`.
    """

    rule: str
    size: float
    norms: list[float]
    pictures: list[Pixels]
    moved: float
    trend: Trend

    def in_words(self) -> str:
        """Return rule and size, the equivalent `step_size` of rule `mean`, and the trend, as text."""
        as_mean = ""
        if self.rule != "mean":
            by = f"{self.moved:.2g}"
            as_mean = f"a step moves the picture by {by} in the mean at first: as step_size {by} of rule mean; "
        return f"{self.rule} {self.size:g}: {as_mean}{self.trend.words}"

    def numbers(self) -> dict[str, Any]:
        """Return the facts of `in_words`, and the first and the resulting norm, as a JSON object."""
        at = self.trend.at
        found = {"rule": self.rule, "step_size": self.size, "moved": self.moved, "course": self.trend.kind, "at": at}
        return {**found, "first": self.norms[0], "l2": self.norms[at]}


def steps(
    session: FeatureSession, source: Pixels, layer: str, rules: Sequence[str], sizes: Sequence[float], iterations: int
) -> Finding:
    """Dream a picture by the sum of a layer's squares at one scale, for each combination of step rules and sizes.

    `rules`: names as in `dream.step_rule`; empty for that of the session's settings. Returns curves of the layer's L2
    norm, a table, and the pictures at iteration 15 and at saturation, or at the last good iteration. Raises NetError
    for a layer, and SettingsError for a rule, that does not exist.
    """
    (layer,) = known_layers([layer], session.net)
    prepared, dream = session.prepared(layer), {"octaves": 1, "steps": iterations}
    sessions = [
        session.with_dream(**dream, step_rule=rule, step_size=size)
        for rule in rules or (session.settings.dream.step_rule,)
        for size in sizes
    ]
    runs = [_run(at_size.dreamer(objectives.layer_sum(layer), prepared), source, layer) for at_size in sessions]
    curves, cells = {}, [Cell("source", source)] * 2
    for run in runs:
        name, at = f"{run.rule} {run.size:g}", run.trend.at
        curves[f"{name}: {run.trend.kind}"] = Curve(range(len(run.norms)), run.norms, (at,))
        early = min(EARLY, len(run.pictures) - 1)
        cells += [Cell(f"{name}, iteration {step}", run.pictures[step]) for step in (early, at)]
    rows = [
        {"rule": run.rule, "step_size": run.size, "iteration": at, "l2": norm}
        for run in runs
        for at, norm in enumerate(run.norms)
    ]
    panel = Panel(curves, "iteration", f"L2 norm of {layer}", "dot: saturation, peak, or end")
    pictures = {"": plots.curves([panel]), "-pictures": sheet(cells, 2)}
    numbers = {"layer": layer, "steps": [run.numbers() for run in runs]}
    return Finding(pictures, tuple(run.in_words() for run in runs), numbers, rows)


def _run(dreamer: Dreamer, source: Pixels, layer: str) -> Run:
    norms: list[float] = []
    seen: list[Pixels] = []

    def watch(image: Tensor) -> None:
        with torch.inference_mode():
            norms.append(float(dreamer.net(image)[layer].norm()))
        seen.append(to_pixels(image[0].permute(1, 2, 0).cpu().numpy()))

    how, began = dreamer.settings, to_tensor(to_float(source), dreamer)
    slope, _ = tiles.gradient(dreamer.fields, began, *dreamer.patch)
    moved = how.step_size * float(rule(how)(slope).abs().mean())
    watch(began)
    try:
        picture(dreamer, to_float(source), watch)
    except NetError:  # the gradient is not finite: keep the last good picture
        norms.append(float("nan"))
    return Run(how.step_rule, how.step_size, norms, seen, moved, trend_of(norms))


def trend_of(norms: Sequence[float]) -> Trend:
    """Classify the curve of a layer's L2 norm: one value before the first iteration and one after each."""
    values = np.asarray(norms, dtype=np.float64)
    if not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        return Trend("diverges", max(0, bad - 1), f"diverges: not finite at iteration {bad}")
    last, peak = len(values) - 1, int(values.argmax())
    quarter = max(1, len(values) // 4)  # means over quarters, since jitter and blur make the curve uneven
    now, before = values[-quarter:].mean(), values[-2 * quarter : -quarter].mean()
    rise = float(values[peak] - values[0])
    if rise <= NOTHING * abs(float(values[0])):
        return Trend("nothing", last, f"does not raise the layer by even {NOTHING:.1%}")
    lost = float(values[peak] - now) / rise
    if lost > FALLEN:
        return Trend("diverges", peak, f"diverges: {lost:.0%} of its rise is lost again after iteration {peak}")
    if now - before > RESTING * rise:
        return Trend("rising", last, f"still rising at iteration {last}")
    at = int(np.flatnonzero(values >= values[0] + SATURATED * (now - values[0]))[0])
    return Trend("saturates", at, f"saturates at iteration {at}, {values[at] / values[0]:.3g} times where it began")
