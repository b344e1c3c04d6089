"""The session that feature pictures share: a net, a device and the settings of all pictures of a command."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dreamvid.config.serialize import read_settings, to_table
from dreamvid.config.settings import Settings
from dreamvid.core.types import Image, Pixels, to_pixels
from dreamvid.dream import objectives
from dreamvid.dream.deepdream import Dreamer, StepBudget, dream, octave_scores
from dreamvid.dream.objectives import Objective
from dreamvid.dream.session import with_defaults
from dreamvid.models import zoo
from dreamvid.models.device import Compute, set_up
from dreamvid.models.net import Net
from dreamvid.models.prepare import PreparedNet, prepare
from dreamvid.models.relu_rules import ruled
from dreamvid.research.features.units import Unit

Look = tuple[tuple[str, Any], ...]  # settings by their full key, laid over the preset's and under the user's
# What the look of a film adds is left out of a study: single units are shown as they are.
PLAIN: Look = (
    ("dream.gradient", None),
    ("dream.spectrum", 1.0),
    ("dream.coarsest", 32),
    ("dream.octaves", 4),
    ("dream.octave_scale", 1.4),
    ("dream.step_size", 0.012),
)
# What a picture out of nothing needs beyond the dream of a photograph: more steps, and now and then a blur, without
# which the highest frequencies, that nothing in the source holds down, take it over.
FROM_NOTHING: Look = (
    *PLAIN,
    ("dream.octaves", 3),
    ("dream.octave_scale", 1.6),
    ("dream.steps", 24),
    ("dream.step_size", 0.02),
    ("dream.jitter", 8),
    ("dream.blur_every", 4),
    ("dream.blur_sigma", 0.6),
)
LITTLE: Look = (
    *FROM_NOTHING,
    ("dream.octaves", 2),
    ("dream.steps", 12),
    ("dream.step_size", 0.03),
    ("dream.jitter", 4),
)  # for many small ones
LARGE: Look = (*FROM_NOTHING, ("dream.octaves", 1))  # for few large ones: at one scale patterns of all sizes compare
ON_PHOTO: Look = (*PLAIN, ("dream.steps", 10))
ONE_SCALE: Look = (*PLAIN, ("dream.octaves", 1), ("dream.steps", 6), ("dream.jitter", 8))
# Nothing that keeps noise down: neither octaves nor shifts nor blur.
BARE: Look = (*PLAIN, ("dream.octaves", 1), ("dream.steps", 48), ("dream.step_size", 0.02), ("dream.jitter", 0))
CONTRAST = 0.06  # of the noise that a picture begins with: its standard deviation
WAKING, WAKING_CONTRASTS = 8, (0.06, 0.12, 0.25)  # steps per octave that wake a silent unit, and what they begin with
Watch = Callable[[Tensor], None]


@dataclass(frozen=True)
class FeatureSession:
    """A net with where and how it dreams; `settings.objective` is not used: every picture has its own."""

    net: Net
    compute: Compute
    settings: Settings

    def with_dream(self, **changes: Any) -> "FeatureSession":
        """The same with other settings of `dream`; raises SettingsError for values out of bounds."""
        table = to_table(self.settings)
        return replace(self, settings=read_settings({**table, "dream": {**table["dream"], **changes}}, "settings"))

    def prepared(self, *layers: str) -> PreparedNet:
        """The net cut behind `layers`, in the precision that dreams are made in."""
        return prepare(self.net, frozenset(layers), self.compute.device, self.compute.dtype)

    def exact(self, *layers: str) -> PreparedNet:
        """The net cut behind `layers`, in float32 on the CPU: for what is measured."""
        return prepare(self.net, frozenset(layers), torch.device("cpu"), torch.float32)

    def of_layer(self, layer: str) -> Objective:
        """The energy of a layer, of each channel as a share of its usual where that is known."""
        return objectives.layer_energy(layer, self.net.statistics.get(layer))

    def dreamer(self, objective: Objective, prepared: PreparedNet | None = None) -> Dreamer:
        """What dreams of `objective`, with a net that is prepared for it already where several share one."""
        how = with_defaults(self.settings.dream, blur_every=0)
        return Dreamer(prepared or self.prepared(*objective.layers), objective, how, self.settings.seed)


def open_feature_session(settings: Settings, *, trust: bool = False) -> FeatureSession:
    """Set up the process and load the net; raises NetError or SettingsError where they cannot be had.

    `trust`: whether a net that is code may be executed.
    """
    compute = set_up(settings.compute)
    return FeatureSession(zoo.from_settings(settings.net, trust=trust), compute, settings)


def beginning(dreamer: Dreamer, height: int, width: int) -> Image:
    """What a picture out of nothing begins with, H x W x 3 in [0, 1]: quiet grey noise, on which a unit is awake.

    A unit behind a ReLU that is silent has no slope to climb, and what has no slope is only blurred. Such a unit is
    woken first: a few steps are dreamed with gradients that silent ReLUs let through, from louder and louder noise
    until it answers at the size of every octave.
    """
    source = _grey(dreamer, height, width, CONTRAST)
    for contrast in WAKING_CONTRASTS:
        if _awake(dreamer, source):
            break
        steps = StepBudget(min(WAKING, dreamer.settings.steps))
        with ruled("redirected"):
            source = dream(dreamer, _grey(dreamer, height, width, contrast), None, steps, (1,))
    return source


def _grey(dreamer: Dreamer, height: int, width: int, contrast: float) -> Image:
    values = np.random.default_rng(dreamer.seed).standard_normal((height, width, 3))
    return np.clip(0.5 + contrast * values, 0, 1).astype(np.float32)


def _awake(dreamer: Dreamer, source: Image) -> bool:
    return all(any(value != 0 for row in grid for value in row) for grid in octave_scores(dreamer, source))


def of_unit(unit: Unit) -> Objective:
    """The objective that excites a unit over the whole picture."""
    return objectives.channel(unit.layer, (unit.number,))


def picture(dreamer: Dreamer, source: Image, watch: Watch | None = None) -> Pixels:
    """Dreams on `source`, H x W x 3 in [0, 1]; `watch` is told the picture, (1, 3, h, w), after every step."""
    result = dream(dreamer, source, None, StepBudget(dreamer.settings.steps, watch=watch), (0,))
    return to_pixels(result)
